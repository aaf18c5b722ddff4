#include "candor/transfer/download.hpp"

#include <algorithm>
#include <utility>

#include "candor/base/bytes.hpp"
#include "transfer/schedule.hpp"

namespace candor {
namespace {

// A connection is measured for this long, and is too slow below this part of what one brought lately.
constexpr Seconds kPace{1};
constexpr double kTooSlow = 1.0 / 16;
constexpr Seconds kLately{60};
// What comes sooner than this by itself is waited for.
constexpr Seconds kSoon{2};

}  // namespace

Download::Download(Manifest manifest, const Journal::Newest& journal,
                   std::span<const event::StoredFile> on_disk, Options options)
    : manifest_(std::move(manifest)),
      options_(options),
      journal_(journal, on_disk, manifest_.commit(), options.sizes),
      online_(options.online),
      plan_(options.max_connections, options.sizes),
      next_request_(options.first_request) {
  make_transfers();
  refresh();
}

// For those files of the manifest that have none yet.
void Download::make_transfers() {
  const std::vector<ManifestFile>& wanted = manifest_.files();
  files_.reserve(wanted.size());
  while (files_.size() < wanted.size()) {
    const ManifestFile& file = wanted[files_.size()];
    files_.emplace_back(file, options_.seed + 0x9e3779b97f4a7c15ULL * (files_.size() + 1), options_.sizes);
    work_.emplace_back();
    work_.back().held =
        std::find(options_.held.begin(), options_.held.end(), file.path) != options_.held.end();
    seen_discarded_.push_back(0);
    if (const auto stored = journal_.take(file)) files_.back().restore(stored->entry, stored->bytes);
  }
}

std::vector<Action> Download::start(Instant now) {
  if (state_ != State::kReady) return {};
  now = clock_.advance(now);
  journal_.pace().start(now);
  go_on(now);
  return take();
}

std::vector<Action> Download::add(std::vector<ManifestFile> files, Instant now) {
  now = clock_.advance(now);
  std::erase_if(files, [&](const ManifestFile& file) { return manifest_.find(file.path) != nullptr; });
  if (files.empty() || manifest_.add(std::move(files))) return {};
  make_transfers();
  if (state_ == State::kDone) state_ = State::kFetching;
  if (running()) {
    if (journal_.pace().stale()) write_journal(now);
    work(now);
  }
  return take();
}

bool Download::waits_for_release() const {
  bool held = false;
  for (FileId id = 0; id < files_.size(); ++id) {
    if (files_[id].state() == FileTransfer::State::kDone) continue;
    if (!work_[id].held) return false;
    held = true;
  }
  return held;
}

std::vector<Action> Download::release(std::span<const std::string> paths, Instant now) {
  now = clock_.advance(now);
  for (FileId id = 0; id < files_.size(); ++id)
    if (std::find(paths.begin(), paths.end(), files_[id].file().path) != paths.end()) work_[id].held = false;
  work(now);
  return take();
}

// --- what the store and the network say ---

std::vector<Action> Download::on(const event::Opened& event, Instant now) {
  now = clock_.advance(now);
  if (event.file >= files_.size() || !work_[event.file].opening) return {};
  work_[event.file].opening = false;
  work_[event.file].open = true;
  if (const auto size = files_[event.file].opened(event.size))
    actions_.push_back(action::Truncate{event.file, *size});
  settle(event.file, now);
  work(now);
  return take();
}

std::vector<Action> Download::on(const event::Journaled&, Instant now) {
  now = clock_.advance(now);
  const bool barred = is_barred();
  journal_.pace().written();
  if (barred && !is_barred()) work(now);
  if (running() && journal_.pace().due(now)) write_journal(now);
  return take();
}

std::vector<Action> Download::on(const event::StoreFailed& event, Instant now) {
  now = clock_.advance(now);
  if (event.work == event::StoreFailed::Work::kJournal) {
    journal_.pace().failed(now);
    // Where there is no room for a journal, there is none for what has still to come.
    const bool full = event.kind == ErrorCode::kQuota && missing() != std::uint64_t{0};
    if (!full && !is_barred()) return {};
  }
  if (!running()) return {};
  Failure failure;
  failure.cause = event.kind == ErrorCode::kQuota ? Cause::kQuota : Cause::kStorage;
  failure.detail = event.message;
  if (event.file && *event.file < files_.size()) {
    files_[*event.file].give_up();
    work_[*event.file].opening = false;
  }
  ask(error_of(failure), now);
  return take();
}

std::vector<Action> Download::on(const event::Head& event, Instant now) {
  now = clock_.advance(now);
  Request* const request = requests_.find(event.request);
  if (request == nullptr || request->accepted) return {};
  const HttpReply reply = HttpReply::from(event.status, event.redirected, event.headers);
  const FileTransfer::Verdict verdict = files_[request->file].judge(reply, request->range, request->ranged);
  switch (verdict.kind) {
    case FileTransfer::Verdict::Kind::kFail:
      fail_request(*request, verdict.failure, true, now);
      break;
    case FileTransfer::Verdict::Kind::kOther:
      meet_other_version(*request, now);
      break;
    case FileTransfer::Verdict::Kind::kPeek:
      request->peek = true;
      [[fallthrough]];
    case FileTransfer::Verdict::Kind::kAccept:
    case FileTransfer::Verdict::Kind::kWhole:
      accept(*request, verdict, now);
      break;
  }
  work(now);
  return take();
}

void Download::accept(Request& request, const FileTransfer::Verdict& verdict, Instant now) {
  request.accepted = true;
  if (!comes_beside(files_[request.file])) plan_.answered(now - request.asked_at);
  request.accepted_at = now;
  request.range = verdict.range;
  request.sent_end = verdict.range.end;
  request.position = verdict.range.first;
  request.last_byte_at = request.paced_at = now;
  request.paced_from = request.position;
  const action::Accept action{request.id, request.file, verdict.range.first, verdict.range.length()};
  if (verdict.kind == FileTransfer::Verdict::Kind::kWhole) abort_requests_of(action.file, action.request);
  actions_.push_back(action);
}

std::vector<Action> Download::received(RequestId id, std::span<const std::uint8_t> bytes, Instant now) {
  now = clock_.advance(now);
  Request* const request = requests_.find(id);
  if (request == nullptr || !request->accepted || bytes.empty()) return {};
  const FileId file = request->file;
  auto stranger = files_[file].stranger(request->position, bytes);
  if (request->peek && !stranger)
    stranger = Failure{Cause::kChanged, 0, std::nullopt, files_[file].file().path};
  if (stranger) {
    refuse(*request, bytes, *stranger, now);
  } else {
    write_over(*request, bytes, now);
    settle(file, now);
  }
  work(now);
  return take();
}

// What one connection can bring, as seen lately.
void Download::measure(Request& request, bool over, Instant now) {
  const Seconds took = now - request.paced_at;
  const std::uint64_t came = request.position - request.paced_from;
  if (took < kPace && !(over && came >= options_.sizes.crumb)) return;
  const double pace = static_cast<double>(came) / std::max(took, Seconds{0.05}).count();
  if (pace >= pace_ || now > pace_at_ + kLately) {
    pace_ = pace;
    pace_at_ = now;
  }
  if (over && pace >= pace_ * kTooSlow) replaced_ = 0;
  if (pace < pace_ * kTooSlow) return;
  request.paced_at = now;
  request.paced_from = request.position;
}

// One that trickles where others flow, or where it flowed a minute ago, makes room for another that asks for
// the rest. Where the new one is as slow, the next is tried later each time.
void Download::replace_slow(Instant now) {
  if (now < replace_after_) return;
  for (const Request& request : requests_.list()) {
    const FileTransfer& file = files_[request.file];
    const Seconds took = now - request.paced_at;
    // Silence is another matter.
    if (!request.accepted || request.drained || took < kPace ||
        now >= request.last_byte_at + Requests::kSilent || !request.ranged || !file.ranges_work() ||
        !file.size() || now > pace_at_ + kLately)
      continue;
    const double pace = static_cast<double>(request.position - request.paced_from) / took.count();
    if (pace >= pace_ * kTooSlow || static_cast<double>(request.missing()) < pace * kSoon.count()) continue;
    replace_after_ = now + kPace * static_cast<double>(1U << std::min(replaced_++, 8U));
    // What it brought beside another one said nothing of the line.
    plan_.ask_again();
    return abort(request.id);
  }
}

void Download::write_over(Request& request, std::span<const std::uint8_t> bytes, Instant now) {
  FileTransfer& file = files_[request.file];
  // Whatever goes beyond the end has no place.
  const std::uint64_t room = request.sent_end - request.position;
  const bool surplus = bytes.size() > room;
  const auto wanted = bytes.first(static_cast<std::size_t>(std::min<std::uint64_t>(bytes.size(), room)));
  const std::uint64_t fresh = file.received(request.position, wanted);
  // What comes at first lay ready in buffers on the way, and is no pace.
  if (request.position == request.range.first) {
    request.paced_at = now;
    request.paced_from = request.position + wanted.size();
  }
  file.wasted(bytes.size() - wanted.size());
  request.position += wanted.size();
  request.last_byte_at = heard_at_ = now;
  if (fresh > 0) {
    file.policy().progressed(fresh);
    work_[request.file].doubted = false;
    if (!work_[request.file].retry_at) work_[request.file].error.reset();
    journal_.pace().came(fresh);
    // The pace of a small file says nothing of the line.
    if (!comes_beside(file)) plan_.received(fresh, flowing(), now);
  }
  measure(request, request.position >= request.range.end, now);
  if (request.position < request.range.end) return;
  // The end of the body follows at once, unless another request has taken over the rest of this one.
  if (surplus || request.range.end < request.sent_end)
    abort(request.id);
  else
    request.drained = true;
}

// Of the file only what it was written over is lost.
void Download::refuse(Request& request, std::span<const std::uint8_t> bytes, const Failure& failure,
                      Instant now) {
  FileTransfer& file = files_[request.file];
  file.wasted(bytes.size());
  file.spoiled({0, request.position + bytes.size()}, "strangerCame");
  journal_.pace().changed();
  fail_request(request, failure, true, now);
}

std::vector<Action> Download::on(const event::End& event, Instant now) {
  now = clock_.advance(now);
  Request* const request = requests_.find(event.request);
  if (request == nullptr) return {};
  const FileId id = request->file;
  FileTransfer& file = files_[id];
  if (!request->accepted) {
    fail_request(*request, {Cause::kHttp, 0, std::nullopt, file.file().path}, false, now);
  } else {
    if (!file.size() && request->range.first == 0) {
      file.ended(request->position);
      request->range.end = request->position;
    }
    if (request->position < request->range.end)
      fail_request(*request, {Cause::kShort, 0, std::nullopt, "\tbodyShort"}, false, now);
    else
      requests_.erase(event.request);
    settle(id, now);
  }
  work(now);
  return take();
}

std::vector<Action> Download::on(const event::FetchFailed& event, Instant now) {
  now = clock_.advance(now);
  Request* const request = requests_.find(event.request);
  if (request == nullptr) return {};
  if (request->drained)
    requests_.erase(event.request);
  else
    fail_request(*request, {Cause::kNetwork, 0, std::nullopt, event.message}, false, now);
  work(now);
  return take();
}

std::vector<Action> Download::hashed(FileId id, std::uint64_t offset, std::span<const std::uint8_t> bytes,
                                     Instant now) {
  now = clock_.advance(now);
  if (!running() || id >= files_.size() || !files_[id].is_reading()) return {};
  files_[id].read_back(offset, bytes);
  settle(id, now);
  work(now);
  return take();
}

std::vector<Action> Download::tick(Instant now) {
  now = clock_.advance(now);
  if (!running()) return {};
  woken_ = now;
  // One failure may end other requests with it.
  std::vector<RequestId> stalled;
  for (const Request& request : requests_.list())
    if (now >= requests_.stalled_at(request)) stalled.push_back(request.id);
  for (const RequestId id : stalled) {
    Request* const request = requests_.find(id);
    if (request == nullptr) continue;
    if (request->drained)
      abort(id);
    else
      fail_request(*request, {Cause::kTimeout, 0, std::nullopt, files_[request->file].file().path}, true,
                   now);
  }
  work(now);
  return take();
}

std::vector<Action> Download::offline(Instant now) {
  // Only a hint: requests that still flow go on, and what fails from now on is not counted.
  now = clock_.advance(now);
  if (online_) offline_since_ = now;
  online_ = false;
  return {};
}

std::vector<Action> Download::online(Instant now) {
  now = clock_.advance(now);
  online_ = true;
  if (state_ == State::kAsking && error_ && error_->code == ErrorCode::kNetwork) return retry(now);
  if (!running()) return {};
  // Connections that have been silent since the network went away belong to the old network.
  if (offline_since_)
    requests_.abort_if([&](const Request& request) { return request.last_byte_at <= *offline_since_; },
                       actions_);
  offline_since_.reset();
  for (Work& waiting : work_) waiting.retry_at.reset();
  work(now);
  return take();
}

// --- what the visitor does ---

std::vector<Action> Download::pause(Instant now) {
  now = clock_.advance(now);
  if (!running()) return {};
  stop(State::kPaused, now);
  return take();
}

std::vector<Action> Download::resume(Instant now) {
  now = clock_.advance(now);
  if (state_ != State::kPaused) return {};
  go_on(now);
  return take();
}

std::vector<Action> Download::retry(Instant now) {
  now = clock_.advance(now);
  if (state_ != State::kAsking) return {};
  for (FileId id = 0; id < files_.size(); ++id) {
    files_[id].start_over();
    work_[id].error.reset();
    work_[id].retry_at.reset();
  }
  go_on(now);
  return take();
}

std::vector<Action> Download::cancel(Instant now) {
  now = clock_.advance(now);
  if (state_ == State::kDone || state_ == State::kCancelled) return {};
  if (running())
    stop(State::kCancelled, now);
  else
    state_ = State::kCancelled;
  error_.reset();
  return take();
}

std::vector<Action> Download::distrust(FileId id, Instant now) {
  now = clock_.advance(now);
  if (id >= files_.size() || !(running() || state_ == State::kDone)) return {};
  abort_requests_of(id);
  files_[id].discard("fileUseless");
  journal_.pace().overruled();
  throw_away(id, now);
  state_ = State::kFetching;
  work(now);
  return take();
}

// --- what it is asked ---

std::optional<Instant> Download::wake_at() const {
  if (!running()) return std::nullopt;
  std::optional<Instant> wake;
  const auto consider = [&](Instant at) {
    if (!wake || at < *wake) wake = at;
  };
  for (const Request& request : requests_.list()) {
    consider(requests_.stalled_at(request));
    const Instant silent_at = request.last_byte_at + Requests::kSilent;
    if (!woken_ || *woken_ < silent_at) consider(silent_at);
    const Instant paced_at = std::max(request.paced_at + kPace, replace_after_);
    if (request.accepted && !request.drained && (!woken_ || *woken_ < paced_at)) consider(paced_at);
  }
  for (const Work& waiting : work_)
    if (waiting.retry_at) consider(*waiting.retry_at);
  if (hold_until_) consider(*hold_until_);
  if (const auto due = journal_.pace().due_at(); due && options_.persistent) consider(*due);
  return wake;
}

std::optional<Instant> Download::retry_at() const {
  if (state_ != State::kWaiting) return std::nullopt;
  std::optional<Instant> at = hold_until_;
  if (at) return at;
  for (const Work& waiting : work_)
    if (waiting.retry_at && (!at || *waiting.retry_at < *at)) at = waiting.retry_at;
  return at;
}

unsigned Download::attempts() const {
  unsigned attempts = 0;
  for (const FileTransfer& file : files_) attempts = std::max(attempts, file.policy().attempts());
  return attempts;
}

std::optional<std::uint64_t> Download::missing() const {
  if (!totals_.bytes.size) return std::nullopt;
  return saturating_sub(*totals_.bytes.size, totals_.bytes.position);
}

bool Download::running() const {
  return state_ == State::kFetching || state_ == State::kVerifying || state_ == State::kWaiting;
}

unsigned Download::flowing() const {
  const std::vector<Request>& list = requests_.list();
  return static_cast<unsigned>(std::count_if(list.begin(), list.end(), [&](const Request& request) {
    return request.accepted && !request.drained && !comes_beside(files_[request.file]);
  }));
}

// Those that brought something just now.
unsigned Download::flowing_at(Instant now) const {
  const std::vector<Request>& list = requests_.list();
  return static_cast<unsigned>(std::count_if(list.begin(), list.end(), [&](const Request& request) {
    return request.accepted && !request.drained && now < request.last_byte_at + Requests::kSilent;
  }));
}

// A small file takes little more than the time of its answer, so it need not wait for the others; unless the
// server said that it was asked too much.
bool Download::comes_beside(const FileTransfer& file) const {
  return file.size() && *file.size() <= options_.sizes.whole_file && !plan_.yielded();
}

bool Download::reading() const {
  return std::any_of(files_.begin(), files_.end(), [](const FileTransfer& f) { return f.is_reading(); });
}

// --- the work ---

// Starts whatever can be started, and says what state that is.
void Download::work(Instant now) {
  if (!running()) return;
  for (Work& waiting : work_)
    if (waiting.retry_at && *waiting.retry_at <= now) waiting.retry_at.reset();
  if (hold_until_ && *hold_until_ <= now) hold_until_.reset();

  if (is_barred()) {
    if (journal_.pace().stale()) write_journal(now);
    state_ = State::kFetching;
    return;
  }
  replace_slow(now);
  const Schedule schedule(*this, now);
  auto [live, busy] = schedule.load();
  const unsigned target = schedule.target();
  // Bodies that bring nothing more may stay open for a while, but not any number of them.
  std::size_t open_bodies = requests_.size();
  for (; live < options_.max_connections && open_bodies < 2 * options_.max_connections && !hold_until_;
       ++live, ++open_bodies) {
    const auto next = schedule.next_file(busy < target);
    if (!next || !comes_beside(files_[*next])) ++busy;
    if (!next) {
      if (busy > target || !split_request(now)) break;
    } else if (work_[*next].open) {
      start_request(*next, now);
    } else {
      open(*next);
    }
  }
  read_more(now);
  if (journal_.pace().due(now)) write_journal(now);
  conclude(now);
}

bool Download::is_barred() const { return options_.persistent && journal_.pace().barred(); }

void Download::open(FileId id) {
  work_[id].opening = true;
  actions_.push_back(action::Open{id, files_[id].file().path});
}

void Download::close(FileId id) {
  actions_.push_back(action::Close{id});
  work_[id].open = work_[id].opening = false;
  files_[id].closed();
}

void Download::start_request(FileId id, Instant now) {
  Request request = Schedule(*this, now).request_for(id);
  request.id = next_request_++;
  action::Fetch fetch;
  fetch.request = request.id;
  fetch.url = files_[id].file().url;
  if (request.ranged) {
    fetch.range = action::Fetch::Range{request.range.first, std::nullopt};
    if (files_[id].size()) fetch.range->last = request.range.end - 1;
  }
  fetch.body = action::Body::kStream;
  fetch.limit = request.range.length();
  actions_.push_back(std::move(fetch));
  requests_.add(request);
}

bool Download::split_request(Instant now) {
  const Schedule schedule(*this, now);
  const auto split = schedule.split();
  if (!split) return false;
  Request& longest = *requests_.find(split->request);
  longest.range.end = split->at;
  const FileId id = longest.file;
  if (schedule.unassigned(id).empty()) return false;
  start_request(id, now);
  return true;
}

// One read at a time: the disk and the checksum are not faster with two.
void Download::read_more(Instant now) {
  if (reading()) return;
  const auto next = Schedule(*this, now).next_read();
  if (!next) return;
  if (work_[next->file].open) {
    files_[next->file].reading(next->range);
    actions_.push_back(action::Read{next->file, next->range.first, next->range.length()});
  } else if (!work_[next->file].opening) {
    open(next->file);
  }
}

void Download::settle(FileId id, Instant now) {
  FileTransfer& file = files_[id];
  if (file.given_up()) return;
  if (file.state() == FileTransfer::State::kDone) {
    if (work_[id].open) close(id);
    return;
  }
  const Failure damage{Cause::kIntegrity, 0, std::nullopt, file.file().path};
  const FileTransfer::Check check = file.check();
  if (check == FileTransfer::Check::kPending) return;
  if (check == FileTransfer::Check::kGood) {
    // A body that repeats what is here already (a server without ranges) may still be coming.
    requests_.abort_if([&](const Request& request) { return request.file == id && !request.drained; },
                       actions_);
    if (!work_[id].open) return;
    if (file.overlong()) actions_.push_back(action::Truncate{id, *file.size()});
    close(id);
    journal_.pace().changed();
    return;
  }
  abort_requests_of(id);
  journal_.pace().changed();
  if (check == FileTransfer::Check::kSalvage) {
    write_journal(now);
  } else if (check == FileTransfer::Check::kDamaged) {
    fail_file(id, damage, now);
  } else {
    file.give_up();
    work_[id].error = error_of(damage);
  }
}

void Download::abort(RequestId id) {
  actions_.push_back(action::Abort{id});
  requests_.erase(id);
}

// Request numbers begin at 1, so `but` spares none if not given.
void Download::abort_requests_of(FileId id, RequestId but) {
  requests_.abort_if([&](const Request& request) { return request.file == id && request.id != but; },
                     actions_);
}

// What was stored of a file is of no use. The journal says so before other bytes come: it would name those.
void Download::throw_away(FileId id, Instant now) {
  if (work_[id].open) actions_.push_back(action::Truncate{id, 0});
  journal_.pace().changed();
  write_journal(now);
}

}  // namespace candor
