#include "candor/loader/loader_state.hpp"

#include <algorithm>
#include <utility>

#include "candor/base/bytes.hpp"
#include "candor/transfer/recovery_policy.hpp"

namespace candor {
namespace {

using namespace loading;

// The share of the bytes; all but done, because 100 % is said only of what was verified.
std::optional<double> almost(std::uint64_t part, std::optional<std::uint64_t> whole) {
  if (!whole || *whole == 0) return std::nullopt;
  return std::min(99.9, 100.0 * static_cast<double>(part) / static_cast<double>(*whole));
}

bool is_paused(const LoaderData& loader) {
  const Download* download = loader.repository.download();
  return download && download->state() == Download::State::kPaused;
}

// While bytes are missing they are downloaded; then what is here is verified.
LoadPhase transfer_phase(const LoaderData& loader) {
  const ByteLedger bytes = loader.repository.bytes();
  return bytes.size && bytes.position >= *bytes.size ? LoadPhase::kVerify : LoadPhase::kDownload;
}

FileStatus row_status(FileTransfer::State state) {
  switch (state) {
    case FileTransfer::State::kProbing:
      return FileStatus::kInitiate;
    case FileTransfer::State::kFetching:
      return FileStatus::kProgress;
    case FileTransfer::State::kVerifying:
      return FileStatus::kVerify;
    case FileTransfer::State::kDone:
      return FileStatus::kDone;
    case FileTransfer::State::kFailed:
      return FileStatus::kFailed;
  }
  return FileStatus::kInitiate;
}

struct StatusOf {
  const LoaderData& loader;
  LoadStatus operator()(const Idle& state) const { return state.status; }
  LoadStatus operator()(const Opening&) const {
    const auto& peer = loader.repository.peer();
    return peer && !peer->stopped ? LoadStatus::kDownloading : LoadStatus::kQueued;
  }
  LoadStatus operator()(const Resolving&) const { return LoadStatus::kDownloading; }
  LoadStatus operator()(const Transferring&) const {
    return is_paused(loader) ? LoadStatus::kPaused : LoadStatus::kDownloading;
  }
  LoadStatus operator()(const Loading&) const { return LoadStatus::kLoading; }
  LoadStatus operator()(const Ready&) const { return LoadStatus::kReady; }
  LoadStatus operator()(const Failed&) const { return LoadStatus::kFailed; }
  LoadStatus operator()(const Removing&) const { return LoadStatus::kIdle; }
};

struct PhaseOf {
  const LoaderData& loader;
  std::optional<LoadPhase> operator()(const Idle& state) const { return state.phase; }
  std::optional<LoadPhase> operator()(const Opening&) const {
    return loader.repository.peer() ? LoadPhase::kDownload : LoadPhase::kResolve;
  }
  std::optional<LoadPhase> operator()(const Resolving&) const { return LoadPhase::kResolve; }
  std::optional<LoadPhase> operator()(const Transferring&) const { return transfer_phase(loader); }
  std::optional<LoadPhase> operator()(const Loading& state) const { return state.driver->phase(); }
  std::optional<LoadPhase> operator()(const Ready&) const { return std::nullopt; }
  std::optional<LoadPhase> operator()(const Failed& state) const { return state.phase; }
  std::optional<LoadPhase> operator()(const Removing&) const { return std::nullopt; }
};

// What is known of each file, from the ledger that counts it; its pace from who measures that.
void add_files(Snapshot& shown, const Download& download, const AggregateProgressInfo& sum) {
  shown.files = std::vector<SnapshotFile>(download.files().size());
  for (std::size_t i = 0; i < shown.files.size(); ++i) {
    const FileTransfer& file = download.files()[i];
    const ByteLedger bytes = file.ledger();
    SnapshotFile& row = shown.files[i];
    row.status = row_status(file.state());
    row.file = file.file().path;
    row.loaded = bytes.position;
    row.total = bytes.size;
    row.cached = bytes.cached;
    if (i >= sum.files.size()) continue;
    row.progress = sum.files[i].progress;
    row.speed = sum.files[i].speed;
    row.time_remaining = sum.files[i].time_remaining;
  }
}

// The pace of bytes on their way, and what follows from it.
void add_pace(Snapshot& shown, const auto& info) {
  shown.speed = info.speed;
  shown.time_remaining = info.time_remaining;
  shown.eta_low = info.eta_low;
  shown.eta_high = info.eta_high;
  shown.eta = info.eta_display;
  shown.stalled_for = info.stalled_for;
}

void add_transfer(Snapshot& shown, const LoaderData& loader, const Download& download, Instant now) {
  const TransferTotals& totals = download.totals();
  const AggregateProgressInfo sum = loader.progress->snapshot(now);
  shown.files_completed = totals.files_done;
  shown.total_files = totals.files;
  shown.current_file = sum.current_file;
  shown.throughput = sum.sparkline.bytes_per_second;
  if (shown.status == LoadStatus::kDownloading && shown.phase == LoadPhase::kDownload) add_pace(shown, sum);
  if (shown.phase == LoadPhase::kDownload) shown.progress = sum.overall_progress;
  if (shown.phase == LoadPhase::kVerify) shown.progress = almost(loader.hashed, totals.bytes.size);
  add_files(shown, download, sum);
}

// What another tab tells is shown as its own; who has stopped before says nothing, but keeps the folder.
void add_peer(Snapshot& shown, const LoaderData& loader, const Opening& state) {
  const auto& peer = loader.repository.peer();
  shown.elsewhere = loader.repository.stage() == Repository::Stage::kWaiting &&
                    (peer || shown.phase_elapsed >= kHeartbeat.count());
  if (!peer) return;
  shown.verified = std::min(peer->verified, shown.total_downloaded);
  shown.speed = peer->speed;
  shown.stalled_for = peer->stalled_for;
  shown.eta = state.eta;
  if (!peer->eta) return;
  shown.time_remaining = peer->eta->seconds;
  shown.eta_low = peer->eta->low;
  shown.eta_high = peer->eta->high;
}

// What went wrong and is tried again by itself, or what the visitor is asked about.
std::optional<SnapshotError> error_in(const LoaderData& loader, Instant now) {
  if (const auto* failed = std::get_if<Failed>(&loader.state))
    return SnapshotError{failed->error, failed->kept, std::nullopt};
  const SourceResolver* resolver = loader.repository.resolver();
  const Download* download = loader.repository.download();
  const std::optional<Error>* error = nullptr;
  if (resolver && resolver->state() == SourceResolver::State::kWaiting) error = &resolver->error();
  if (std::holds_alternative<Transferring>(loader.state) && download &&
      download->state() == Download::State::kWaiting)
    error = &download->error();
  if (error == nullptr || !*error) return std::nullopt;
  SnapshotError shown{**error, loader.repository.bytes().position, std::nullopt};
  if (const auto at = loader.repository.retry_at()) shown.retry_in = std::max(0.0, Millis{*at - now}.count());
  return shown;
}

}  // namespace

LoaderData::LoaderData(ModelConfig model)
    : config(std::move(model)),
      repository(config.source, config.seed, config.sizes),
      timings(PhaseTimings::from_json(config.timings.value_or(""))) {
  if (!config.record) return;
  const StateManager::Restored restored = records.restore(*config.record, Instant{}, config.model_key);
  if (!restored.state || restored.state->status == DownloadStatus::kCompleted) return;
  repository.claim(restored.state->bytes_downloaded, restored.state->total_bytes);
  state = Idle{LoadStatus::kPaused, LoadPhase::kDownload, nullptr, restored.interrupted};
}

LoadStatus status_of(const LoaderData& loader) { return std::visit(StatusOf{loader}, loader.state); }

std::optional<LoadPhase> phase_of(const LoaderData& loader) {
  return std::visit(PhaseOf{loader}, loader.state);
}

ChoicePtr choice_of(const LoaderData& loader) {
  const auto of = [](const auto& state) -> ChoicePtr {
    if constexpr (requires { state.choice; })
      return state.choice;
    else
      return nullptr;
  };
  return std::visit(of, loader.state);
}

bool is_running(LoadStatus status) {
  return status == LoadStatus::kQueued || status == LoadStatus::kDownloading ||
         status == LoadStatus::kLoading;
}

Allowed allowed_in(const LoaderData& loader) {
  const LoadStatus status = status_of(loader);
  const auto* failed = std::get_if<Failed>(&loader.state);
  const auto* ready = std::get_if<Ready>(&loader.state);
  Allowed can;
  can.pause = status == LoadStatus::kQueued || status == LoadStatus::kDownloading;
  can.resume = status == LoadStatus::kPaused;
  can.cancel = is_running(status) || status == LoadStatus::kPaused;
  can.retry = failed && failed->error.retryable;
  can.update = ready && ready->newer;
  can.remove = !is_running(status) && status != LoadStatus::kIdle && loader.repository.bytes().position > 0;
  return can;
}

Snapshot snapshot_of(const LoaderData& loader, Instant now) {
  MonotonicTime clock = loader.time;
  const Instant time = clock.advance(now);
  Snapshot shown;
  shown.model_key = loader.config.model_key;
  shown.model_name = loader.config.model_name;
  shown.status = status_of(loader);
  shown.phase = phase_of(loader);
  shown.attempt = loader.attempt;
  shown.max_attempts = RecoveryPolicy::kMaxAttempts;
  shown.can = allowed_in(loader);
  if (const ChoicePtr choice = choice_of(loader)) {
    shown.variant = choice->plan.variant();
    shown.persistent = choice->device.persistent;
  }
  shown.tokens_per_second = loader.timings.speed();
  if (loader.started) shown.start_time = to_ms(*loader.started);
  shown.last_update = to_ms(time);
  if (shown.phase && is_running(shown.status))
    shown.phase_elapsed = std::max(0.0, Millis{time - loader.phase_began}.count());

  const ByteLedger bytes = loader.repository.bytes();
  shown.total_downloaded = bytes.position;
  shown.total_size = bytes.size;
  shown.cached = bytes.cached;
  shown.network = bytes.position - bytes.cached;
  shown.verified = bytes.verified;
  shown.discarded = bytes.discarded;
  if (!loader.repository.discarded_reason().empty())
    shown.discarded_reason = loader.repository.discarded_reason();
  if (const Download* download = loader.repository.download(); download && loader.progress)
    add_transfer(shown, loader, *download, time);
  else if (shown.phase == LoadPhase::kDownload)
    shown.progress = almost(bytes.position, bytes.size);

  if (const auto* opening = std::get_if<Opening>(&loader.state)) add_peer(shown, loader, *opening);
  if (const auto* state = std::get_if<Loading>(&loader.state)) {
    shown.progress = state->driver->percent();
    shown.phase_last_time = state->driver->phase_last_time();
    shown.resident = state->driver->resident();
    shown.resident_total = state->driver->weight_bytes();
    if (state->upload && shown.phase == LoadPhase::kUpload) add_pace(shown, state->upload->snapshot(time));
  } else if (const auto* ready = std::get_if<Ready>(&loader.state)) {
    shown.progress = 100;
    shown.resident = ready->driver->resident();
    shown.resident_total = ready->driver->weight_bytes();
    shown.newer = ready->newer;
  }
  shown.error = error_in(loader, time);
  const auto* idle = std::get_if<Idle>(&loader.state);
  shown.goes_on =
      is_running(shown.status) || shown.status == LoadStatus::kReady || (idle && idle->interrupted);
  return shown;
}

}  // namespace candor
