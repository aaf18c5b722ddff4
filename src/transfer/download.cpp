#include "candor/transfer/download.hpp"

#include <algorithm>
#include <utility>

#include "candor/base/bytes.hpp"

namespace candor {
namespace {

// A connection without a byte for this long is given up: sooner when another one shows that all is well.
constexpr Seconds kStalledBesideOthers{15};
constexpr Seconds kStalledAlone{30};
// After this long without a byte, one more connection is tried beside the silent one.
constexpr Seconds kSilent{3};
// Everything wanted has come, and the server still does not end the body.
constexpr Seconds kEndless{5};
// The browser says that it is offline; it is often wrong, so a try now and then.
constexpr Seconds kOfflineProbe{30};
// The journal is behind by at most this.
constexpr Seconds kJournalAfter{1};
// It is written sooner where the disk keeps up, so that little is fetched again after a kill.
constexpr Seconds kJournalSoon{0.01};

constexpr std::string_view kOfflineMessage =
    "This device is offline. The download goes on when the connection is back.";

}  // namespace

Download::Download(Manifest manifest, std::optional<std::string_view> journal_text,
                   std::span<const event::StoredFile> on_disk, Options options)
    : manifest_(std::move(manifest)),
      options_(options),
      online_(options.online),
      plan_(options.max_connections, options.sizes),
      next_request_(options.first_request) {
  files_.reserve(manifest_.files().size());
  for (const ManifestFile& file : manifest_.files())
    files_.emplace_back(file, options_.seed + 0x9e3779b97f4a7c15ULL * (files_.size() + 1), options_.sizes);
  seen_discarded_ = std::vector<std::uint64_t>(files_.size());
  if (journal_text) {
    auto parsed = Journal::parse(*journal_text);
    if (auto* journal = std::get_if<Journal>(&parsed))
      restore(*journal, on_disk);
    else
      journal_note_ = std::get<std::string>(parsed);
  }
  refresh();
}

void Download::restore(const Journal& journal, std::span<const event::StoredFile> on_disk) {
  sequence_ = journal.sequence;
  for (const Journal::File& entry : journal.files) {
    const auto it = std::find_if(files_.begin(), files_.end(),
                                 [&](const FileTransfer& f) { return f.file().path == entry.path; });
    if (it == files_.end()) {
      // Of another variant of the same model: its files stay in the folder, and their place in the journal.
      others_.push_back(entry);
      continue;
    }
    const ManifestFile& file = it->file();
    // With a checksum the content is known to be the same, whatever the commit; without one the commit has to
    // say so.
    const bool same = (!file.size || file.size == entry.size) && file.sha256 == entry.sha256 &&
                      file.git_sha1 == entry.git_sha1 &&
                      (file.has_hash() || journal.commit == manifest_.commit());
    if (!same) {
      journal_note_ = "Some stored files belong to another version of the model.";
      continue;
    }
    const auto stored = std::find_if(on_disk.begin(), on_disk.end(),
                                     [&](const event::StoredFile& s) { return s.path == entry.path; });
    it->restore(entry, stored == on_disk.end() ? 0 : stored->size);
  }
}

std::vector<Action> Download::start(Instant now) {
  if (state_ != State::kReady) return {};
  now = clock_.advance(now);
  state_ = State::kFetching;
  journaled_at_ = now;
  work(now);
  return take();
}

std::vector<Action> Download::on(const event::Opened& event, Instant now) {
  now = clock_.advance(now);
  if (event.file >= files_.size() || !files_[event.file].opening) return {};
  FileTransfer& file = files_[event.file];
  file.opening = false;
  file.open = true;
  if (const auto size = file.opened(event.size)) actions_.push_back(action::Truncate{event.file, *size});
  settle(event.file, now);
  work(now);
  return take();
}

std::vector<Action> Download::on(const event::Journaled&, Instant now) {
  now = clock_.advance(now);
  journaling_ = false;
  if (running()) write_journal_if_due(now);
  return take();
}

std::vector<Action> Download::on(const event::StoreFailed& event, Instant now) {
  now = clock_.advance(now);
  journaling_ = false;
  if (!running()) return {};
  Failure failure;
  failure.cause = event.kind == ErrorCode::kQuota ? Cause::kQuota : Cause::kStorage;
  failure.detail = event.message;
  if (event.file && *event.file < files_.size()) {
    FileTransfer& file = files_[*event.file];
    file.failed = true;
    file.opening = false;
  }
  ask(error_of(failure), now);
  return take();
}

std::vector<Action> Download::on(const event::Head& event, Instant now) {
  now = clock_.advance(now);
  Request* const request = find(event.request);
  if (request == nullptr || request->accepted) return {};
  FileTransfer& file = files_[request->file];
  const HttpReply reply = HttpReply::from(event.status, event.redirected, event.headers);
  const FileTransfer::Verdict verdict = file.judge(reply, request->range, request->ranged);
  if (verdict.kind == FileTransfer::Verdict::Kind::kFail) {
    fail_request(*request, verdict.failure, true, now);
  } else {
    request->accepted = true;
    if (!comes_beside(file)) plan_.answered(now - request->asked_at);
    request->accepted_at = now;
    request->range = verdict.range;
    request->sent_end = verdict.range.end;
    request->position = verdict.range.first;
    request->last_byte_at = now;
    const action::Accept accept{event.request, request->file, verdict.range.first, verdict.range.length()};
    if (verdict.kind == FileTransfer::Verdict::Kind::kWhole) abort_requests_of(accept.file, event.request);
    actions_.push_back(accept);
  }
  work(now);
  return take();
}

std::vector<Action> Download::received(RequestId id, std::span<const std::uint8_t> bytes, Instant now) {
  now = clock_.advance(now);
  Request* const found = find(id);
  if (found == nullptr || !found->accepted || bytes.empty()) return {};
  Request& request = *found;
  const FileId file_id = request.file;
  FileTransfer& file = files_[file_id];
  if (request.position == 0 && file.is_web_page(bytes)) {
    file.received(0, bytes);
    abort_requests_of(file_id, id);
    throw_away(file_id, "A web page came instead of the model's file.");
    fail_request(*find(id), {Cause::kNotAModel, 0, std::nullopt, file.file().path}, true, now);
    work(now);
    return take();
  }
  // Whatever goes beyond the end has no place.
  const std::uint64_t room = request.sent_end - request.position;
  const bool surplus = bytes.size() > room;
  const auto wanted = bytes.first(static_cast<std::size_t>(std::min<std::uint64_t>(bytes.size(), room)));
  const std::uint64_t fresh = file.received(request.position, wanted);
  file.wasted(bytes.size() - wanted.size());
  request.position += wanted.size();
  request.last_byte_at = now;
  last_byte_at_ = now;
  if (fresh > 0) {
    file.policy().progressed(fresh);
    if (!file.retry_at) file.error.reset();
    unjournaled_ += fresh;
    // The pace of a small file says nothing of the line.
    if (!comes_beside(file)) plan_.received(fresh, flowing(), now);
  }
  if (request.position >= request.range.end) {
    // The end of the body follows at once, unless another request has taken over the rest of this one.
    if (surplus || request.range.end < request.sent_end)
      abort(id);
    else
      request.drained = true;
  }
  settle(file_id, now);
  work(now);
  return take();
}

std::vector<Action> Download::on(const event::End& event, Instant now) {
  now = clock_.advance(now);
  Request* const request = find(event.request);
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
      fail_request(*request, {Cause::kNetwork, 0, std::nullopt, "The body ended early."}, false, now);
    else
      erase(event.request);
    settle(id, now);
  }
  work(now);
  return take();
}

std::vector<Action> Download::on(const event::FetchFailed& event, Instant now) {
  now = clock_.advance(now);
  Request* const request = find(event.request);
  if (request == nullptr) return {};
  if (request->drained)
    erase(event.request);
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
  for (const Request& request : requests_)
    if (now >= stalled_at(request)) stalled.push_back(request.id);
  for (const RequestId id : stalled) {
    const Request* const request = find(id);
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
    abort_if([&](const Request& request) { return request.last_byte_at <= *offline_since_; });
  offline_since_.reset();
  for (FileTransfer& file : files_) file.retry_at.reset();
  work(now);
  return take();
}

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
  for (FileTransfer& file : files_) file.start_over();
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
  throw_away(id, "A file could not be used, so it is fetched again.");
  state_ = State::kFetching;
  write_journal(now);
  work(now);
  return take();
}

std::optional<Instant> Download::wake_at() const {
  if (!running()) return std::nullopt;
  std::optional<Instant> wake;
  const auto consider = [&](Instant at) {
    if (!wake || at < *wake) wake = at;
  };
  for (const Request& request : requests_) {
    consider(stalled_at(request));
    if (!woken_ || *woken_ < request.last_byte_at + kSilent) consider(request.last_byte_at + kSilent);
  }
  for (const FileTransfer& file : files_)
    if (file.retry_at) consider(*file.retry_at);
  if (hold_until_) consider(*hold_until_);
  if (options_.persistent && (unjournaled_ > 0 || journal_stale_)) consider(journaled_at_ + kJournalAfter);
  return wake;
}

std::optional<Instant> Download::retry_at() const {
  if (state_ != State::kWaiting) return std::nullopt;
  std::optional<Instant> at = hold_until_;
  if (at) return at;
  for (const FileTransfer& file : files_)
    if (file.retry_at && (!at || *file.retry_at < *at)) at = file.retry_at;
  return at;
}

unsigned Download::attempts() const {
  unsigned attempts = 0;
  for (const FileTransfer& file : files_) attempts = std::max(attempts, file.policy().attempts());
  return attempts;
}

std::optional<std::uint64_t> Download::missing() const {
  if (!totals_.size) return std::nullopt;
  return saturating_sub(*totals_.size, totals_.on_disk);
}

bool Download::running() const {
  return state_ == State::kFetching || state_ == State::kVerifying || state_ == State::kWaiting;
}

Instant Download::stalled_at(const Request& request) const {
  if (request.drained) return request.last_byte_at + kEndless;
  // Another one flows if it brought something well after this one fell silent; when the whole network stops,
  // they all do at once.
  for (const Request& other : requests_)
    if (other.accepted && !other.drained &&
        other.last_byte_at >= request.last_byte_at + kStalledBesideOthers / 2)
      return request.last_byte_at + kStalledBesideOthers;
  return request.last_byte_at + kStalledAlone;
}

unsigned Download::flowing() const {
  return static_cast<unsigned>(std::count_if(requests_.begin(), requests_.end(), [&](const Request& request) {
    return request.accepted && !request.drained && !comes_beside(files_[request.file]);
  }));
}

// A small file takes little more than the time of its answer, so it need not wait for the others; unless the
// server said that it was asked too much.
bool Download::comes_beside(const FileTransfer& file) const {
  return file.size() && *file.size() <= options_.sizes.whole_file && !plan_.yielded();
}

// Starts whatever can be started, and says what state that is.
void Download::work(Instant now) {
  if (!running()) return;
  for (FileTransfer& file : files_)
    if (file.retry_at && *file.retry_at <= now) file.retry_at.reset();
  if (hold_until_ && *hold_until_ <= now) hold_until_.reset();

  std::uint64_t backlog = 0;
  unsigned busy = 0;
  unsigned live = 0;
  for (const FileTransfer& file : files_) {
    live += file.opening ? 1 : 0;
    busy += file.opening && !comes_beside(file) ? 1 : 0;
    if (file.file().has_hash() && file.verified() == 0)
      backlog += file.have().contiguous_end(file.hashed()) - file.hashed();
  }
  unsigned silent = 0;
  for (const Request& request : requests_) {
    live += request.drained ? 0 : 1;
    if (request.drained || ends_soon(request, now) || comes_beside(files_[request.file])) continue;
    ++busy;
    if (now >= request.last_byte_at + kSilent) silent = 1;
  }
  busy -= silent;
  const unsigned target = backlog > options_.sizes.backlog ? 1 : plan_.target();
  // Bodies that bring nothing more may stay open for a while, but not any number of them.
  std::size_t open_bodies = requests_.size();
  for (; live < options_.max_connections && open_bodies < 2 * options_.max_connections && !hold_until_;
       ++live, ++open_bodies) {
    const auto next = next_file(busy < target);
    if (!next || !comes_beside(files_[*next])) ++busy;
    if (!next) {
      if (busy > target || !split_request(now)) break;
    } else if (files_[*next].open)
      start_request(*next, now);
    else
      open(*next);
  }
  read_more();
  write_journal_if_due(now);
  conclude(now);
}

std::optional<FileId> Download::next_file(bool large_too) const {
  std::optional<FileId> best;
  // Of those with the fewest connections a large one: it takes longest.
  std::pair<std::size_t, bool> lowest;
  for (FileId id = 0; id < files_.size(); ++id) {
    const FileTransfer& file = files_[id];
    if (file.verified() > 0 || file.state() == FileTransfer::State::kDone || file.failed || file.opening ||
        file.retry_at || !(large_too || comes_beside(file)))
      continue;
    const auto active = static_cast<std::size_t>(
        std::count_if(requests_.begin(), requests_.end(),
                      [&](const Request& request) { return request.file == id && !request.drained; }));
    // One connection asks how the server is after a failure, where there are no ranges, and for what is not
    // known yet.
    const bool alone = file.policy().attempts() > 0 || !file.ranges_work() || !file.size();
    if (alone && active > 0) continue;
    if (file.size() && file.open && unassigned(id).empty()) continue;
    if (file.size() && !file.open && file.complete() && reading()) continue;  // only to be read, later
    const std::pair rank{active, comes_beside(file)};
    if (!best || rank < lowest) {
      best = id;
      lowest = rank;
    }
  }
  return best;
}

std::vector<ByteRange> Download::unassigned(FileId id) const {
  ByteRanges taken = files_[id].have();
  for (const Request& request : requests_)
    if (request.file == id) taken.add({request.position, request.range.end});
  return taken.gaps(files_[id].end());
}

void Download::open(FileId id) {
  files_[id].opening = true;
  actions_.push_back(action::Open{id, files_[id].file().path});
}

void Download::start_request(FileId id, Instant now) {
  const FileTransfer& file = files_[id];
  Request request;
  request.id = next_request_++;
  request.file = id;
  request.last_byte_at = request.asked_at = now;
  const bool small = file.size() && *file.size() <= options_.sizes.whole_file && file.on_disk() == 0 &&
                     file.file().has_hash();
  request.ranged = file.ranges_work() && file.size() && !small;
  request.range = {0, file.end()};
  action::Fetch fetch;
  if (request.ranged) {
    const std::vector<ByteRange> gaps = unassigned(id);
    std::uint64_t missing = 0;
    for (const ByteRange& gap : gaps) missing += gap.length();
    request.range = gaps.front();
    // No slivers: what would be left of a gap is taken along.
    const std::uint64_t size = plan_.range_size(missing);
    if (request.range.length() >= size + options_.sizes.smallest_range)
      request.range.end = request.range.first + size;
    fetch.range = action::Fetch::Range{request.range.first, request.range.end - 1};
  }
  request.position = request.range.first;
  request.sent_end = request.range.end;
  fetch.request = request.id;
  fetch.url = file.file().url;
  fetch.body = action::Body::kStream;
  fetch.limit = request.range.length();
  actions_.push_back(std::move(fetch));
  requests_.push_back(request);
}

// The next request is sent while the last bytes of this one are still on their way, so that the line is never
// idle in between.
bool Download::ends_soon(const Request& request, Instant now) const {
  if (!request.accepted) return false;
  // What comes at first lay ready in buffers on the way, and is no rate.
  const double trip = plan_.latency().count();
  const double elapsed = std::max(Seconds(now - request.accepted_at).count(), trip);
  return static_cast<double>(request.range.end - request.position) * elapsed <
         static_cast<double>(request.position - request.range.first) * trip;
}

// Everything has a request, but a connection is free: it takes over at least half of what is left of the
// longest one, which keeps no more than it would be asked for now.
bool Download::split_request(Instant now) {
  Request* longest = nullptr;
  for (Request& request : requests_) {
    const FileTransfer& file = files_[request.file];
    const bool splits = request.accepted && !request.drained && !ends_soon(request, now) && request.ranged &&
                        file.ranges_work() && file.size() && file.policy().attempts() == 0 &&
                        !file.retry_at &&
                        request.range.end - request.position >= 2 * options_.sizes.smallest_range;
    if (splits &&
        (longest == nullptr || request.range.end - request.position > longest->range.end - longest->position))
      longest = &request;
  }
  if (longest == nullptr) return false;
  const FileId id = longest->file;
  const std::uint64_t half = (longest->range.end - longest->position) / 2;
  longest->range.end = longest->position + std::min(half, plan_.range_size(files_[id].end()));
  if (unassigned(id).empty()) return false;
  start_request(id, now);
  return true;
}

bool Download::reading() const {
  return std::any_of(files_.begin(), files_.end(), [](const FileTransfer& f) { return f.is_reading(); });
}

// One read at a time: the disk and the checksum are not faster with two.
void Download::read_more() {
  if (reading()) return;
  for (FileId id = 0; id < files_.size(); ++id) {
    FileTransfer& file = files_[id];
    if (file.failed) continue;
    // Not where a request is about to write: it brings those bytes itself.
    std::uint64_t limit = file.end();
    for (const Request& request : requests_)
      if (request.file == id && !request.drained && request.position >= file.hashed())
        limit = std::min(limit, request.position);
    const auto range = file.next_read(limit);
    if (!range) continue;
    if (file.open) {
      file.reading(*range);
      actions_.push_back(action::Read{id, range->first, range->length()});
    } else if (!file.opening) {
      open(id);
    }
    return;
  }
}

void Download::settle(FileId id, Instant now) {
  FileTransfer& file = files_[id];
  if (file.state() == FileTransfer::State::kDone || file.failed) {
    if (file.open && !file.failed) close(id);
    return;
  }
  switch (file.check()) {
    case FileTransfer::Check::kPending:
      return;
    case FileTransfer::Check::kGood:
      // A body that repeats what is here already (a server without ranges) may still be coming.
      abort_if([&](const Request& request) { return request.file == id && !request.drained; });
      if (file.open) {
        if (file.overlong()) actions_.push_back(action::Truncate{id, *file.size()});
        close(id);
        journal_stale_ = true;
      }
      return;
    case FileTransfer::Check::kSalvage:
      abort_requests_of(id);
      journal_stale_ = true;
      write_journal(now);
      return;
    case FileTransfer::Check::kDamaged:
      abort_requests_of(id);
      journal_stale_ = true;
      fail_file(id, {Cause::kIntegrity, 0, std::nullopt, file.file().path}, now);
      return;
    case FileTransfer::Check::kHopeless:
      abort_requests_of(id);
      journal_stale_ = true;
      file.failed = true;
      file.error = error_of({Cause::kIntegrity, 0, std::nullopt, file.file().path});
      return;
  }
}

Download::Request* Download::find(RequestId id) {
  const auto it =
      std::find_if(requests_.begin(), requests_.end(), [&](const Request& r) { return r.id == id; });
  return it == requests_.end() ? nullptr : &*it;
}

void Download::erase(RequestId id) {
  std::erase_if(requests_, [&](const Request& request) { return request.id == id; });
}

void Download::abort(RequestId id) {
  actions_.push_back(action::Abort{id});
  erase(id);
}

template <typename Which>
void Download::abort_if(Which which) {
  for (const Request& request : requests_)
    if (which(request)) actions_.push_back(action::Abort{request.id});
  std::erase_if(requests_, which);
}

// Request numbers begin at 1, so `but` spares none if not given.
void Download::abort_requests_of(FileId id, RequestId but) {
  abort_if([&](const Request& request) { return request.file == id && request.id != but; });
}

void Download::throw_away(FileId id, std::string reason) {
  FileTransfer& file = files_[id];
  file.discard(std::move(reason));
  if (file.open) actions_.push_back(action::Truncate{id, 0});
  journal_stale_ = true;
}

void Download::fail_request(const Request& failed, const Failure& failure, bool running_still, Instant now) {
  const RequestId request = failed.id;
  const FileId id = failed.file;
  if (running_still)
    abort(request);
  else
    erase(request);
  FileTransfer& file = files_[id];
  if (file.failed || !running()) return;
  if (failure.cause == Cause::kChanged) {
    abort_requests_of(id);
    throw_away(id, "A file changed on the server, so what was here of it is of no use.");
  } else if (request < file.incident) {
    // Began before a failure that was counted: the same trouble, not another attempt.
    return;
  }
  file.incident = next_request_;
  if (!online_ && (failure.cause == Cause::kNetwork || failure.cause == Cause::kTimeout)) {
    file.retry_at = now + kOfflineProbe;
    file.error = Error{ErrorCode::kNetwork, std::string(kOfflineMessage), true, {}};
    return;
  }
  fail_file(id, failure, now);
}

void Download::fail_file(FileId id, const Failure& failure, Instant now) {
  FileTransfer& file = files_[id];
  Recovery recovery = file.policy().failed(failure, now);
  if (file.policy().attempts() > 0) plan_.restart();
  file.error = recovery.error;
  switch (recovery.step) {
    case Recovery::Step::kRetryNow:
      return;
    case Recovery::Step::kRetryAt:
      file.retry_at = recovery.at;
      if (failure.cause == Cause::kRateLimited) {
        hold_until_ = recovery.at;
        hold_error_ = recovery.error;
        plan_.yield();
      }
      return;
    case Recovery::Step::kAsk: {
      file.failed = true;
      abort_requests_of(id);
      // What another file still gets is not thrown after it; the visitor is asked when nothing moves any
      // more.
      const bool others_flow = flowing() > 0 && failure.cause != Cause::kRateLimited;
      if (!others_flow) ask(std::move(recovery.error), now);
      return;
    }
    case Recovery::Step::kGiveUp:
      file.failed = true;
      ask(std::move(recovery.error), now);
      return;
  }
}

void Download::ask(Error error, Instant now) {
  stop(State::kAsking, now);
  error_ = std::move(error);
}

void Download::stop(State state, Instant now) {
  abort_if([](const Request&) { return true; });
  write_journal(now);
  for (FileId id = 0; id < files_.size(); ++id) {
    files_[id].retry_at.reset();
    if (files_[id].open || files_[id].opening) close(id);
  }
  state_ = state;
}

void Download::close(FileId id) {
  FileTransfer& file = files_[id];
  actions_.push_back(action::Close{id});
  file.open = file.opening = false;
  file.closed();
}

void Download::go_on(Instant now) {
  state_ = State::kFetching;
  error_.reset();
  hold_until_.reset();
  plan_.restart();
  work(now);
}

void Download::write_journal_if_due(Instant now) {
  // Compared as wake_at() computes it, so that waking at that moment is never a rounding error too early.
  if (unjournaled_ >= options_.sizes.journal ||
      (unjournaled_ >= options_.sizes.journal_soon && !journaling_ && now >= journaled_at_ + kJournalSoon) ||
      ((unjournaled_ > 0 || journal_stale_) && now >= journaled_at_ + kJournalAfter))
    write_journal(now);
}

void Download::write_journal(Instant now) {
  journaled_at_ = now;
  if (unjournaled_ == 0 && !journal_stale_) return;
  unjournaled_ = 0;
  journal_stale_ = false;
  if (!options_.persistent) return;
  journaling_ = true;
  Journal journal;
  journal.sequence = ++sequence_;
  journal.commit = manifest_.commit();
  journal.files = others_;
  for (const FileTransfer& file : files_) journal.files.push_back(file.journal());
  actions_.push_back(action::WriteJournal{0, journal.to_text()});
}

void Download::conclude(Instant now) {
  bool all_done = true;
  bool all_here = true;
  bool opening = false;
  bool waiting = false;
  const Error* error = nullptr;
  const Error* failed = nullptr;
  for (const FileTransfer& file : files_) {
    all_done = all_done && file.state() == FileTransfer::State::kDone;
    all_here = all_here && file.complete();
    opening = opening || file.opening;
    waiting = waiting || file.retry_at.has_value();
    if (file.failed && file.error && failed == nullptr) failed = &*file.error;
    if (file.error && error == nullptr) error = &*file.error;
  }
  if (all_done) {
    stop(State::kDone, now);
    error_.reset();
    return;
  }
  if (!requests_.empty() || opening || reading()) {
    state_ = all_here ? State::kVerifying : State::kFetching;
    error_.reset();
  } else if (hold_until_ || (waiting && error != nullptr)) {
    state_ = State::kWaiting;
    error_ = hold_until_ ? hold_error_ : *error;
  } else if (failed != nullptr) {
    ask(Error(*failed), now);
  }
}

void Download::refresh() {
  TransferTotals totals;
  totals.discarded_reason = totals_.discarded_reason;
  totals.size = 0;
  totals.files = static_cast<std::uint32_t>(files_.size());
  for (std::size_t i = 0; i < files_.size(); ++i) {
    const FileTransfer& file = files_[i];
    if (totals.size && file.size())
      *totals.size += *file.size();
    else
      totals.size.reset();
    totals.wire += file.wire();
    totals.on_disk += file.on_disk();
    totals.cached += file.cached();
    totals.verified += file.verified();
    totals.hashed += file.hashed();
    totals.discarded += file.discarded();
    totals.files_done += file.state() == FileTransfer::State::kDone ? 1 : 0;
    if (file.discarded() > seen_discarded_[i]) totals.discarded_reason = file.discarded_reason();
    seen_discarded_[i] = file.discarded();
  }
  totals.connections = flowing();
  totals_ = std::move(totals);
}

std::vector<Action> Download::take() {
  refresh();
  return std::exchange(actions_, {});
}

}  // namespace candor
