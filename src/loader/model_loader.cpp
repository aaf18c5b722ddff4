#include "candor/loader/model_loader.hpp"

#include <algorithm>
#include <utility>

#include "base/text.hpp"
#include "candor/base/bytes.hpp"
#include "candor/transfer/journal.hpp"

namespace candor {
namespace {

// While something is under way the page hears at least this often, so that elapsed times and silence are
// shown.
constexpr Millis kHeartbeat{1000};

std::string timings_key(std::string_view model_key) { return text::joined("candor_timings_", model_key); }

std::uint64_t fnv1a(std::string_view text) {
  std::uint64_t hash = 14695981039346656037ULL;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211ULL;
  return hash;
}

bool is_damage(ErrorCode code) { return code == ErrorCode::kIntegrity || code == ErrorCode::kChanged; }

std::vector<ModelFile> model_files(const Manifest& manifest) {
  std::vector<ModelFile> files;
  files.reserve(manifest.files().size());
  for (const ManifestFile& file : manifest.files()) files.push_back({file.path, file.size});
  return files;
}

std::string variant_id(const Variant& variant) {
  return text::joined(variant.dtype, "/", to_string(variant.execution_provider));
}

SessionPlan session_plan(const VariantPlan& plan, const DeviceProfile& device) {
  const auto optional_file = [&](const char* path) -> std::optional<std::string> {
    const auto& files = plan.files();
    return std::find(files.begin(), files.end(), path) == files.end() ? std::nullopt
                                                                      : std::optional<std::string>(path);
  };
  SessionPlan session;
  session.execution_provider = plan.variant().execution_provider;
  session.dtype = plan.variant().dtype;
  session.graph = plan.graph().graph;
  session.external_data = plan.graph().external_data;
  session.config = "config.json";
  session.generation_config = optional_file("generation_config.json");
  session.tokenizer = "tokenizer.json";
  session.tokenizer_config = optional_file("tokenizer_config.json");
  session.chat_template = optional_file("chat_template.jinja");
  session.threads = session.execution_provider == ExecutionProvider::kWasm ? device.wasm_threads() : 1;
  return session;
}

FileStatus row_status(const FileTransfer& file) {
  switch (file.state()) {
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

std::optional<Instant> earlier(std::optional<Instant> a, std::optional<Instant> b) {
  if (!a || !b) return a ? a : b;
  return std::min(*a, *b);
}

bool is_final(LoadStatus status) {
  return status != LoadStatus::kQueued && status != LoadStatus::kDownloading &&
         status != LoadStatus::kLoading;
}

}  // namespace

ModelLoader::ModelLoader(ModelConfig config)
    : config_(std::move(config)), session_(PhaseTimings::from_json(config_.timings.value_or(""))) {
  if (!config_.record) return;
  const StateManager::Restored restored = states_.restore(*config_.record, Instant{}, config_.model_key);
  if (!restored.state || restored.state->status == DownloadStatus::kCompleted) return;
  claimed_ = restored.state->bytes_downloaded;
  claimed_total_ = restored.state->total_bytes;
  status_ = LoadStatus::kPaused;
  phase_ = LoadPhase::kDownload;
}

// --- entry points ---

std::vector<Action> ModelLoader::on(const Event& event, Instant now) {
  const Instant time = time_.advance(now);
  std::visit([&](const auto& what) { handle(what, time); }, event);
  return finish(time);
}

std::vector<Action> ModelLoader::received(RequestId request, std::span<const std::uint8_t> bytes,
                                          Instant now) {
  const Instant time = time_.advance(now);
  if (download_ && download_->owns(request)) {
    add(download_->received(request, bytes, time));
    download_moved(time);
  }
  return finish(time);
}

std::vector<Action> ModelLoader::hashed(FileId file, std::uint64_t offset,
                                        std::span<const std::uint8_t> bytes, Instant now) {
  const Instant time = time_.advance(now);
  if (download_) {
    add(download_->hashed(file, offset, bytes, time));
    download_moved(time);
  }
  return finish(time);
}

void ModelLoader::add(std::vector<Action> actions) {
  for (Action& action : actions) actions_.push_back(std::move(action));
}

std::vector<Action> ModelLoader::finish(Instant now) {
  bool deliver = false;
  if (changed_) {
    deliver = throttler_.push(0, now, changed_for_good_).has_value();
    changed_ = changed_for_good_ = false;
  } else {
    deliver = throttler_.poll(now).has_value();
  }
  if (deliver) {
    updated_ = now;
    Snapshot shown = snapshot(now);
    if (stage_ == Stage::kTransferring && status_ == LoadStatus::kDownloading) {
      DownloadUpdate update;
      update.progress = shown.progress;
      update.speed = shown.speed;
      update.bytes_downloaded = shown.total_downloaded;
      update.total_bytes = shown.total_size;
      update.time_remaining = shown.time_remaining;
      if (shown.phase) update.phase = to_string(*shown.phase);
      states_.update_download(config_.model_key, update, now);
    }
    actions_.push_back(action::Publish{std::move(shown)});
  }
  for (StorageAction& storage : states_.poll(now)) {
    if (storage.kind == StorageAction::Kind::kPersist) {
      actions_.push_back(action::Persist{std::move(storage.key), std::move(storage.json)});
    } else {
      actions_.push_back(action::Unpersist{std::move(storage.key)});
    }
  }
  return std::exchange(actions_, {});
}

std::optional<Instant> ModelLoader::wake_at() const {
  std::optional<Instant> wake = earlier(throttler_.wake_at(), states_.wake_at());
  if (stage_ == Stage::kResolving && resolver_ && running()) wake = earlier(wake, resolver_->wake_at());
  if (stage_ == Stage::kTransferring && download_ && running()) wake = earlier(wake, download_->wake_at());
  if (running() && updated_) wake = earlier(wake, *updated_ + kHeartbeat);
  return wake;
}

// --- state ---

bool ModelLoader::running() const {
  return status_ == LoadStatus::kQueued || status_ == LoadStatus::kDownloading ||
         status_ == LoadStatus::kLoading;
}

std::uint64_t ModelLoader::on_disk() const {
  return download_ ? download_->totals().bytes.position : claimed_;
}

void ModelLoader::set_status(LoadStatus status, Instant now) {
  if (!started_ && status != LoadStatus::kIdle) started_ = now;
  status_ = status;
  changed_ = true;
  changed_for_good_ = changed_for_good_ || is_final(status);
}

void ModelLoader::set_phase(std::optional<LoadPhase> phase, Instant now) {
  if (phase == phase_) return;
  phase_ = phase;
  phase_began_ = now;
  changed_ = true;
}

Allowed ModelLoader::allowed() const {
  Allowed can;
  can.pause = status_ == LoadStatus::kQueued || status_ == LoadStatus::kDownloading;
  can.resume = status_ == LoadStatus::kPaused;
  can.cancel = running() || status_ == LoadStatus::kPaused;
  can.retry = status_ == LoadStatus::kFailed && error_ && error_->error.retryable;
  const bool settled = status_ == LoadStatus::kPaused || status_ == LoadStatus::kFailed ||
                       status_ == LoadStatus::kCancelled || status_ == LoadStatus::kReady;
  can.remove = settled && on_disk() > 0;
  return can;
}

void ModelLoader::fail(Error error, Instant now) {
  // Bytes that came since the last attempt make this the first one again; damaged ones don't count as such.
  if (stage_ == Stage::kTransferring && !is_damage(error.code) && on_disk() > attempt_began_with_)
    attempt_ = 1;
  if (attempt_ >= kMaxAttempts) error.retryable = false;
  // Another tab may have better luck; this one begins anew if it is asked to.
  if (!error.retryable) unlock();
  states_.fail_download(config_.model_key, error.message, now);
  if (progress_) progress_->fail(error.message, now);
  error_ = SnapshotError{std::move(error), on_disk(), {}};
  set_status(LoadStatus::kFailed, now);
}

// Ends what is under way; what is on disk stays.
void ModelLoader::stop_work(Instant now) {
  if (resolver_) {
    add(resolver_->stop());
    resolver_.reset();
  }
  if (download_) {
    add(download_->cancel(now));
    sync_files(now);
  }
  if (session_.state() != SessionDriver::State::kIdle) {
    session_.close();
    actions_.push_back(action::CloseSession{});
  }
}

// --- what the visitor does ---

void ModelLoader::handle(const event::Load&, Instant now) {
  switch (stage_) {
    case Stage::kRemoving:
      load_after_removal_ = true;
      return;
    case Stage::kReady:
      if (status_ == LoadStatus::kReady) return;
      break;
    case Stage::kIdle:
      break;
    case Stage::kOpening:
    case Stage::kResolving:
    case Stage::kTransferring:
    case Stage::kLoading:
      if (running()) return;
      if (status_ == LoadStatus::kPaused) return handle(event::Resume{}, now);
      break;
  }
  attempt_ = 1;
  open(now);
}

void ModelLoader::handle(const event::Pause&, Instant now) {
  if (!allowed().pause) return;
  if (stage_ == Stage::kTransferring) {
    add(download_->pause(now));
    sync_files(now);
    progress_->pause(now);
    states_.pause_download(config_.model_key, now);
  } else {
    if (resolver_) add(resolver_->stop());
    resolver_.reset();
    unlock();
  }
  error_.reset();
  set_status(LoadStatus::kPaused, now);
}

void ModelLoader::handle(const event::Resume&, Instant now) {
  if (status_ != LoadStatus::kPaused) return;
  if (stage_ == Stage::kTransferring && download_ && download_->state() == Download::State::kPaused) {
    states_.resume_download(config_.model_key, now);
    progress_->resume(now);
    set_status(LoadStatus::kDownloading, now);
    add(download_->resume(now));
    download_moved(now);
  } else {
    open(now);
  }
}

void ModelLoader::handle(const event::Retry&, Instant now) {
  if (!allowed().retry) return;
  ++attempt_;
  try_again(now);
}

// Goes on after a failure, from what is on disk.
void ModelLoader::try_again(Instant now) {
  // A file that is not what the list says may be the next version's: then the list is the old one.
  if (error_ && is_damage(error_->error.code)) ask_source_ = true;
  error_.reset();
  if (complete_ && !distrust_graph_) {
    create_session(now);
  } else if (lock_ != Lock::kHeld) {
    open(now);
  } else if (stage_ == Stage::kTransferring && download_ && download_->state() == Download::State::kAsking &&
             !ask_source_) {
    attempt_began_with_ = on_disk();
    states_.start_download(config_.model_key, config_.model_name, now);
    progress_->resume(now);
    set_status(LoadStatus::kDownloading, now);
    add(download_->retry(now));
    download_moved(now);
  } else if (stage_ == Stage::kResolving && resolver_) {
    set_status(LoadStatus::kDownloading, now);
    add(resolver_->retry(now));
    resolver_moved(now);
  } else {
    open(now);
  }
}

void ModelLoader::handle(const event::Cancel&, Instant now) {
  // Also who is asked after a failure may give up; that takes no button of its own.
  if (!allowed().cancel && !allowed().retry) return;
  stop_work(now);
  states_.pause_download(config_.model_key, now);
  if (progress_ && stage_ == Stage::kTransferring) progress_->pause(now);
  error_.reset();
  unlock();
  set_status(LoadStatus::kCancelled, now);
  stage_ = Stage::kIdle;
}

void ModelLoader::handle(const event::Remove&, Instant now) {
  if (stage_ == Stage::kRemoving) return;
  stop_work(now);
  // The names of files and folder must reach the store before the order to remove them.
  actions_.push_back(action::UseFolder{1, folder()});
  actions_.push_back(action::RemoveFolder{});
  actions_.push_back(action::Unpersist{timings_key(config_.model_key)});
  states_.remove_download(config_.model_key, now);
  stage_ = Stage::kRemoving;
  error_.reset();
  load_after_removal_ = false;
}

void ModelLoader::handle(const event::Removed&, Instant now) {
  if (stage_ != Stage::kRemoving) return;
  unlock();
  forget_download();
  plan_.reset();
  complete_ = false;
  claimed_ = discarded_before_ = 0;
  discarded_reason_.reset();
  claimed_total_.reset();
  session_ = SessionDriver({});
  started_.reset();
  stage_ = Stage::kIdle;
  set_phase(std::nullopt, now);
  set_status(LoadStatus::kIdle, now);
  if (!std::exchange(load_after_removal_, false)) return;
  // Between what was removed and what begins anew the page must see that there is nothing.
  actions_.push_back(action::Publish{snapshot(now)});
  handle(event::Load{}, now);
}

void ModelLoader::handle(const event::Dispose&, Instant now) {
  if (stage_ == Stage::kRemoving || stage_ == Stage::kIdle) return;
  const bool unfinished = stage_ == Stage::kTransferring || status_ == LoadStatus::kPaused;
  stop_work(now);
  states_.pause_download(config_.model_key, now);
  if (progress_ && stage_ == Stage::kTransferring) progress_->pause(now);
  error_.reset();
  unlock();
  stage_ = Stage::kIdle;
  if (unfinished) {
    set_status(LoadStatus::kPaused, now);
  } else {
    set_phase(std::nullopt, now);
    set_status(LoadStatus::kIdle, now);
  }
}

// --- finding out what there is ---

std::string ModelLoader::folder() const {
  // Readable, and unique by the hash of what it stands for. The revision is part of it, the commit is not:
  // that is in the journal, so that a new commit reuses the files that did not change.
  const ModelSource& source = config_.source;
  std::string name;
  for (const char c : source.repo.substr(0, 120)) {
    name += text::is_plain(c) ? c : '-';
  }
  const std::string identity =
      source.is_folder() ? source.repo : text::joined(source.host, "\n", source.repo, "\n", source.revision);
  return text::joined(name, "-", text::in_hex(fnv1a(identity), 16));
}

void ModelLoader::open(Instant now) {
  stage_ = Stage::kOpening;
  if (download_) {
    next_request_ = std::max(next_request_, download_->next_request());
    if (lock_ != Lock::kHeld) {
      // Other tabs may have been at it since.
      const TransferTotals& totals = download_->totals();
      correct_claim(totals.bytes.position);
      claimed_total_ = totals.bytes.size;
      forget_download();
    }
  }
  error_.reset();
  device_.reset();
  journal_read_ = false;
  complete_ = list_is_fresh_ = false;
  if (lock_ == Lock::kHeld) return locked(now);
  set_phase(LoadPhase::kResolve, now);
  set_status(LoadStatus::kQueued, now);
  unlock();
  lock_ = Lock::kAsked;
  phase_began_ = now;
  peer_ = {};
  actions_.push_back(action::Lock{1, folder()});
}

void ModelLoader::handle(const event::Peer& event, Instant now) {
  if (stage_ != Stage::kOpening || lock_ != Lock::kAsked || !running()) return;
  peer_ = event;
  // Only the disk itself can say that less is here.
  claimed_ = std::max(claimed_, event.on_disk);
  if (event.total) claimed_total_ = std::max(claimed_, *event.total);
  set_phase(LoadPhase::kDownload, now);
  set_status(event.stopped ? LoadStatus::kQueued : LoadStatus::kDownloading, now);
}

void ModelLoader::handle(const event::Locked&, Instant now) {
  if (lock_ != Lock::kAsked) return;
  lock_ = Lock::kHeld;
  if (stage_ == Stage::kOpening && running()) locked(now);
}

// The folder is ours: what is in it?
void ModelLoader::locked(Instant now) {
  set_phase(LoadPhase::kResolve, now);
  set_status(LoadStatus::kQueued, now);
  actions_.push_back(action::UseFolder{1, folder()});
  actions_.push_back(action::Probe{1});
  actions_.push_back(action::ReadJournal{});
}

void ModelLoader::unlock() {
  if (std::exchange(lock_, Lock::kNone) != Lock::kNone) actions_.push_back(action::Unlock{});
}

void ModelLoader::handle(const event::Probed& event, Instant now) {
  if (stage_ != Stage::kOpening || device_) return;
  device_ = event.device;
  online_ = event.device.online;
  opened(now);
}

void ModelLoader::handle(const event::Journal& event, Instant now) {
  if (stage_ != Stage::kOpening || journal_read_) return;
  journal_read_ = true;
  journal_ = Journal::newest(event.texts);
  stored_ = event.files;
  opened(now);
}

void ModelLoader::opened(Instant now) {
  if (!device_ || !journal_read_ || status_ != LoadStatus::kQueued) return;
  if (auto fault = config_.source.fault()) {
    fail(std::move(*fault), now);
  } else if (std::exchange(ask_source_, false) || distrust_graph_ || !open_from_disk(now)) {
    resolve(now);
  }
}

// Everything is here and was verified: no network at all.
bool ModelLoader::open_from_disk(Instant now) {
  if (!journal_.journal) return false;
  const Journal* journal = &*journal_.journal;
  const auto manifest = journal->manifest();
  if (!manifest) return false;

  // Only what is whole counts: the rest of another variant must not be chosen instead of it.
  std::vector<ModelFile> whole;
  for (const ModelFile& file : model_files(*manifest)) {
    if (journal->complete(std::span(&file.path, 1), stored_)) whole.push_back(file);
  }
  auto chosen = VariantPlan::choose(ModelSpec(whole), config_.variant, *device_);
  VariantPlan* plan = std::get_if<VariantPlan>(&chosen);
  if (plan == nullptr || plan->obstacle()) return false;
  // Small files or external data that the journal knows of, but that did not arrive, are still needed.
  const auto wanted = VariantPlan::choose(ModelSpec(model_files(*manifest)), config_.variant, *device_);
  const VariantPlan* all = std::get_if<VariantPlan>(&wanted);
  if (all == nullptr || all->files() != plan->files()) return false;

  auto download =
      std::make_unique<Download>(manifest->only(plan->files()), journal_, stored_, download_options());
  if (download->missing() != std::uint64_t{0}) return false;
  plan_ = std::move(*plan);
  begin_transfer(std::move(download), now);
  return true;
}

void ModelLoader::resolve(Instant now) {
  stage_ = Stage::kResolving;
  set_status(LoadStatus::kDownloading, now);
  SourceResolver::Options options;
  if (config_.source.is_folder()) {
    options.candidates = ModelSpec::text_files();
    for (std::string& path :
         ModelSpec::weight_candidates(VariantPlan::preferred_dtypes(config_.variant, *device_))) {
      options.candidates.push_back(std::move(path));
    }
  }
  options.first_request = next_request_;
  options.seed = config_.seed;
  options.online = online_;
  resolver_.emplace(config_.source, std::move(options));
  add(resolver_->start(now));
  resolver_moved(now);
}

void ModelLoader::resolver_moved(Instant now) {
  next_request_ = std::max(next_request_, resolver_->next_request());
  switch (resolver_->state()) {
    case SourceResolver::State::kAsking:
      if (error_) changed_ = true;
      error_.reset();
      return;
    case SourceResolver::State::kWaiting:
      error_ = SnapshotError{*resolver_->error(), on_disk(), {}};
      changed_ = true;
      return;
    case SourceResolver::State::kFailed:
      fail(*resolver_->error(), now);
      return;
    case SourceResolver::State::kDone:
      error_.reset();
      resolved(now);
      return;
  }
}

void ModelLoader::resolved(Instant now) {
  const Manifest manifest = resolver_->manifest();
  resolver_.reset();
  stage_ = Stage::kOpening;  // a retry begins with the disk again
  list_is_fresh_ = true;
  auto chosen = VariantPlan::choose(ModelSpec(model_files(manifest)), config_.variant, *device_);
  if (Error* error = std::get_if<Error>(&chosen)) return fail(std::move(*error), now);
  plan_ = std::move(std::get<VariantPlan>(chosen));
  if (auto obstacle = plan_->obstacle()) return fail(std::move(*obstacle), now);

  auto download =
      std::make_unique<Download>(manifest.only(plan_->files()), journal_, stored_, download_options());
  if (const auto missing = download->missing()) {
    if (auto error = quota_error(*missing, *device_)) {
      correct_claim(download->totals().bytes.position);
      forget_download();
      return fail(std::move(*error), now);
    }
  }
  begin_transfer(std::move(download), now);
}

Download::Options ModelLoader::download_options() const {
  Download::Options options;
  options.first_request = next_request_;
  options.seed = config_.seed;
  options.persistent = device_->persistent;
  options.online = online_;
  return options;
}

// `here` bytes are on disk. What an earlier visit or round said may be more, by what was not flushed in time.
void ModelLoader::correct_claim(std::uint64_t here) {
  discarded_before_ = saturating_add(discarded_before_, saturating_sub(on_disk(), here));
  if (on_disk() > here)
    discarded_reason_ = "The last bytes of the earlier download had not reached the disk.";
  if (download_) {
    const TransferTotals& totals = download_->totals();
    discarded_before_ = saturating_add(discarded_before_, totals.bytes.discarded);
    if (totals.bytes.discarded > 0) discarded_reason_ = totals.discarded_reason;
  }
  claimed_ = here;
  claimed_total_.reset();
}

void ModelLoader::forget_download() {
  // A request's number is never used twice, or the rest of an old body would pass for a new one's.
  if (download_) next_request_ = std::max(next_request_, download_->next_request());
  download_.reset();
  progress_.reset();
}

// --- the download ---

void ModelLoader::begin_transfer(std::unique_ptr<Download> download, Instant now) {
  stage_ = Stage::kTransferring;
  correct_claim(download->totals().bytes.position);
  attempt_began_with_ = claimed_;
  download_ = std::move(download);

  progress_.emplace();
  ledger_ = std::vector<FileLedger>(download_->files().size());
  for (const FileTransfer& file : download_->files())
    progress_->add_file(file.file().path, file.size(), file.ledger().position);
  progress_->close_set();
  progress_->start(now);

  if (download_->missing() != std::uint64_t{0} || states_.state(config_.model_key)) {
    states_.start_download(config_.model_key, config_.model_name, now);
    set_status(LoadStatus::kDownloading, now);
  }
  add(download_->start(now));
  if (std::exchange(distrust_graph_, false)) {
    for (std::size_t i = 0; i < download_->files().size(); ++i) {
      const std::string& path = download_->files()[i].file().path;
      if (path.starts_with(plan_->graph().graph)) add(download_->distrust(static_cast<FileId>(i), now));
    }
  }
  download_moved(now);
}

void ModelLoader::sync_files(Instant now) {
  if (!progress_) return;
  const std::vector<FileTransfer>& files = download_->files();
  for (std::size_t i = 0; i < files.size(); ++i) {
    const FileTransfer& file = files[i];
    FileLedger& ledger = ledger_[i];
    if (ledger.done && file.state() == FileTransfer::State::kDone) continue;
    const std::string& name = file.file().path;
    if (file.ledger().discarded > ledger.discarded) {
      progress_->discard(name, file.ledger().position, now);
      ledger.discarded = file.ledger().discarded;
      ledger.done = false;
    }
    progress_->update(name, file.ledger().position, file.size(), now);
    if (file.state() == FileTransfer::State::kDone) {
      progress_->complete_file(name, now);
      ledger.done = true;
    }
  }
}

void ModelLoader::download_moved(Instant now) {
  if (stage_ != Stage::kTransferring) return;
  sync_files(now);
  if (!running()) return;
  changed_ = true;
  switch (download_->state()) {
    case Download::State::kReady:
    case Download::State::kPaused:
    case Download::State::kCancelled:
      return;
    case Download::State::kFetching:
      // Silence counts as a stall again.
      if (error_) progress_->resume(now);
      error_.reset();
      set_phase(LoadPhase::kDownload, now);
      return;
    case Download::State::kVerifying:
      error_.reset();
      set_phase(LoadPhase::kVerify, now);
      return;
    case Download::State::kWaiting:
      error_ = SnapshotError{download_->error().value_or(error_of({})), on_disk(), {}};
      progress_->pause(now);
      return;
    case Download::State::kAsking:
      fail(download_->error().value_or(error_of({})), now);
      return;
    case Download::State::kDone:
      complete_ = true;
      states_.complete_download(config_.model_key, now);
      create_session(now);
      return;
  }
}

// --- the session ---

void ModelLoader::create_session(Instant now) {
  stage_ = Stage::kLoading;
  error_.reset();
  unlock();
  if (progress_) progress_->set_loading(now);
  session_.start(variant_id(plan_->variant()), plan_->weight_bytes(), now);
  set_phase(session_.phase(), now);
  set_status(LoadStatus::kLoading, now);
  actions_.push_back(action::CreateSession{1, session_plan(*plan_, *device_)});
}

void ModelLoader::handle(const event::SessionProgress& event, Instant now) {
  if (stage_ != Stage::kLoading || status_ != LoadStatus::kLoading) return;
  session_.progress(event, now);
  set_phase(session_.phase(), now);
  changed_ = true;
}

void ModelLoader::handle(const event::SessionReady&, Instant now) {
  if (stage_ != Stage::kLoading || status_ != LoadStatus::kLoading) return;
  session_.ready(now);
  stage_ = Stage::kReady;
  attempt_ = 1;
  if (progress_) progress_->complete(now);
  actions_.push_back(action::Persist{timings_key(config_.model_key), session_.timings().to_json()});
  set_phase(std::nullopt, now);
  set_status(LoadStatus::kReady, now);
}

void ModelLoader::handle(const event::SessionFailed& event, Instant now) {
  if (stage_ != Stage::kLoading || status_ != LoadStatus::kLoading) return;
  session_.failed();
  Error error{event.kind.value_or(ErrorCode::kRuntime), {}, true, event.message};
  switch (error.code) {
    case ErrorCode::kUnsupported:
      error.message = "This model cannot be run here.";
      error.retryable = false;
      break;
    case ErrorCode::kOutOfMemory:
      error.message = "There is not enough memory for this model on this device.";
      break;
    case ErrorCode::kDeviceLost:
      error.message = "The graphics device was lost while the model was being loaded.";
      break;
    case ErrorCode::kIntegrity: {
      const ManifestFile* graph = download_ ? download_->manifest().find(plan_->graph().graph) : nullptr;
      if (graph != nullptr && graph->has_hash()) {
        // It is what its owner published, to the last bit; fetching it again gives the same.
        error.code = ErrorCode::kUnsupported;
        error.message = "The model's files are complete, but the runtime cannot read them.";
        error.retryable = false;
      } else {
        error.message = "The model's files cannot be read; they will be downloaded again.";
        distrust_graph_ = true;
      }
      break;
    }
    default:
      error.code = ErrorCode::kRuntime;
      error.message = "The model is on this device, but it could not be started.";
      break;
  }
  actions_.push_back(action::CloseSession{});
  if (error.code == ErrorCode::kUnsupported) {
    ask_source_ = true;
    if (!list_is_fresh_ && online_) return open(now);
  }
  fail(std::move(error), now);
}

void ModelLoader::handle(const event::SessionLost& event, Instant now) {
  if (stage_ != Stage::kReady || status_ != LoadStatus::kReady) return;
  session_.lost();
  actions_.push_back(action::CloseSession{});
  fail({ErrorCode::kDeviceLost,
        "The graphics device was lost; the model has to be loaded again from this device.", true,
        event.message},
       now);
}

// --- the rest of what happens ---

void ModelLoader::handle(const event::Update&, Instant) {}
void ModelLoader::handle(const event::Busy&, Instant) {}
void ModelLoader::handle(const event::Heard&, Instant) {}
void ModelLoader::handle(const event::AnswerFailed&, Instant) {}
void ModelLoader::handle(const event::Tick&, Instant now) {
  if (!running()) return;
  if (stage_ == Stage::kResolving && resolver_) {
    add(resolver_->tick(now));
    resolver_moved(now);
  } else if (stage_ == Stage::kTransferring) {
    add(download_->tick(now));
    download_moved(now);
  }
  if (!updated_ || now >= *updated_ + kHeartbeat) changed_ = true;
}

void ModelLoader::handle(const event::Online&, Instant now) {
  online_ = true;
  // The cause of this failure is gone; nobody has to press a button for it.
  if (status_ == LoadStatus::kFailed && error_ && error_->error.code == ErrorCode::kNetwork) {
    attempt_ = 1;
    return try_again(now);
  }
  if (!running()) return;
  if (stage_ == Stage::kResolving && resolver_) {
    add(resolver_->online(now));
    resolver_moved(now);
  } else if (stage_ == Stage::kTransferring) {
    add(download_->online(now));
    download_moved(now);
  }
}

void ModelLoader::handle(const event::Offline&, Instant now) {
  online_ = false;
  if (stage_ == Stage::kResolving && resolver_) {
    resolver_->offline();
  } else if (stage_ == Stage::kTransferring) {
    add(download_->offline(now));
    download_moved(now);
  }
}

void ModelLoader::handle(const event::Opened& event, Instant now) {
  if (stage_ != Stage::kTransferring) return;
  add(download_->on(event, now));
  download_moved(now);
}

void ModelLoader::handle(const event::Journaled& event, Instant now) {
  if (stage_ == Stage::kTransferring) add(download_->on(event, now));
}

void ModelLoader::handle(const event::StoreFailed& event, Instant now) {
  if (stage_ == Stage::kTransferring && download_) {
    add(download_->on(event, now));
    download_moved(now);
  } else if (running() || stage_ == Stage::kRemoving) {
    const bool removing = stage_ == Stage::kRemoving;
    stop_work(now);
    complete_ = false;
    Failure failure;
    failure.cause = event.kind == ErrorCode::kQuota ? Cause::kQuota : Cause::kStorage;
    failure.detail = event.message;
    Error error = error_of(failure);
    if (removing) error.message = "The model's files could not be removed from this device.";
    stage_ = Stage::kIdle;
    fail(std::move(error), now);
  }
}

void ModelLoader::handle(const event::Head& event, Instant now) {
  if (stage_ == Stage::kResolving && resolver_ && resolver_->owns(event.request)) {
    add(resolver_->on(event, now));
    resolver_moved(now);
  } else if (stage_ == Stage::kTransferring && download_->owns(event.request)) {
    add(download_->on(event, now));
    download_moved(now);
  }
}

void ModelLoader::handle(const event::Text& event, Instant now) {
  if (stage_ != Stage::kResolving || !resolver_ || !resolver_->owns(event.request)) return;
  add(resolver_->on(event, now));
  resolver_moved(now);
}

void ModelLoader::handle(const event::End& event, Instant now) {
  if (stage_ != Stage::kTransferring || !download_->owns(event.request)) return;
  add(download_->on(event, now));
  download_moved(now);
}

void ModelLoader::handle(const event::FetchFailed& event, Instant now) {
  if (stage_ == Stage::kResolving && resolver_ && resolver_->owns(event.request)) {
    add(resolver_->on(event, now));
    resolver_moved(now);
  } else if (stage_ == Stage::kTransferring && download_->owns(event.request)) {
    add(download_->on(event, now));
    download_moved(now);
  }
}

// --- what the visitor is shown ---

Snapshot ModelLoader::snapshot(Instant now) {
  const Instant time = time_.advance(now);
  Snapshot shown;
  shown.model_key = config_.model_key;
  shown.model_name = config_.model_name;
  shown.status = status_;
  shown.phase = phase_;
  shown.attempt = attempt_;
  shown.max_attempts = kMaxAttempts;
  shown.can = allowed();
  shown.persistent = !device_ || device_->persistent;
  if (started_) shown.start_time = to_ms(*started_);
  shown.last_update = to_ms(time);
  if (phase_ && running()) {
    shown.phase_elapsed = std::max(0.0, Millis{time - phase_began_}.count());
    shown.phase_last_time = session_.phase_last_time();
  }
  if (plan_) shown.variant = plan_->variant();
  shown.resident = session_.resident();

  if (download_ && progress_) {
    const TransferTotals& totals = download_->totals();
    const AggregateProgressInfo sum = progress_->snapshot(time);
    shown.total_downloaded = totals.bytes.position;
    shown.total_size = totals.bytes.size;
    shown.network = totals.bytes.position - totals.bytes.cached;
    shown.cached = totals.bytes.cached;
    shown.verified = totals.bytes.verified;
    shown.discarded = totals.bytes.discarded;
    if (!totals.discarded_reason.empty()) shown.discarded_reason = totals.discarded_reason;
    shown.files_completed = totals.files_done;
    shown.total_files = totals.files;
    shown.current_file = sum.current_file;
    shown.throughput = sum.sparkline.bytes_per_second;
    if (status_ == LoadStatus::kDownloading && phase_ == LoadPhase::kDownload) {
      shown.speed = sum.speed;
      shown.time_remaining = sum.time_remaining;
      shown.eta_low = sum.eta_low;
      shown.eta_high = sum.eta_high;
      shown.eta = sum.eta_display;
      shown.stalled_for = sum.stalled_for;
    }
    if (phase_ == LoadPhase::kDownload) {
      shown.progress = sum.overall_progress;
    } else if (phase_ == LoadPhase::kVerify && totals.bytes.size && *totals.bytes.size > 0) {
      shown.progress = std::min(
          99.9, 100.0 * static_cast<double>(totals.bytes.hashed) / static_cast<double>(*totals.bytes.size));
    }
    shown.files = std::vector<SnapshotFile>(download_->files().size());
    for (std::size_t i = 0; i < shown.files.size(); ++i) {
      const FileTransfer& file = download_->files()[i];
      SnapshotFile& row = shown.files[i];
      row.status = row_status(file);
      row.file = file.file().path;
      row.loaded = file.ledger().position;
      row.total = file.size();
      row.cached = file.ledger().cached;
      if (i < sum.files.size()) {
        row.progress = sum.files[i].progress;
        row.speed = sum.files[i].speed;
        row.time_remaining = sum.files[i].time_remaining;
      }
    }
  } else {
    shown.total_downloaded = shown.cached = claimed_;
    shown.total_size = claimed_total_;
    if (phase_ == LoadPhase::kDownload && claimed_total_ && *claimed_total_ > 0) {
      shown.progress =
          std::min(99.9, 100.0 * static_cast<double>(claimed_) / static_cast<double>(*claimed_total_));
    }
    if (lock_ == Lock::kAsked && running()) {
      // Nobody else: then it comes at once. A tab that had stopped before says nothing, but keeps it.
      shown.elsewhere = phase_ == LoadPhase::kDownload || shown.phase_elapsed >= kHeartbeat.count();
      shown.verified = std::min(peer_.verified, claimed_);
      shown.speed = peer_.speed;
      shown.stalled_for = peer_.stalled_for;
      shown.eta = peer_eta_.show(peer_.eta, Millis{peer_.stalled_for});
      if (peer_.eta) {
        shown.time_remaining = peer_.eta->seconds;
        shown.eta_low = peer_.eta->low;
        shown.eta_high = peer_.eta->high;
      }
    }
  }
  shown.discarded = saturating_add(shown.discarded, discarded_before_);
  if (!shown.discarded_reason) shown.discarded_reason = discarded_reason_;
  if (session_.loading()) shown.progress = session_.percent();
  if (status_ == LoadStatus::kReady) shown.progress = 100;

  if (error_) {
    shown.error = error_;
    std::optional<Instant> retry_at;
    if (running() && stage_ == Stage::kResolving && resolver_) retry_at = resolver_->retry_at();
    if (running() && stage_ == Stage::kTransferring) retry_at = download_->retry_at();
    if (retry_at) shown.error->retry_in = std::max(0.0, Millis{*retry_at - time}.count());
  }
  return shown;
}

}  // namespace candor
