#include "candor/loader/watched_load.hpp"

#include <algorithm>
#include <initializer_list>
#include <utility>

#include "candor/base/bytes.hpp"

namespace candor {
namespace {

constexpr Millis kHeartbeat{1000};

LoadStatus load_status(ProgressStatus status) {
  switch (status) {
    case ProgressStatus::kInitiate:
      return LoadStatus::kQueued;
    case ProgressStatus::kDownload:
      return LoadStatus::kDownloading;
    case ProgressStatus::kPaused:
      return LoadStatus::kPaused;
    // Every byte is here, and the model cannot be used yet: what is being done now is not told.
    case ProgressStatus::kLoading:
    case ProgressStatus::kDone:
      return LoadStatus::kLoading;
    case ProgressStatus::kReady:
      return LoadStatus::kReady;
    case ProgressStatus::kFailed:
      return LoadStatus::kFailed;
  }
  return LoadStatus::kQueued;
}

FileStatus file_status(ProgressStatus status) {
  switch (status) {
    case ProgressStatus::kInitiate:
      return FileStatus::kInitiate;
    case ProgressStatus::kDone:
    case ProgressStatus::kReady:
      return FileStatus::kDone;
    case ProgressStatus::kFailed:
      return FileStatus::kFailed;
    default:
      return FileStatus::kProgress;
  }
}

std::optional<LoadPhase> phase_of(LoadStatus status) {
  if (status == LoadStatus::kDownloading) return LoadPhase::kDownload;
  if (status == LoadStatus::kLoading) return LoadPhase::kCreate;
  return std::nullopt;
}

/// Whether `text` ends with these parts, each after a slash; where it begins with the first, there need be
/// none.
bool ends_with_path(std::string_view text, std::initializer_list<std::string_view> parts) {
  for (auto part = parts.end(); part != parts.begin();) {
    --part;
    if (!text.ends_with(*part)) return false;
    text.remove_suffix(part->size());
    if (text.empty()) return part == parts.begin();
    if (text.back() != '/') return false;
    text.remove_suffix(1);
  }
  return true;
}

SnapshotFile row_of(ProgressInfo& file) {
  SnapshotFile row;
  row.status = file_status(file.status);
  row.file = std::move(file.file);
  row.progress = file.progress;
  row.loaded = file.loaded;
  row.total = file.total;
  row.cached = file.cached;
  row.speed = file.speed;
  row.time_remaining = file.time_remaining;
  return row;
}

}  // namespace

void WatchedLoad::kept(std::string address) {
  if (kept_.size() < kMaxKept) kept_.push_back(std::move(address));
}

bool WatchedLoad::was_kept(std::string_view name, std::string_view file) const {
  return std::any_of(kept_.begin(), kept_.end(), [&](const std::string& address) {
    // Of the Hub; or of the page's own server, or of a model that is named by its address.
    return ends_with_path(address, {name, "resolve", options_.revision, file}) ||
           ends_with_path(address, {name, file});
  });
}

std::optional<Snapshot> WatchedLoad::on(TransformersEvent event, Instant now) {
  if (options_.cache_known) {
    // The counts of each file come in its own events, and those can be told from what was here.
    for (TransformersEvent::File& file : event.files) file.loaded.reset();
    if (event.files.empty() && !event.cached) event.cached = was_kept(event.name, event.file);
  }
  files_.handle_file_progress(event, now);
  return moved(now);
}

std::optional<Snapshot> WatchedLoad::complete(Instant now) {
  files_.complete(now);
  return moved(now);
}

std::optional<Snapshot> WatchedLoad::fail(std::string detail, Instant now) {
  files_.fail(std::move(detail), now);
  return moved(now);
}

std::optional<Snapshot> WatchedLoad::moved(Instant now) {
  const Instant time = time_.advance(now);
  if (!started_) started_ = time;
  status_ = load_status(files_.status());
  if (phase_of(status_) != phase_) {
    phase_ = phase_of(status_);
    phase_began_ = time;
  }
  const bool final = status_ == LoadStatus::kReady || status_ == LoadStatus::kFailed;
  if (!throttler_.push(0, time, final)) return std::nullopt;
  return deliver(time);
}

std::optional<Snapshot> WatchedLoad::tick(Instant now) {
  const Instant time = time_.advance(now);
  files_.tick(time);
  const bool beat = waiting() && delivered_ && time >= *delivered_ + kHeartbeat;
  if (!throttler_.poll(time) && !beat) return std::nullopt;
  return deliver(time);
}

bool WatchedLoad::waiting() const {
  return status_ == LoadStatus::kDownloading || status_ == LoadStatus::kLoading;
}

Snapshot WatchedLoad::deliver(Instant now) {
  delivered_ = now;
  return snapshot(now);
}

std::optional<Instant> WatchedLoad::wake_at() const {
  auto wake = throttler_.wake_at();
  if (waiting() && delivered_) {
    const Instant beat = *delivered_ + kHeartbeat;
    wake = wake ? std::min(*wake, beat) : beat;
  }
  return wake;
}

Snapshot WatchedLoad::snapshot(Instant now) const {
  MonotonicTime clock = time_;
  const Instant time = clock.advance(now);
  AggregateProgressInfo sum = files_.snapshot(time);
  Snapshot shown;
  shown.model_key = options_.model_key;
  shown.model_name = options_.model_name;
  shown.status = status_;
  shown.phase = phase_;
  // Of what comes after the download nothing is told.
  if (status_ != LoadStatus::kLoading) shown.progress = sum.overall_progress;
  shown.total_downloaded = sum.total_downloaded;
  shown.total_size = sum.total_size;
  shown.cached = sum.cached;
  shown.network = saturating_sub(sum.total_downloaded, sum.cached);
  shown.verified = sum.verified;
  shown.discarded = sum.discarded;
  shown.speed = sum.speed;
  shown.time_remaining = sum.time_remaining;
  shown.eta_low = sum.eta_low;
  shown.eta_high = sum.eta_high;
  shown.eta = sum.eta_display;
  shown.stalled_for = sum.stalled_for;
  shown.throughput = std::move(sum.sparkline.bytes_per_second);
  if (phase_) shown.phase_elapsed = std::max(0.0, Millis{time - phase_began_}.count());
  shown.files_completed = sum.files_completed;
  shown.total_files = sum.total_files;
  shown.current_file = std::move(sum.current_file);
  shown.files.reserve(sum.files.size());
  std::uint64_t whole = 0;
  for (ProgressInfo& file : sum.files) {
    if (file.status == ProgressStatus::kDone) whole = saturating_add(whole, file.loaded);
    shown.files.push_back(row_of(file));
  }
  if (sum.error) {
    // Not by us, and nobody knows whether it would help to try again. Transformers.js keeps whole files only.
    shown.error = SnapshotError{{ErrorCode::kRuntime, "wentWrong", true, std::move(*sum.error)},
                                options_.cache_known ? whole : 0,
                                std::nullopt};
  }
  shown.max_attempts = 1;
  if (started_) shown.start_time = to_ms(*started_);
  shown.last_update = to_ms(time);
  return shown;
}

}  // namespace candor
