#include "candor/loader/model_loader.hpp"

#include <algorithm>
#include <utility>

#include "base/text.hpp"
#include "loader/choosing.hpp"
#include "loader/session_terms.hpp"

namespace candor {
namespace {

using namespace loading;

bool is_damage(ErrorCode code) { return code == ErrorCode::kIntegrity || code == ErrorCode::kChanged; }

}  // namespace

ModelLoader::ModelLoader(ModelConfig config) : data_(std::move(config)) {}

// --- entry points ---

std::vector<Action> ModelLoader::on(const Event& event, Instant now) {
  const Instant time = data_.time.advance(now);
  std::visit([&](const auto& what) { handle(what, time); }, event);
  return finish(time);
}

std::vector<Action> ModelLoader::received(RequestId request, std::span<const std::uint8_t> bytes,
                                          Instant now) {
  const Instant time = data_.time.advance(now);
  if (data_.repository.received(request, bytes, time)) files_moved(time);
  return finish(time);
}

std::vector<Action> ModelLoader::hashed(FileId file, std::uint64_t offset,
                                        std::span<const std::uint8_t> bytes, Instant now) {
  const Instant time = data_.time.advance(now);
  if (data_.repository.hashed(file, offset, bytes, time)) files_moved(time);
  return finish(time);
}

template <typename FileEvent>
void ModelLoader::handle(const FileEvent& event, Instant now) {
  Repository& files = data_.repository;
  bool heard = false;
  if constexpr (requires { files.on(event); })
    heard = files.on(event);
  else
    heard = files.on(event, now);
  if (!heard) return;
  changed_ = true;
  files_moved(now);
}

// What the repository asks for comes before what follows from it.
void ModelLoader::pull() {
  for (Action& action : data_.repository.take()) actions_.push_back(std::move(action));
}

std::vector<Action> ModelLoader::finish(Instant now) {
  pull();
  if (const auto phase = phase_of(data_); phase != data_.phase) {
    data_.phase = phase;
    data_.phase_began = now;
    data_.hashed = 0;
    changed_ = true;
  }
  const ByteLedger bytes = data_.repository.bytes();
  if (std::exchange(data_.discarded, bytes.discarded) < bytes.discarded) data_.hashed = 0;
  data_.hashed = std::max(data_.hashed, bytes.hashed);
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
    if (std::holds_alternative<Transferring>(data_.state) && shown.status == LoadStatus::kDownloading) {
      DownloadUpdate update;
      update.progress = shown.progress;
      update.speed = shown.speed;
      update.bytes_downloaded = shown.total_downloaded;
      update.total_bytes = shown.total_size;
      update.time_remaining = shown.time_remaining;
      if (shown.phase) update.phase = to_string(*shown.phase);
      data_.records.update_download(data_.config.model_key, update, now);
    }
    actions_.push_back(action::Publish{std::move(shown)});
  }
  for (StorageAction& storage : data_.records.poll(now)) {
    if (storage.kind == StorageAction::Kind::kPersist)
      actions_.push_back(action::Persist{std::move(storage.key), std::move(storage.json)});
    else
      actions_.push_back(action::Unpersist{std::move(storage.key)});
  }
  // Who waited for an answer must find everything done.
  for (Action& answer : answers_) actions_.push_back(std::move(answer));
  answers_.clear();
  return std::exchange(actions_, {});
}

std::optional<Instant> ModelLoader::wake_at() const {
  std::optional<Instant> wake;
  const auto consider = [&](std::optional<Instant> at) {
    if (at && (!wake || *at < *wake)) wake = at;
  };
  consider(throttler_.wake_at());
  consider(data_.records.wake_at());
  consider(data_.repository.wake_at());
  if (updated_ && is_running(status_of(data_))) consider(*updated_ + kHeartbeat);
  return wake;
}

// --- states ---

void ModelLoader::enter(State state, Instant now) {
  const LoadStatus before = status_of(data_);
  data_.state = std::move(state);
  const LoadStatus after = status_of(data_);
  if (!data_.started && after != LoadStatus::kIdle) data_.started = now;
  changed_ = true;
  changed_for_good_ = changed_for_good_ || (after != before && !is_running(after));
}

void ModelLoader::fail(Error error, Intent intent, Instant now) {
  Failed failed;
  // The phase as it is while the state still is what failed.
  failed.phase = phase_of(data_);
  failed.kept = data_.repository.bytes().position;
  failed.choice = choice_of(data_);
  failed.intent = intent;
  if (const auto* state = std::get_if<Transferring>(&data_.state)) {
    // Bytes that came since the last attempt make this the first one again; damaged ones don't count as such.
    if (!is_damage(error.code) && failed.kept > state->began_with) data_.attempt = 1;
    failed.back = *state;
  } else if (const auto* resolving = std::get_if<Resolving>(&data_.state)) {
    if (data_.repository.resolver()) failed.back = *resolving;
  }
  if (data_.attempt >= kMaxAttempts) error.retryable = false;
  if (!error.retryable || failed.back.index() == 0) {
    // Another tab may have better luck; this one begins anew if it is asked to.
    failed.back = std::monostate{};
    data_.repository.cancel(now);
    pull();
  }
  data_.records.fail_download(data_.config.model_key, error.message, now);
  if (data_.progress) data_.progress->fail(error.message, now);
  failed.error = std::move(error);
  enter(std::move(failed), now);
  changed_for_good_ = true;
}

void ModelLoader::end_session() {
  if (std::holds_alternative<Loading>(data_.state) || std::holds_alternative<Ready>(data_.state))
    actions_.push_back(action::CloseSession{});
}

// Ends what is under way; what is on disk stays.
void ModelLoader::stop(Instant now) {
  end_session();
  data_.repository.cancel(now);
  pull();
  sync_progress(now);
  data_.records.pause_download(data_.config.model_key, now);
  if (data_.progress && std::holds_alternative<Transferring>(data_.state)) data_.progress->pause(now);
}

// --- what the visitor does ---

void ModelLoader::handle(const event::Load&, Instant now) {
  if (auto* removing = std::get_if<Removing>(&data_.state)) {
    removing->load_after = true;
    return;
  }
  const LoadStatus status = status_of(data_);
  if (is_running(status) || status == LoadStatus::kReady) return;
  if (status == LoadStatus::kPaused) return handle(event::Resume{}, now);
  data_.attempt = 1;
  const auto* failed = std::get_if<Failed>(&data_.state);
  const Intent intent = failed ? failed->intent : Intent{};
  open(intent, now);
}

void ModelLoader::handle(const event::Pause&, Instant now) {
  if (!allowed_in(data_).pause) return;
  if (std::holds_alternative<Transferring>(data_.state)) {
    data_.repository.pause(now);
    pull();
    sync_progress(now);
    data_.progress->pause(now);
    data_.records.pause_download(data_.config.model_key, now);
    changed_ = changed_for_good_ = true;
  } else {
    const auto phase = phase_of(data_);
    data_.repository.cancel(now);
    enter(Idle{LoadStatus::kPaused, phase, nullptr}, now);
  }
}

void ModelLoader::handle(const event::Resume&, Instant now) {
  if (!allowed_in(data_).resume) return;
  if (!std::holds_alternative<Transferring>(data_.state)) return open({}, now);
  data_.records.resume_download(data_.config.model_key, now);
  data_.progress->resume(now);
  data_.repository.resume(now);
  files_moved(now);
}

void ModelLoader::handle(const event::Retry&, Instant now) {
  if (!allowed_in(data_).retry) return;
  ++data_.attempt;
  try_again(now);
}

// Goes on after a failure.
void ModelLoader::try_again(Instant now) {
  Failed failed = std::move(std::get<Failed>(data_.state));
  // A file that is not what the list says may be the next version's: then the list is the old one.
  if (is_damage(failed.error.code)) failed.intent.ask_source = true;
  if (auto* state = std::get_if<Transferring>(&failed.back); state && !failed.intent.ask_source) {
    state->began_with = failed.kept;
    state->examination.reset();  // nobody listened to its answer
    data_.records.start_download(data_.config.model_key, data_.config.model_name, now);
    data_.progress->resume(now);
    enter(std::move(*state), now);
  } else if (auto* resolving = std::get_if<Resolving>(&failed.back)) {
    enter(std::move(*resolving), now);
  } else {
    return open(failed.intent, now);
  }
  data_.repository.retry(now);
  files_moved(now);
}

void ModelLoader::handle(const event::Cancel&, Instant now) {
  // Also who is asked after a failure may give up; that takes no button of its own.
  const Allowed can = allowed_in(data_);
  if (!can.cancel && !can.retry) return;
  const auto phase = phase_of(data_);
  ChoicePtr choice = choice_of(data_);
  stop(now);
  enter(Idle{LoadStatus::kCancelled, phase, std::move(choice)}, now);
}

void ModelLoader::handle(const event::Dispose&, Instant now) {
  const bool idle = std::holds_alternative<Idle>(data_.state) && status_of(data_) != LoadStatus::kPaused;
  if (idle || std::holds_alternative<Removing>(data_.state)) return;
  const auto* failed = std::get_if<Failed>(&data_.state);
  const bool unfinished = status_of(data_) == LoadStatus::kPaused ||
                          std::holds_alternative<Transferring>(data_.state) ||
                          (failed && std::holds_alternative<Transferring>(failed->back));
  const auto phase = phase_of(data_);
  stop(now);
  enter(unfinished ? Idle{LoadStatus::kPaused, phase, nullptr} : Idle{}, now);
}

void ModelLoader::handle(const event::Update&, Instant now) {
  if (!allowed_in(data_).update) return;
  end_session();
  data_.attempt = 1;
  open({.ask_source = true}, now);
}

void ModelLoader::handle(const event::Remove& event, Instant now) {
  if (auto* removing = std::get_if<Removing>(&data_.state)) {
    removing->tickets.push_back(event.ticket);
    return;
  }
  stop(now);
  data_.repository.open_to_remove();
  enter(Removing{{event.ticket}, false}, now);
}

void ModelLoader::handle(const event::Removed& event, Instant now) {
  if (!std::holds_alternative<Removing>(data_.state) || event.visit != data_.repository.visit() ||
      !data_.repository.has_turn())
    return;
  data_.repository.forget();
  pull();
  data_.progress.reset();
  data_.timings = {};
  data_.started.reset();
  data_.attempt = 1;
  data_.records.remove_download(data_.config.model_key, now);
  actions_.push_back(action::Unpersist{timings_key(data_.config.model_key)});
  removal_ended(std::nullopt, Idle{}, now);
}

void ModelLoader::moved(Removing&, Instant now) {
  const Repository& files = data_.repository;
  if (files.stage() == Repository::Stage::kReading) {
    data_.repository.remove_folder();
  } else if (files.busy()) {
    Error error{ErrorCode::kStorage, "usedElsewhere", true, {}};
    const bool any = files.bytes().position > 0;
    const Idle as_it_was = any ? Idle{LoadStatus::kPaused, LoadPhase::kDownload, nullptr} : Idle{};
    removal_ended(std::move(error), as_it_was, now);
  } else if (files.error()) {
    Error error = *files.error();
    error.message = "notRemoved";
    // To try again is to remove again: a retry would load.
    error.retryable = false;
    Failed failed;
    failed.error = error;
    failed.kept = files.bytes().position;
    removal_ended(std::move(error), std::move(failed), now);
  }
}

void ModelLoader::removal_ended(std::optional<Error> error, State next, Instant now) {
  const Removing removing = std::move(std::get<Removing>(data_.state));
  enter(std::move(next), now);
  for (const Ticket ticket : removing.tickets) answers_.push_back(action::Done{ticket, error});
  if (!removing.load_after) return;
  // Between what was removed and what begins anew the page must see that there is nothing.
  actions_.push_back(action::Publish{snapshot(now)});
  handle(event::Load{}, now);
}

// --- finding out what there is ---

void ModelLoader::open(Intent intent, Instant now) {
  data_.repository.open();
  data_.progress.reset();
  pull();
  if (data_.repository.has_turn()) actions_.push_back(action::Probe{data_.repository.visit()});
  Opening opening;
  opening.intent = intent;
  enter(std::move(opening), now);
  data_.phase_began = now;
}

void ModelLoader::handle(const event::Locked& event, Instant now) {
  if (!data_.repository.on(event)) return;
  pull();
  if (std::holds_alternative<Opening>(data_.state))
    actions_.push_back(action::Probe{data_.repository.visit()});
  files_moved(now);
}

void ModelLoader::handle(const event::Probed& event, Instant now) {
  auto* opening = std::get_if<Opening>(&data_.state);
  const bool ours = event.visit == data_.repository.visit() && data_.repository.has_turn();
  if (!opening || opening->device || !ours) return;
  opening->device = std::make_shared<const DeviceProfile>(without_webgpu(event.device, data_.webgpu_fault));
  data_.online = event.device.online;
  moved(*opening, now);
}

void ModelLoader::files_moved(Instant now) {
  pull();
  sync_progress(now);
  std::visit([&](auto& state) { moved(state, now); }, data_.state);
  pull();
}

void ModelLoader::moved(Opening& state, Instant now) {
  const Repository& files = data_.repository;
  if (const auto& peer = files.peer()) state.eta = state.rounder.show(peer->eta, Millis{peer->stalled_for});
  if (files.error()) return fail(*files.error(), {}, now);
  if (files.stage() != Repository::Stage::kOpen || !state.device) return;
  if (auto fault = files.source().fault()) return fail(std::move(*fault), {}, now);
  const DevicePtr device = state.device;
  const Intent intent = state.intent;
  const bool from_disk = !intent.ask_source && intent.distrusted.empty() &&
                         revalidation(data_.config) != Revalidate::kBeforeLoad;
  if (from_disk && load_from_disk(device, now)) return;
  resolve(device, intent.distrusted, now);
}

// Everything is here and was verified: no network at all.
bool ModelLoader::load_from_disk(const DevicePtr& device, Instant now) {
  const auto& journal = data_.repository.disk().journal.journal;
  const auto known = journal ? journal->manifest() : std::nullopt;
  if (!known) return false;
  // Only what is whole counts: the rest of another variant must not be chosen instead of it.
  const Manifest whole = data_.repository.whole_files();
  Error error;
  ChoicePtr choice = choose(whole, data_.config.variant, *device, error);
  // Small files or external data that the journal knows of, but that did not arrive, are still needed.
  ChoicePtr wanted = choose(*known, data_.config.variant, *device, error);
  choice = with_other_data(std::move(choice), whole);
  wanted = with_other_data(std::move(wanted), *known);
  if (!choice || !wanted || wanted->plan.files() != choice->plan.files()) return false;
  Manifest files = whole.only(choice->plan.files());
  if (data_.repository.outlook(files).missing != std::uint64_t{0}) return false;
  transfer(std::move(choice), std::move(files), nullptr, {}, now);
  return true;
}

Repository::Conditions ModelLoader::conditions(const DeviceProfile& device) const {
  return {device.persistent, data_.online};
}

void ModelLoader::resolve(DevicePtr device, std::string distrusted, Instant now) {
  data_.repository.list(candidates(data_.config, *device), conditions(*device), now);
  enter(Resolving{std::move(device), std::move(distrusted)}, now);
  files_moved(now);
}

void ModelLoader::moved(Resolving& state, Instant now) {
  if (data_.repository.listed()) {
    const Resolving resolving = state;
    return resolved(*resolving.device, resolving.distrusted, now);
  }
  const SourceResolver* resolver = data_.repository.resolver();
  if (resolver == nullptr || resolver->state() == SourceResolver::State::kAsking) return;
  // Asked only out of caution: what is here is better than nothing.
  if (revalidation(data_.config) == Revalidate::kBeforeLoad && state.distrusted.empty()) {
    const DevicePtr device = state.device;
    if (load_from_disk(device, now)) return;
  }
  if (resolver->state() == SourceResolver::State::kFailed) fail(*resolver->error(), {}, now);
}

void ModelLoader::resolved(const DeviceProfile& device, const std::string& distrusted, Instant now) {
  const auto all = std::make_shared<const Manifest>(*data_.repository.listed());
  const Manifest& list = *all;
  Error error;
  ChoicePtr choice = choose(list, data_.config.variant, device, error);
  if (!choice) return fail(std::move(error), {}, now);
  Manifest files = list.only(choice->plan.files());
  if (auto fault = files.fault()) return fail(std::move(*fault), {}, now);
  const Repository::Outlook outlook = data_.repository.outlook(files);
  if (outlook.missing) {
    if (auto full = quota_error(*outlook.missing, device)) {
      data_.repository.correct_claim(outlook.here);
      return fail(std::move(*full), {}, now);
    }
  }
  transfer(std::move(choice), std::move(files), all, distrusted, now);
}

// --- the files ---

void ModelLoader::transfer(ChoicePtr choice, Manifest manifest, std::shared_ptr<const Manifest> list,
                           const std::string& distrusted, Instant now) {
  Repository& files = data_.repository;
  const SessionPlan plan = session_plan(data_.config, *choice);
  if (const RuntimeFile* runtime = runtime_file(data_.config, plan.runtime)) {
    if (auto error = manifest.add({{runtime->path, runtime->size, runtime->sha256, {}, runtime->url, {}}}))
      return fail(std::move(*error), {}, now);
  }
  const bool fresh_list = list != nullptr;
  Transferring next;
  std::vector<std::string> held;
  // What is whole already was judged, or will be by the session itself.
  if (fresh_list && files.outlook(manifest).missing != std::uint64_t{0}) {
    held = large_files(plan);
    next.held = Transferring::Held::kWeights;
    next.list = std::move(list);
  }
  files.fetch(std::move(manifest), std::move(held), conditions(choice->device), now);
  pull();
  const Download& download = *files.download();
  MultiFileAggregator& progress = data_.progress.emplace();
  for (const FileTransfer& file : download.files()) progress.add_file(file.file().path, file.ledger());
  progress.close_set();
  progress.start(now);
  if (download.missing() != std::uint64_t{0} || data_.records.state(data_.config.model_key))
    data_.records.start_download(data_.config.model_key, data_.config.model_name, now);
  next.choice = choice;
  next.fresh_list = fresh_list;
  next.began_with = files.bytes().position;
  enter(std::move(next), now);
  if (!distrusted.empty()) {
    for (std::size_t i = 0; i < download.files().size(); ++i)
      if (download.files()[i].file().path.starts_with(distrusted))
        files.distrust(static_cast<FileId>(i), now);
  }
  files_moved(now);
}

// Whoever shows the transfer reads what the download counted.
void ModelLoader::sync_progress(Instant now) {
  const Download* download = data_.repository.download();
  if (!download || !data_.progress) return;
  for (const FileTransfer& file : download->files()) {
    data_.progress->update(file.file().path, file.ledger(), now);
    if (file.state() == FileTransfer::State::kDone) data_.progress->complete_file(file.file().path, now);
  }
}

void ModelLoader::moved(Transferring& state, Instant now) {
  const Download* download = data_.repository.download();
  if (download == nullptr) return;
  changed_ = true;
  const bool waits = download->state() == Download::State::kWaiting;
  // Silence is no stall while nothing is asked for.
  if (waits != std::exchange(state.waits, waits)) {
    if (waits)
      data_.progress->pause(now);
    else
      data_.progress->resume(now);
  }
  if (state.held != Transferring::Held::kNothing) {
    const bool fetching = download->state() == Download::State::kFetching;
    if ((fetching && download->waits_for_release()) || download->state() == Download::State::kDone)
      return examine(state);
  }
  if (download->list_is_old() && download->state() != Download::State::kPaused) {
    Error error = error_of({Cause::kChanged, 0, std::nullopt, {}});
    if (data_.attempt >= kMaxAttempts) return fail(std::move(error), {.ask_source = true}, now);
    // Files of two versions must not mix; a new list says which of them are of which.
    ++data_.attempt;
    data_.repository.pause(now);
    open({.ask_source = true}, now);
  } else if (download->state() == Download::State::kAsking) {
    fail(download->error().value_or(error_of({})), {}, now);
  } else if (download->state() == Download::State::kDone) {
    data_.records.complete_download(data_.config.model_key, now);
    ChoicePtr choice = std::move(state.choice);
    create_session(std::move(choice), state.fresh_list, now);
  }
}

// --- time and network ---

void ModelLoader::handle(const event::Tick&, Instant now) {
  const auto waited = data_.repository.retry_at();
  data_.repository.tick(now);
  if (data_.repository.retry_at() != waited) changed_ = true;
  if (data_.progress) data_.progress->tick(now);
  const bool running = is_running(status_of(data_));
  if (running || std::holds_alternative<Ready>(data_.state)) files_moved(now);
  if (running && (!updated_ || now >= *updated_ + kHeartbeat)) changed_ = true;
}

void ModelLoader::handle(const event::Online&, Instant now) {
  data_.online = true;
  // The cause of this failure is gone; nobody has to press a button for it.
  const auto* failed = std::get_if<Failed>(&data_.state);
  if (failed && failed->error.code == ErrorCode::kNetwork) {
    data_.attempt = 1;
    return try_again(now);
  }
  data_.repository.online(now);
  if (is_running(status_of(data_))) files_moved(now);
}

void ModelLoader::handle(const event::Offline&, Instant now) {
  data_.online = false;
  data_.repository.offline(now);
  if (is_running(status_of(data_))) files_moved(now);
}

}  // namespace candor
