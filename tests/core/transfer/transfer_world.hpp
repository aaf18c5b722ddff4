#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <sstream>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "candor/transfer/download.hpp"
#include "candor/transfer/sha1.hpp"
#include "candor/transfer/sha256.hpp"

/// A network, a server, a disk and a clock for Download, all simulated and seeded. After each call into the
/// engine the world checks what must always hold; the first thing that does not is kept in `broken`.
namespace candor::world {

class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}
  std::uint64_t next() {
    state_ += 0x9e3779b97f4a7c15ULL;
    std::uint64_t z = state_;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return z ^ (z >> 31);
  }
  /// 0 to n - 1.
  std::uint64_t below(std::uint64_t n) { return n == 0 ? 0 : next() % n; }
  bool chance(double p) { return static_cast<double>(next() >> 11) * 0x1p-53 < p; }

 private:
  std::uint64_t state_;
};

/// What the server does to one request.
enum class Kind {
  kNone,
  kRefused,      ///< no reply at all
  kDrop,         ///< the connection breaks after `at` body bytes
  kShort,        ///< the body ends after `at` bytes as if that were all
  kLong,         ///< more bytes than announced follow
  kStall,        ///< nothing more after `at` bytes, for `value` seconds
  kSilent,       ///< no head, for ever
  kStatus,       ///< status `value`
  kRateLimited,  ///< 429, Retry-After `value` seconds
  kExpired,      ///< 403 behind a redirect
  kWhole,        ///< 200 with the whole file, whatever was asked
  kNoRange,      ///< 416
  kOtherTotal,   ///< Content-Range with another total
  kOtherStart,   ///< Content-Range that starts elsewhere
  kLess,         ///< 206 with a shorter range than asked for
  kFlip,         ///< one bit of the body is wrong, at `at`
  kHtml,         ///< a web page with its type
  kHiddenHtml,   ///< a web page that claims to be bytes
  kNoFacts,      ///< no Content-Length, no visible Content-Range, no ETag
  kEndless,      ///< all bytes, but the body is never closed
  kOtherEtag,    ///< the same bytes under another ETag, as of another time
  kHidden,       ///< of the headers only type and length can be seen
  kTrickle,      ///< `value` bytes per second
  kPointer,      ///< a small text, with headers that are true of it
  kMultipart,    ///< the range in a wrapper
  kOtherServer,  ///< the same bytes under another ETag, as of the same time
};

struct Script {
  Kind kind = Kind::kNone;
  std::uint64_t at = 0;
  std::uint64_t value = 0;
};

struct ServedFile {
  std::string path;
  std::vector<std::uint8_t> content;
  std::string etag = "\"one\"";
  std::string last_modified = "Sun, 01 Nov 2026 10:00:00 GMT";
  enum class Hash { kSha256, kGit, kNone } hash = Hash::kSha256;
  bool size_known = true;
};

class World {
 public:
  struct Link {
    double latency_ms = 20;
    double per_connection = 2e6;  ///< bytes per second
    double total = 4e6;
    std::uint64_t chunk = 1024;  ///< largest piece that arrives at once
    double read_ms = 0.1;        ///< per read piece
    double journal_ms = 2;
  };

  World(std::uint64_t seed, std::vector<ServedFile> served) : random(seed), files(std::move(served)) {
    for (const ServedFile& file : files) {
      ManifestFile entry;
      entry.path = file.path;
      if (file.size_known) entry.size = file.content.size();
      if (file.hash == ServedFile::Hash::kSha256) {
        Sha256 sha;
        sha.update(file.content);
        entry.sha256 = to_hex(sha.digest());
      } else if (file.hash == ServedFile::Hash::kGit) {
        Sha1 sha = Sha1::git_blob(file.content.size());
        sha.update(file.content);
        entry.git_sha1 = to_hex(sha.digest());
      }
      entry.url = "https://hub.test/" + file.path;
      entries.push_back(std::move(entry));
    }
  }

  // --- set before start ---
  Random random;
  Link link;
  std::vector<ServedFile> files;
  std::vector<ManifestFile> entries;
  Download::Options options{.sizes = TransferSizes{}.scaled_down(1024)};
  /// What happens to a request; the default is nothing bad.
  std::function<Script(const action::Fetch&)> script;
  double now_ms = 1'000;
  /// Beside so many bodies the server takes no further connection, but says `crowd_status` (0: resets it).
  std::size_t crowd = 100;
  int crowd_status = 503;
  std::string pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n";

  // --- results ---
  std::string broken;
  std::string log;
  bool logging = false;
  std::uint64_t wire = 0;       ///< bytes delivered to this engine
  std::uint64_t wire_ever = 0;  ///< in all lives of the engine
  std::uint64_t requests = 0;
  std::uint64_t turned_away = 0;
  unsigned most_connections = 0;
  std::uint64_t longest_journal_lag = 0;
  std::uint64_t journals = 0;
  std::uint64_t failed_journals = 0;
  std::map<std::string, std::uint64_t> kinds_seen;

  std::unique_ptr<Download> engine;

  Download& download() { return *engine; }

  /// A page is opened: the engine is made from what is on disk.
  void boot() {
    live_.clear();
    queue_.clear();
    open_.clear();
    reads_ = 0;
    wire = 0;
    const auto first = entries.begin();
    auto made = Manifest::from_files(
        {first, first + static_cast<std::ptrdiff_t>(at_first.value_or(entries.size()))}, commit);
    if (!std::holds_alternative<Manifest>(made)) {
      fail("manifest refused: " + std::get<Error>(made).message);
      return;
    }
    std::vector<event::StoredFile> stored;
    for (const auto& [path, bytes] : disk_) stored.push_back({path, bytes.content.size()});
    options.first_request = next_request_;
    engine = std::make_unique<Download>(std::move(std::get<Manifest>(made)), Journal::newest(journals_),
                                        stored, options);
    ledgers_.clear();
    check_ledgers();
    position_ = engine->totals().bytes.position;
    journaled_ = position_;
    unjournaled_since_.reset();
    perform(engine->start(now()));
  }

  /// So many more files are wanted.
  void add(std::size_t count) {
    const std::size_t known = engine->files().size();
    const std::size_t end = std::min(entries.size(), known + count);
    const std::uint64_t kept = engine->totals().bytes.kept;
    const auto first = entries.begin();
    const auto actions = engine->add(
        {first + static_cast<std::ptrdiff_t>(known), first + static_cast<std::ptrdiff_t>(end)}, now());
    // The journal had named these already.
    journaled_ += engine->totals().bytes.kept - kept;
    perform(actions);
  }

  /// The page dies now. `power`: the machine too, so that what was not flushed may be lost.
  void crash(bool power) {
    note("crash");
    next_request_ = engine->next_request();
    engine.reset();
    if (power)
      for (auto& [path, file] : disk_) {
        for (const ByteRange& range : file.unflushed.ranges())
          if (random.chance(0.5))
            for (std::uint64_t i = range.first; i < std::min<std::uint64_t>(range.end, file.content.size());
                 ++i)
              file.content[i] = 0xEE;
        if (random.chance(0.3)) {
          std::uint64_t keep = file.content.size();
          for (const ByteRange& range : file.unflushed.ranges())
            keep = std::min(keep, std::max(range.first, file.safe_size));
          if (keep < file.content.size() && keep >= file.safe_size) file.content.resize(keep);
        }
      }
    for (auto& [path, file] : disk_) file.unflushed = {};
    if (journals_tear && before_last_ && random.chance(power ? 0.3 : 0.05)) {
      // The last writing of the journal was torn, or never happened.
      if (random.chance(0.5))
        journals_[last_slot_]->resize(random.below(journals_[last_slot_]->size()));
      else
        journals_[last_slot_] = *before_last_;
      before_last_.reset();
      sequence_ = 0;
    }
  }

  /// The server has other bytes of this file from now on; bodies that are on their way stay what they were.
  void republish(FileId id, std::vector<std::uint8_t> content) {
    for (auto& [request, live] : live_)
      if (live.file == &files[id] && live.head_sent && live.page.empty()) live.page = live.file->content;
    note("publishes " + path_of(id));
    ServedFile& file = files[id];
    older_[id].push_back(std::exchange(file.content, std::move(content)));
    file.etag = "\"" + std::to_string(++versions_) + "\"";
    file.last_modified = "Tue, 03 Nov 2026 10:00:0" + std::to_string(versions_ % 10) + " GMT";
  }
  /// What is stored of a file is what the server has now.
  bool disk_is(FileId id) { return disk_[path_of(id)].content == files[id].content; }

  void damage_disk(const std::string& path, std::uint64_t at) { disk_[path].content.at(at) ^= 4; }
  void cut_disk(const std::string& path, std::uint64_t size) { disk_[path].content.resize(size); }
  /// For tests that damage it; the engine may begin to count anew then.
  std::array<std::optional<std::string>, 2>& journal_texts() {
    sequence_ = 0;
    return journals_;
  }
  std::optional<std::uint64_t> disk_size(const std::string& path) const {
    const auto it = disk_.find(path);
    if (it == disk_.end()) return std::nullopt;
    return it->second.content.size();
  }
  /// False: no journal is ever reported as written.
  bool disk_keeps_up = true;
  /// The next write of the store fails.
  std::optional<ErrorCode> store_fault;
  /// All writes of a journal fail so.
  std::optional<ErrorCode> journal_fault;
  std::string commit = "c0ffee";
  /// How many of the files a download is made for; the others may be added later.
  std::optional<std::size_t> at_first;
  /// Whether the last writing of a journal may turn out to be torn in a crash.
  bool journals_tear = true;

  Instant now() const { return instant_from_ms(now_ms); }
  Download::State state() const { return engine->state(); }
  bool moving() const {
    return state() == Download::State::kFetching || state() == Download::State::kVerifying ||
           state() == Download::State::kWaiting;
  }

  /// One thing happens. False: nothing can happen any more.
  bool step() {
    if (!broken.empty()) return false;
    double at = 1e300;
    Live* next = nullptr;
    RequestId id = 0;
    for (auto& [request, live] : live_)
      if (live.at < at) at = live.at, next = &live, id = request;
    bool queued = false;
    if (!queue_.empty() && queue_.front().at <= at) at = queue_.front().at, queued = true;
    const auto wake = engine->wake_at();
    if (wake && to_ms(*wake) < at) {
      if (to_ms(*wake) < now_ms - 1e-6 && last_wake_ == to_ms(*wake)) {
        fail("asks to be woken in the past again and again");
        return false;
      }
      last_wake_ = to_ms(*wake);
      now_ms = std::max(now_ms, to_ms(*wake));
      note("tick");
      perform(engine->tick(now()));
      return broken.empty();
    }
    if (at >= 1e299) return false;
    now_ms = std::max(now_ms, at);
    if (queued) {
      const Queued item = queue_.front();
      queue_.pop_front();
      item.run();
    } else {
      deliver(id, *next);
    }
    return broken.empty();
  }

  /// Until it stops by itself. Returns whether it did within `steps`.
  bool run(std::uint64_t steps = 200'000) {
    for (std::uint64_t i = 0; i < steps; ++i) {
      if (!broken.empty() || !moving()) return broken.empty();
      if (!step()) {
        if (broken.empty()) fail("stands still without being done");
        return false;
      }
    }
    fail("does not come to an end");
    return false;
  }

  void perform(const std::vector<Action>& actions) {
    for (const Action& action : actions) std::visit([&](const auto& a) { act(a); }, action);
    check();
  }

  void fail(const std::string& what) {
    if (broken.empty()) broken = what + " (at " + std::to_string(now_ms) + " ms)";
  }

 private:
  struct DiskFile {
    std::vector<std::uint8_t> content;
    ByteRanges unflushed;
    std::uint64_t safe_size = 0;
  };
  struct Live {
    double at = 0;
    const ServedFile* file = nullptr;
    Script script;
    std::optional<action::Fetch::Range> range;
    bool head_sent = false;
    std::vector<std::uint8_t> page;    ///< body of an answer that is not the file
    std::uint64_t first = 0, end = 0;  ///< of the file, in the body
    std::uint64_t sent = 0;
    std::optional<action::Accept> accepted;
    std::uint64_t written = 0;
    bool stalled = false;
  };
  struct Queued {
    double at;
    std::function<void()> run;
  };

  void note(const std::string& text) {
    if (logging) log += std::to_string(now_ms) + " " + text + "\n";
  }
  void later(double ms, std::function<void()> run) {
    Queued item{now_ms + ms, std::move(run)};
    auto it = std::upper_bound(queue_.begin(), queue_.end(), item.at,
                               [](double at, const Queued& q) { return at < q.at; });
    queue_.insert(it, std::move(item));
  }
  const std::string& path_of(FileId id) { return entries.at(id).path; }
  const ServedFile& served(FileId id) { return files.at(id); }

  void act(const action::Fetch& a) {
    note("fetch " + std::to_string(a.request) + " " + a.url +
         (a.range ? " " + std::to_string(a.range->first) + "-" +
                        (a.range->last ? std::to_string(*a.range->last) : "")
                  : ""));
    ++requests;
    if (live_.count(a.request) != 0 || a.request < next_request_) return fail("request number used twice");
    next_request_ = a.request + 1;
    if (a.body != action::Body::kStream) return fail("asks for text");
    const std::string prefix = "https://hub.test/";
    const auto it = std::find_if(files.begin(), files.end(),
                                 [&](const ServedFile& f) { return prefix + f.path == a.url; });
    if (it == files.end()) return fail("asks for an unknown address");
    if (a.range &&
        (a.range->first >= it->content.size() ||
         (a.range->last && (*a.range->last < a.range->first || *a.range->last >= it->content.size()))))
      return fail("asks for a range outside the file");
    Live live;
    live.file = &*it;
    live.range = a.range;
    if (script) live.script = script(a);
    live.at = now_ms + link.latency_ms;
    if (live.script.kind == Kind::kSilent) live.at = 1e300;
    live_.emplace(a.request, std::move(live));
  }
  void act(const action::Accept& a) {
    note("accept " + std::to_string(a.request) + " at " + std::to_string(a.offset) + "+" +
         std::to_string(a.length));
    const auto it = live_.find(a.request);
    if (it == live_.end()) return fail("accepts a request that is not there");
    if (it->second.accepted) return fail("accepts twice");
    if (open_.count(a.file) == 0) return fail("accepts into a file that is not open");
    const auto& size = entries.at(a.file).size;
    if (size && a.offset + a.length > *size) return fail("accepts beyond the end of the file");
    it->second.accepted = a;
    it->second.at = now_ms;
  }
  void act(const action::Abort& a) {
    note("abort " + std::to_string(a.request));
    if (live_.erase(a.request) == 0) fail("aborts a request that is not there");
  }
  void act(const action::Open& a) {
    note("open " + std::to_string(a.file));
    if (a.path != path_of(a.file)) return fail("opens another path");
    if (open_.count(a.file) != 0) return fail("opens a file twice");
    opening_.insert(a.file);
    const std::uint64_t life = life_++;
    lives_[a.file] = life;
    later(0.5, [this, file = a.file, life] {
      if (lives_[file] != life || opening_.erase(file) == 0) return;
      if (store_fault && random.chance(0.3)) return store_fails(file);
      open_.insert(file);
      DiskFile& disk = disk_[path_of(file)];
      perform(engine->on(event::Opened{1, file, disk.content.size()}, now()));
    });
  }
  void store_fails(FileId file) {
    const ErrorCode kind = *store_fault;
    store_fault.reset();
    perform(engine->on(event::StoreFailed{1, event::StoreFailed::Work::kFile, file, kind, "no room"}, now()));
  }
  void act(const action::Truncate& a) {
    note("truncate " + std::to_string(a.file) + " " + std::to_string(a.size));
    if (open_.count(a.file) == 0) return fail("cuts a file that is not open");
    DiskFile& disk = disk_[path_of(a.file)];
    disk.content.resize(a.size);
    disk.unflushed.remove({a.size, ~std::uint64_t{0}});
    disk.safe_size = std::min(disk.safe_size, a.size);
  }
  void flush(FileId file) {
    DiskFile& disk = disk_[path_of(file)];
    disk.unflushed = {};
    disk.safe_size = disk.content.size();
  }
  void act(const action::Read& a) {
    note("read " + std::to_string(a.file) + " " + std::to_string(a.offset) + "+" + std::to_string(a.length));
    if (open_.count(a.file) == 0) return fail("reads a file that is not open");
    if (a.length == 0) return fail("reads nothing");
    if (++reads_ > 1) fail("reads twice at a time");
    read_piece(a.file, a.offset, a.offset + a.length, lives_[a.file]);
  }
  void read_piece(FileId file, std::uint64_t offset, std::uint64_t end, std::uint64_t life) {
    later(link.read_ms, [this, file, offset, end, life] {
      if (lives_[file] != life || open_.count(file) == 0) return;
      const DiskFile& disk = disk_[path_of(file)];
      const std::uint64_t piece = std::min<std::uint64_t>(end - offset, 1 + random.below(700));
      const std::uint64_t there = disk.content.size() > offset ? disk.content.size() - offset : 0;
      const std::uint64_t length = std::min(piece, there);
      const std::vector<std::uint8_t> bytes(
          disk.content.begin() + static_cast<std::ptrdiff_t>(length == 0 ? 0 : offset),
          disk.content.begin() + static_cast<std::ptrdiff_t>(length == 0 ? 0 : offset + length));
      if (length == 0 || offset + length == end)
        --reads_;
      else
        read_piece(file, offset + length, end, life);
      perform(engine->hashed(file, offset, bytes, now()));
    });
  }
  void act(const action::Close& a) {
    note("close " + std::to_string(a.file));
    if (open_.erase(a.file) == 0 && opening_.erase(a.file) == 0)
      return fail("closes a file that is not open");
    flush(a.file);
    lives_[a.file] = life_++;
    reads_ = 0;
    for (const auto& [id, live] : live_)
      if (live.accepted && live.accepted->file == a.file && live.written < live.accepted->length)
        fail("closes a file that is being written");
  }
  void act(const action::WriteJournal& a) {
    note("journal");
    if (!options.persistent) return fail("writes a journal that nobody keeps");
    auto parsed = Journal::parse(a.text);
    if (!parsed) return fail("writes a journal that it cannot read");
    const Journal& journal = *parsed;
    if (journal.sequence <= sequence_) return fail("writes a journal that is not newer");
    sequence_ = journal.sequence;
    for (const FileId file : open_) flush(file);
    if (a.slot > 1) return fail("writes a journal to a third place");
    // The store has done all that was asked of it before, so it knows which is the newest whole one.
    const Journal::Newest newest = Journal::newest(journals_);
    if (newest.journal && a.slot != newest.next_slot) return fail("writes over the newest whole journal");
    for (const Journal::File& file : journal.files) {
      const DiskFile& disk = disk_[file.path];
      for (const ByteRange& range : file.ranges) {
        if (range.end > disk.content.size()) return fail("claims bytes that are not on disk");
        if (disk.unflushed.overlap(range) > 0) return fail("claims bytes that were not flushed");
      }
    }
    if (journal_fault) {
      ++failed_journals;
      if (random.chance(0.5)) journals_[a.slot] = a.text.substr(0, random.below(a.text.size()));
      const event::StoreFailed failed{1, event::StoreFailed::Work::kJournal, {}, *journal_fault, "no room"};
      return later(link.journal_ms, [this, failed] { perform(engine->on(failed, now())); });
    }
    last_slot_ = a.slot;
    before_last_ = std::exchange(journals_[a.slot], a.text);
    journaled_ = engine_position();
    unjournaled_since_.reset();
    ++journals;
    if (disk_keeps_up) later(link.journal_ms, [this] { perform(engine->on(event::Journaled{}, now())); });
  }
  template <typename Other>
  void act(const Other&) {
    fail("asks for something that is not its business");
  }

  std::uint64_t engine_position() const {
    std::uint64_t bytes = 0;
    for (const FileTransfer& file : engine->files()) bytes += file.have().total();
    return bytes;
  }

  double bytes_per_ms() const {
    unsigned active = 0;
    for (const auto& [id, live] : live_) active += live.accepted && !live.stalled ? 1 : 0;
    return std::min(link.per_connection, link.total / std::max(1U, active)) / 1000;
  }

  void deliver(RequestId id, Live& live) {
    if (!live.head_sent) {
      live.head_sent = true;
      return send_head(id, live);
    }
    if (!live.accepted) {
      // Not wanted and not aborted: a bug of the engine, unless it is gone by now.
      return fail("leaves a reply unanswered");
    }
    send_body(id, live);
  }

  void send_head(RequestId id, Live& live) {
    const Script script_now = live.script;
    kinds_seen[std::to_string(static_cast<int>(script_now.kind))]++;
    const std::uint64_t size = live.file->content.size();
    event::Head head;
    head.request = id;
    head.headers = {{"content-type", "application/octet-stream"},
                    {"etag", live.file->etag},
                    {"last-modified", live.file->last_modified}};
    bool ranged = live.range.has_value();
    live.first = ranged ? live.range->first : 0;
    live.end = ranged && live.range->last ? *live.range->last + 1 : size;
    std::uint64_t total = size;
    std::uint64_t claimed_first = live.first;
    const auto refuse = [&](int status, std::vector<std::pair<std::string, std::string>> headers = {}) {
      head.status = status;
      head.headers = std::move(headers);
      live.end = live.first = 0;
      live.at = 1e300;
      note("head " + std::to_string(id) + " " + std::to_string(status));
      perform(engine->on(head, now()));
    };
    const auto others = std::count_if(live_.begin(), live_.end(), [&](const auto& one) {
      return one.first != id && one.second.accepted && one.second.sent < one.second.end - one.second.first;
    });
    if (static_cast<std::size_t>(others) >= crowd) {
      ++turned_away;
      if (crowd_status != 0) return refuse(crowd_status);
      live_.erase(id);
      return perform(engine->on(event::FetchFailed{id, ErrorCode::kNetwork, "reset"}, now()));
    }
    switch (script_now.kind) {
      case Kind::kRefused: {
        live_.erase(id);
        note("refused " + std::to_string(id));
        return perform(engine->on(event::FetchFailed{id, ErrorCode::kNetwork, "refused"}, now()));
      }
      case Kind::kStatus:
        return refuse(static_cast<int>(script_now.value));
      case Kind::kRateLimited:
        return refuse(429, {{"retry-after", std::to_string(script_now.value)}});
      case Kind::kExpired:
        head.redirected = true;
        return refuse(403);
      case Kind::kNoRange:
        if (ranged) return refuse(416, {{"content-range", "bytes */" + std::to_string(size)}});
        break;
      case Kind::kWhole:
        ranged = false;
        live.first = 0;
        live.end = size;
        break;
      case Kind::kOtherTotal:
        total = size + 1;
        break;
      case Kind::kOtherStart:
        claimed_first = live.first + 1;
        break;
      case Kind::kLess:
        if (ranged && live.end - live.first > 1)
          live.end = live.first + 1 + script_now.at % (live.end - live.first);
        break;
      case Kind::kHtml:
      case Kind::kHiddenHtml: {
        const std::string page = "\n<!DOCTYPE html><html><body>Sign in</body></html>";
        live.page.assign(page.begin(), page.end());
        ranged = false;
        live.first = 0;
        live.end = page.size();
        head.headers = {{"content-type", script_now.kind == Kind::kHtml ? "text/html; charset=utf-8"
                                                                        : "application/octet-stream"}};
        break;
      }
      case Kind::kPointer:
        live.page.assign(pointer.begin(), pointer.end());
        live.end = total = live.page.size();
        claimed_first = live.first = 0;
        break;
      case Kind::kMultipart:
        head.headers[0].second = "multipart/byteranges; boundary=x";
        break;
      case Kind::kOtherEtag:
        head.headers[2].second = "Mon, 02 Nov 2026 10:00:00 GMT";
        [[fallthrough]];
      case Kind::kOtherServer:
        head.headers[1].second.insert(1, "other-");
        break;
      default:
        break;
    }
    head.status = ranged ? 206 : 200;
    if (script_now.kind == Kind::kNoFacts) {
      head.headers.clear();
    } else if (script_now.kind == Kind::kHidden) {
      head.headers.resize(1);
      head.headers.emplace_back("content-length", std::to_string(live.end - live.first));
    } else if (live.page.empty() || script_now.kind == Kind::kPointer) {
      head.headers.emplace_back("content-length", std::to_string(live.end - live.first));
      if (ranged && script_now.kind != Kind::kMultipart)
        head.headers.emplace_back("content-range",
                                  "bytes " + std::to_string(claimed_first) + "-" +
                                      std::to_string(claimed_first + live.end - live.first - 1) + "/" +
                                      std::to_string(total));
    }
    note("head " + std::to_string(id) + " " + std::to_string(head.status) + " kind " +
         std::to_string(static_cast<int>(script_now.kind)));
    live.at = 1e300;  // until accepted
    perform(engine->on(head, now()));
    if (const auto it = live_.find(id); it != live_.end() && !it->second.accepted)
      fail("neither accepts nor aborts");
  }

  void send_body(RequestId id, Live& live) {
    const Script s = live.script;  // a copy: the request may be over before this is
    const std::uint64_t length = live.end - live.first;
    std::uint64_t limit = length;
    if (s.kind == Kind::kDrop || s.kind == Kind::kShort || s.kind == Kind::kStall)
      limit = std::min(length, s.at);
    if (s.kind == Kind::kLong) limit = length + 10;
    if (live.sent >= limit || live.written >= live.accepted->length) {
      const bool all = live.sent >= length || live.written >= live.accepted->length;
      if (s.kind == Kind::kStall && !all && !live.stalled) {
        live.stalled = true;
        live.at = now_ms + static_cast<double>(s.value) * 1000;
        live.script.kind = Kind::kNone;  // afterwards it goes on
        note("stalls " + std::to_string(id));
        return;
      }
      if (s.kind == Kind::kEndless && all) {
        live.at = 1e300;
        return;
      }
      live_.erase(id);
      if (s.kind == Kind::kDrop && !all) {
        note("drops " + std::to_string(id));
        return perform(engine->on(event::FetchFailed{id, ErrorCode::kNetwork, "reset"}, now()));
      }
      note("ends " + std::to_string(id));
      return perform(engine->on(event::End{id}, now()));
    }
    live.stalled = false;
    std::uint64_t n = std::min<std::uint64_t>(limit - live.sent, 1 + random.below(link.chunk));
    if (s.kind == Kind::kTrickle) n = std::min<std::uint64_t>(n, 1 + s.value / 10);
    n = std::min(n, live.accepted->length - live.written);
    std::vector<std::uint8_t> bytes(n, 0x55);
    const std::vector<std::uint8_t>& source = live.page.empty() ? live.file->content : live.page;
    for (std::uint64_t i = 0; i < n; ++i)
      if (live.first + live.sent + i < source.size()) bytes[i] = source[live.first + live.sent + i];
    if (s.kind == Kind::kFlip && s.at >= live.sent && s.at < live.sent + n) bytes[s.at - live.sent] ^= 1;
    const std::uint64_t offset = live.accepted->offset + live.written;
    DiskFile& disk = disk_[path_of(live.accepted->file)];
    if (store_fault && random.chance(0.1)) {
      const FileId file = live.accepted->file;
      live.at = 1e300;
      return store_fails(file);
    }
    if (disk.content.size() < offset + n) disk.content.resize(offset + n);
    const auto place = disk.content.begin() + static_cast<std::ptrdiff_t>(offset);
    // The same bytes over the same leave nothing to lose.
    const auto same = std::mismatch(bytes.begin(), bytes.end(), place).first - bytes.begin();
    disk.unflushed.add({offset + static_cast<std::uint64_t>(same), offset + n});
    std::copy(bytes.begin(), bytes.end(), place);
    live.sent += n;
    live.written += n;
    live.at = now_ms + static_cast<double>(n) / bytes_per_ms();
    if (s.kind == Kind::kTrickle)
      live.at = now_ms + 1000.0 * static_cast<double>(n) / static_cast<double>(s.value);
    wire += n;
    wire_ever += n;
    perform(engine->received(id, bytes, now()));
  }

  /// What must hold of the bytes of each file and of their sum.
  void check_ledgers() {
    ByteLedger sum;
    sum.size = 0;
    for (const FileTransfer& file : engine->files()) {
      check_ledger(file.file().path, file.ledger());
      sum += file.ledger();
    }
    check_ledger("", engine->totals().bytes);
    const ByteLedger& totals = engine->totals().bytes;
    if (totals.size != sum.size || totals.position != sum.position || totals.heard() != sum.heard())
      fail("the total is not the sum of the files");
  }
  void check_ledger(const std::string& name, const ByteLedger& now) {
    const ByteLedger& before = ledgers_[name];
    const auto wrong = [&](const std::string& what) { fail("'" + name + "' " + what); };
    if (now.size && now.position > *now.size) wrong("has more than everything");
    if (now.position + now.discarded != now.kept + now.restored + now.fresh)
      wrong("has bytes that came from nowhere, or lost some");
    if (now.cached > now.position || now.position - now.cached > now.fresh)
      wrong("takes bytes that were here for new ones");
    if (now.cached > now.kept + now.restored) wrong("takes new bytes for ones that were here");
    if (now.verified > now.hashed || now.hashed > now.position) wrong("has parts that exceed the whole");
    for (const auto field : {&ByteLedger::kept, &ByteLedger::restored, &ByteLedger::fresh,
                             &ByteLedger::repeated, &ByteLedger::wasted, &ByteLedger::discarded})
      if (now.*field < before.*field) wrong("takes back what it counted");
    ledgers_[name] = now;
  }

  void check() {
    if (!broken.empty() || !engine) return;
    const TransferTotals& t = engine->totals();
    check_ledgers();
    if (t.bytes.position < position_ && t.discarded_reason.empty()) return fail("falls without a reason");
    position_ = t.bytes.position;
    if (t.bytes.heard() != wire) return fail("counts bytes of the network that were not, or not all");
    if (engine->attempts() > RecoveryPolicy::kMaxAttempts) return fail("counts more attempts than there are");
    most_connections = std::max(most_connections, t.connections);
    if (t.connections > options.max_connections) return fail("uses too many connections");
    if (live_.size() > 2 * options.max_connections) return fail("has too many requests");
    for (FileId id = 0; id < engine->files().size(); ++id) {
      const FileTransfer& file = engine->files()[id];
      if (file.have().ranges().size() > 64) return fail("keeps too many pieces in mind");
      const auto it = disk_.find(path_of(id));
      const std::uint64_t there = it == disk_.end() ? 0 : it->second.content.size();
      if (!file.have().ranges().empty() && open_.count(id) != 0 && file.have().ranges().back().end > there)
        return fail("believes in bytes that are not on disk");
      if (file.state() == FileTransfer::State::kDone && done_.insert(id).second &&
          served(id).hash != ServedFile::Hash::kNone && !disk_tampered &&
          (it == disk_.end() ? !served(id).content.empty() : it->second.content != served(id).content))
        return fail("calls a wrong file done: " + path_of(id));
      if (file.state() == FileTransfer::State::kDone && served(id).hash == ServedFile::Hash::kNone &&
          !disk_tampered && it != disk_.end() && it->second.content != served(id).content &&
          std::count(older_[id].begin(), older_[id].end(), it->second.content) == 0)
        return fail("mixes two versions of a file: " + path_of(id));
      if (file.state() != FileTransfer::State::kDone) done_.erase(id);
    }
    if (options.persistent && moving() && !journal_fault) {
      const std::uint64_t lag = t.bytes.position > journaled_ ? t.bytes.position - journaled_ : 0;
      longest_journal_lag = std::max(longest_journal_lag, lag);
      if (lag > options.sizes.journal) return fail("the journal is too far behind");
      if (lag > 0 && !unjournaled_since_) unjournaled_since_ = now_ms;
      if (lag > 0 && now_ms - *unjournaled_since_ > 1'001) return fail("the journal is too old");
    }
    switch (state()) {
      case Download::State::kDone:
        if (!t.bytes.size || t.bytes.verified != *t.bytes.size || t.files_done != t.files)
          return fail("is done without everything verified");
        if (!live_.empty() || !open_.empty()) return fail("is done and leaves things open");
        break;
      case Download::State::kAsking:
        if (!engine->error() || engine->error()->message.empty()) return fail("stops without saying why");
        if (!live_.empty() || !open_.empty()) return fail("stops and leaves things open");
        break;
      case Download::State::kWaiting:
        if (!engine->wake_at()) return fail("waits for nothing");
        if (!engine->error()) return fail("waits without saying why");
        break;
      case Download::State::kPaused:
      case Download::State::kCancelled:
        if (!live_.empty() || !open_.empty()) return fail("is stopped and leaves things open");
        break;
      default:
        break;
    }
  }

 public:
  /// Files that were verified in an earlier life are trusted; a test that damages them afterwards says so.
  bool disk_tampered = false;

 private:
  std::map<RequestId, Live> live_;
  std::deque<Queued> queue_;
  std::map<std::string, DiskFile> disk_;
  std::set<FileId> open_, opening_, done_;
  std::map<FileId, std::uint64_t> lives_;
  std::uint64_t life_ = 1;
  unsigned reads_ = 0;
  std::array<std::optional<std::string>, 2> journals_;
  unsigned last_slot_ = 0;
  std::optional<std::optional<std::string>> before_last_;  ///< what was there before the last writing
  std::uint64_t sequence_ = 0;
  RequestId next_request_ = 1;
  std::map<std::string, ByteLedger> ledgers_;
  std::uint64_t position_ = 0, journaled_ = 0;
  std::optional<double> unjournaled_since_;
  double last_wake_ = -1;
  unsigned versions_ = 0;
  std::map<FileId, std::vector<std::vector<std::uint8_t>>> older_;
};

inline std::vector<std::uint8_t> random_bytes(std::uint64_t seed, std::size_t size) {
  Random random(seed);
  std::vector<std::uint8_t> bytes(size);
  for (std::size_t i = 0; i < size; i += 8) {
    const std::uint64_t word = random.next();
    std::memcpy(bytes.data() + i, &word, std::min<std::size_t>(8, size - i));
  }
  return bytes;
}

}  // namespace candor::world
