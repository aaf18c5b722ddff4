#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "candor/loader/model_loader.hpp"
#include "candor/transfer/sha256.hpp"

namespace candor {

/// Everything outside the core for one model, simulated: a Hub, a disk, a browser's storage, a runtime and a
/// clock. Performs what the loader asks and tells it what happened, one event at a time, in an order that a
/// test may shuffle.
class LoaderWorld {
 public:
  // --- the server ---
  std::map<std::string, std::string> server;  // path → content
  std::string commit = std::string(40, 'a');
  std::optional<std::map<std::string, std::string>> served_list;  // what the list says, if not what is there
  bool hub = true;                                                // else a plain folder
  bool candor_json = true;                                        // of the plain folder
  bool network = true;
  std::map<std::string, int> status;  // path → status to answer with instead
  bool lie_about_bytes = false;       // each body has its first byte flipped
  std::uint64_t lies = 0;             // so many more pieces have a byte flipped
  bool ignores_ranges = false;        // sends the whole file, whatever is asked for
  bool alternates_etags = false;      // a pool of servers, each with a name of its own for the same bytes
  std::size_t piece = 16'384;         // of a body, bytes
  bool elsewhere = false;             ///< another tab has the folder
  bool others_read = false;           ///< another tab makes a session from it
  bool journal_fails = false;         // the disk takes no journal
  bool stalled = false;               // bodies send nothing
  bool thinks_it_is_offline = false;  // the browser
  bool removal_fails = false;

  // --- the device ---
  DeviceProfile device;
  std::map<std::string, std::string> disk;
  std::array<std::optional<std::string>, 2> journal;
  std::map<std::string, std::string> storage;  // localStorage
  std::optional<event::SessionFailed> session_failure;
  event::FileFault examined;                           ///< what an examination finds
  std::optional<std::vector<std::string>> external{};  ///< what the graph names
  std::optional<event::SessionFailed> fails_on_webgpu;
  bool session_answers = true;
  bool examines = true;

  // --- what was seen ---
  std::vector<Snapshot> shown;
  std::vector<Action> seen;
  std::vector<std::string> fetched;
  std::uint64_t body_bytes = 0;
  std::optional<SessionPlan> session;
  SessionId session_id = 0;
  std::vector<action::RejectChat> rejected;
  std::vector<action::Done> done;
  std::string broken;  // the first promise that was not kept

  ModelConfig config;
  double now_ms = 1'000;
  std::mt19937_64 random{1};
  bool shuffle = false;

  LoaderWorld() {
    device.webgpu = true;
    device.shader_f16 = true;
    device.persistent = true;
    device.cores = 8;
    config.model_key = "mini";
    config.model_name = "CV mini";
    config.source.repo = "owner/name";
    // Most tests count requests, and want none beside the load.
    config.revalidate = Revalidate::kNever;
    publish(published(), 'a');
  }

  /// The same in each world.
  static const std::map<std::string, std::string>& published() {
    static const std::map<std::string, std::string> files{
        {"config.json", R"({"model_type":"llama"})"},
        {"generation_config.json", "{}"},
        {"tokenizer.json", std::string(3000, 't')},
        {"tokenizer_config.json", "{}"},
        {"onnx/model_q4.onnx", content(300'000, 1)},
        {"onnx/model_q4f16.onnx", content(250'000, 2)},
        {"onnx/model_fp16.onnx", content(1'000, 3)},
        {"onnx/model_fp16.onnx_data", content(500'000, 4)},
        {"README.md", "hello"},
    };
    return files;
  }

  static std::string content(std::size_t size, unsigned seed) {
    std::mt19937 random(seed);
    std::string text(size, '\0');
    for (char& c : text) c = static_cast<char>(random());
    return text;
  }

  /// The owner replaces the model's files.
  void publish(std::map<std::string, std::string> files, char name) {
    server = std::move(files);
    versions_.push_back(server);
    commit = std::string(40, name);
  }

  /// The runtime's code lies on the server, too, and belongs to the load.
  void need_runtime() {
    for (const auto& [build, name] :
         {std::pair{RuntimeBuild::kJspi, "jspi.wasm"}, std::pair{RuntimeBuild::kAsyncify, "asyncify.wasm"}}) {
      const std::string path = std::string("runtime/") + name;
      server[path] = content(90'000, 9);
      config.runtime_files.push_back({build, std::string("ort-1/") + name,
                                      "https://huggingface.co/owner/name/resolve/" + commit + "/" + path,
                                      90'000, sha256_of(server[path])});
    }
    versions_.push_back(server);
  }

  ModelLoader& loader() {
    if (!loader_) {
      const auto record = storage.find("download_state_" + config.model_key);
      if (record != storage.end()) config.record = record->second;
      const auto timings = storage.find("candor_timings_" + config.model_key);
      if (timings != storage.end()) config.timings = timings->second;
      loader_.emplace(config);
    }
    return *loader_;
  }

  /// The page is closed and opened again: only what was stored survives, and what was written but not flushed
  /// may or may not.
  void reload() {
    loader_.reset();
    config.record.reset();
    config.timings.reset();
    requests_.clear();
    numbers_.clear();
    open_.clear();
    todo_.clear();
    waiting_.clear();
    asked_ = holds_ = shares_ = false;
    session.reset();
    previous_.reset();
  }

  /// The same, and what was not flushed may be lost.
  void crash() {
    for (auto& [path, bytes] : disk) {
      const std::string& safe = flushed_[path];
      if (random() % 2 == 0 || safe.size() > bytes.size()) continue;
      // The system wrote what it liked of the rest.
      const std::size_t kept = safe.size() + random() % (bytes.size() - safe.size() + 1);
      bytes = safe + bytes.substr(safe.size(), kept - safe.size());
    }
    if (!device.persistent) {
      disk.clear();
      journal = {};
    }
    reload();
  }

  /// Some version of the model had exactly these bytes.
  bool is_published(const std::string& path) const {
    const auto stored = disk.find(path);
    return stored != disk.end() && std::any_of(versions_.begin(), versions_.end(), [&](const auto& version) {
             const auto it = version.find(path);
             return it != version.end() && it->second == stored->second;
           });
  }

  void tell(const Event& event) {
    anew_ = anew_ || std::holds_alternative<event::Cancel>(event) ||
            std::holds_alternative<event::Dispose>(event) || std::holds_alternative<event::Remove>(event);
    perform(loader().on(event, instant_from_ms(now_ms)));
  }

  /// Lets the world go on until nothing more happens (but for time) or `steps` events were told.
  void run(int steps = 1'000'000) {
    while (steps-- > 0 && step()) {
    }
  }

  /// The same, and time passes whenever nothing else happens, up to `ms` later.
  void run_for(double ms) {
    const double end = now_ms + ms;
    while (now_ms < end) {
      if (step()) continue;
      const auto wake = loader().wake_at();
      if (!wake || to_ms(*wake) > end) break;
      now_ms = std::max(now_ms + 0.01, to_ms(*wake));
      tell(event::Tick{});
    }
    now_ms = std::max(now_ms, end);
    tell(event::Tick{});
  }

  bool step() {
    if (todo_.empty()) return false;
    std::size_t index = 0;
    if (shuffle) index = random() % todo_.size();
    auto work = std::move(todo_[index]);
    todo_.erase(todo_.begin() + static_cast<std::ptrdiff_t>(index));
    now_ms += 10;
    work();
    return true;
  }

  /// The tab that had the folder is gone.
  void grant() {
    elsewhere = false;
    later([this] {
      if (!std::exchange(asked_, false)) return;
      holds_ = true;
      tell(event::Locked{locked_visit_});
    });
  }
  bool holds() const { return holds_; }
  Visit visit() const { return visit_; }

  /// Bodies send again.
  void release() {
    stalled = false;
    for (const RequestId id : std::exchange(waiting_, {})) {
      later([this, id] { send(id); });
    }
  }

  /// Goes on until something like `what` was published.
  template <typename Predicate>
  bool run_until(Predicate what) {
    for (int i = 0; i < 100'000; ++i) {
      if (!shown.empty() && what(shown.back())) return true;
      if (step()) continue;
      const auto wake = loader().wake_at();
      if (!wake) return false;
      now_ms = std::max(now_ms + 0.01, to_ms(*wake));
      tell(event::Tick{});
    }
    return false;
  }

  const Snapshot& last() {
    static const Snapshot kNone;
    return shown.empty() ? kNone : shown.back();
  }
  Snapshot snapshot() { return loader().snapshot(instant_from_ms(now_ms)); }

 private:
  struct Request {
    std::string path;
    std::uint64_t first = 0;
    std::uint64_t end = 0;
    FileId file = 0;
    std::uint64_t offset = 0;
    std::uint64_t length = 0;
    std::uint64_t done = 0;
    std::string body;  // as it was published when it was asked
  };

  void later(std::function<void()> work) { todo_.push_back(std::move(work)); }
  void later_event(Event event) {
    later([this, event = std::move(event)] { tell(event); });
  }

  void perform(const std::vector<Action>& actions) {
    for (const Action& action : actions) {
      seen.push_back(action);
      std::visit([this](const auto& what) { act(what); }, action);
    }
  }

  void act(const action::Probe& a) {
    device.online = network && !thinks_it_is_offline;
    later_event(event::Probed{a.visit, device});
  }
  void act(const action::Examine& a) {
    if (!examines) return;
    event::Examined answer{a.examination, examined, std::nullopt};
    if (a.graph) answer.external = external;
    later_event(std::move(answer));
  }
  void act(const action::ReadJournal&) {
    if (!holds_) broken = "read the journal of a folder that is not its own";
    event::Journal event{visit_, journal, {}};
    for (const auto& [path, bytes] : disk) event.files.push_back({path, bytes.size()});
    later_event(std::move(event));
  }
  void act(const action::Lock& a) {
    if (a.folder.empty() || asked_ || holds_ || shares_) broken = "asked for the folder twice";
    if (a.to_remove && (elsewhere || others_read)) return later_event(event::Busy{a.visit});
    asked_ = true;
    locked_visit_ = a.visit;
    if (!elsewhere) grant();
  }
  void act(const action::Share&) {
    if (!holds_) broken = "shared a folder that is not its own";
    holds_ = false;
    shares_ = true;
  }
  void act(const action::Unlock&) {
    if (!asked_ && !holds_ && !shares_) broken = "gave a folder back that it did not have";
    asked_ = holds_ = shares_ = false;
    open_.clear();
  }
  void act(const action::UseFolder& a) {
    visit_ = a.visit;
    if (a.folder.empty() || a.folder.find_first_of("/\\.:") != std::string::npos)
      broken = "unsafe folder " + a.folder;
  }

  /// A date that is as good as a name.
  static std::string http_date(const std::string& digest) {
    const unsigned long at = std::strtoul(digest.substr(0, 7).c_str(), nullptr, 16);
    char text[64];
    std::snprintf(text, sizeof text, "Mon, %02lu Nov 2026 %02lu:%02lu:%02lu GMT", 1 + at / 86'400 % 28,
                  at / 3'600 % 24, at / 60 % 60, at % 60);
    return text;
  }

  static const std::string& sha256_of(const std::string& text) {
    static std::map<std::string, std::string> known;
    std::string& digest = known[text];
    if (!digest.empty()) return digest;
    Sha256 hash;
    hash.update(std::span(reinterpret_cast<const std::uint8_t*>(text.data()), text.size()));
    return digest = to_hex(hash.digest());
  }

  std::string list() const {
    const auto& files = served_list ? *served_list : server;
    std::string text = hub ? "[" : R"({"version":1,"files":[)";
    bool first = true;
    for (const auto& [path, bytes] : files) {
      if (!std::exchange(first, false)) text += ",";
      if (hub) {
        text += R"({"type":"file","oid":")" + std::string(40, 'b') + R"(","size":)" +
                std::to_string(bytes.size()) + R"(,"path":")" + path + R"(","lfs":{"oid":")" +
                sha256_of(bytes) + R"(","size":)" + std::to_string(bytes.size()) + "}}";
      } else {
        text += R"({"path":")" + path + R"(","size":)" + std::to_string(bytes.size()) + R"(,"sha256":")" +
                sha256_of(bytes) + R"("})";
      }
    }
    return text + (hub ? "]" : "]}");
  }

  void reply(RequestId id, int code, std::vector<std::pair<std::string, std::string>> headers,
             std::optional<std::string> body = std::nullopt) {
    later([this, id, code, headers = std::move(headers), body = std::move(body)] {
      if (requests_.count(id) == 0) return;
      tell(event::Head{id, code, false, headers});
      if (body && requests_.erase(id) > 0) tell(event::Text{id, *body});
    });
  }

  void act(const action::Fetch& a) {
    if (!numbers_.insert(a.request).second) broken = "a request number was used twice";
    fetched.push_back(a.url);
    if (versions_.back() != server) versions_.push_back(server);
    requests_[a.request] = {};
    if (!network) {
      later([this, id = a.request] {
        if (requests_.erase(id) > 0) tell(event::FetchFailed{id, ErrorCode::kNetwork, "down"});
      });
      return;
    }
    const std::string api = "https://huggingface.co/api/models/owner/name/";
    if (a.url == api + "revision/main") {
      const auto code = status.count("revision") ? status["revision"] : 200;
      return reply(a.request, code, {}, R"({"sha":")" + commit + R"("})");
    }
    if (a.url == api + "tree/" + commit + "?recursive=true") return reply(a.request, 200, {}, list());
    const std::string base =
        hub ? "https://huggingface.co/owner/name/resolve/" + commit + "/" : config.source.repo + "/";
    if (a.url.rfind(base, 0) != 0) return reply(a.request, 404, {}, "no");
    const std::string path = a.url.substr(base.size());
    if (!hub && path == "candor.json")
      return reply(a.request, candor_json ? 200 : 404, {}, candor_json ? list() : "no");
    const auto it = server.find(path);
    const int wanted = status.count(path) ? status[path] : (it == server.end() ? 404 : 0);
    if (wanted != 0) {
      later([this, id = a.request, wanted] {
        if (requests_.count(id)) tell(event::Head{id, wanted, false, {}});
      });
      return;
    }
    Request& request = requests_[a.request];
    request.path = path;
    const std::uint64_t size = it->second.size();
    const bool ranged = a.range && !ignores_ranges;
    request.first = ranged ? a.range->first : 0;
    request.end = ranged && a.range->last ? std::min(*a.range->last + 1, size) : size;
    request.body = it->second;
    const std::string name = sha256_of(it->second) + (alternates_etags && random() % 2 ? "-2" : "");
    std::vector<std::pair<std::string, std::string>> headers{
        {"content-length", std::to_string(request.end - request.first)},
        {"etag", "\"" + name + "\""},
        {"last-modified", http_date(sha256_of(it->second))}};
    if (ranged) {
      headers.emplace_back("content-range", "bytes " + std::to_string(request.first) + "-" +
                                                std::to_string(request.end - 1) + "/" + std::to_string(size));
    }
    reply(a.request, ranged ? 206 : 200, std::move(headers));
  }

  void act(const action::Accept& a) {
    const auto it = requests_.find(a.request);
    if (it == requests_.end()) return;
    it->second.file = a.file;
    it->second.offset = a.offset;
    it->second.length = a.length;
    later([this, id = a.request] { send(id); });
  }

  void send(RequestId id) {
    const auto it = requests_.find(id);
    if (it == requests_.end()) return;
    Request& request = it->second;
    const std::uint64_t size = request.end - request.first;
    if (stalled) {
      waiting_.push_back(id);
      return;
    }
    if (!network) {
      requests_.erase(it);
      return tell(event::FetchFailed{id, ErrorCode::kNetwork, "down"});
    }
    if (request.done >= size) {
      requests_.erase(it);
      return tell(event::End{id});
    }
    const std::uint64_t length =
        std::min<std::uint64_t>({piece, size - request.done, request.length - request.done});
    std::string bytes = request.body.substr(request.first + request.done, length);
    if (lie_about_bytes && request.done == 0 && !bytes.empty()) bytes[0] = static_cast<char>(bytes[0] ^ 1);
    if (lies > 0 && !bytes.empty()) {
      --lies;
      char& wrong = bytes[random() % bytes.size()];
      wrong = static_cast<char>(wrong ^ 4);
    }
    const auto file = open_.find(request.file);
    if (file == open_.end()) {
      broken = "bytes for a file that is not open";
      return;
    }
    std::string& stored = disk[file->second];
    const std::uint64_t at = request.offset + request.done;
    if (stored.size() < at + length) stored.resize(at + length);
    stored.replace(at, length, bytes);
    request.done += length;
    body_bytes += length;
    later([this, id] { send(id); });
    perform(loader().received(id,
                              std::span(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()),
                              instant_from_ms(now_ms)));
  }

  void act(const action::Abort& a) { requests_.erase(a.request); }
  void act(const action::Open& a) {
    if (!holds_) broken = "opened a file in a folder that is not its own";
    open_[a.file] = a.path;
    later([this, a, visit = visit_] {
      if (open_.count(a.file)) tell(event::Opened{visit, a.file, disk[a.path].size()});
    });
  }
  void act(const action::Truncate& a) { disk[open_.at(a.file)].resize(a.size); }
  void act(const action::Read& a) {
    later([this, a] { read(a.file, a.offset, a.offset + a.length); });
  }
  void read(FileId file, std::uint64_t offset, std::uint64_t end) {
    const auto it = open_.find(file);
    if (it == open_.end()) return;
    const std::string& stored = disk[it->second];
    const std::string bytes = offset < stored.size()
                                  ? stored.substr(offset, std::min<std::uint64_t>(65'536, end - offset))
                                  : std::string();
    if (!bytes.empty() && offset + bytes.size() < end) {
      later([this, file, at = offset + bytes.size(), end] { read(file, at, end); });
    }
    perform(loader().hashed(file, offset,
                            std::span(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()),
                            instant_from_ms(now_ms)));
  }
  void act(const action::Close& a) { open_.erase(a.file); }
  void act(const action::WriteJournal& a) {
    if (!holds_) fault("wrote a journal into a folder that is not its own");
    if (journal_fails) {
      return later_event(event::StoreFailed{visit_, event::StoreFailed::Work::kJournal, std::nullopt,
                                            ErrorCode::kQuota, "full"});
    }
    journal.at(a.slot) = a.text;
    flushed_ = disk;
    later_event(event::Journaled{visit_});
  }
  void act(const action::RemoveFolder&) {
    if (!holds_) fault("removed a folder that is not its own");
    if (removal_fails) {
      return later_event(event::StoreFailed{visit_, event::StoreFailed::Work::kRemove, std::nullopt,
                                            ErrorCode::kStorage, "in use"});
    }
    disk.clear();
    journal = {};
    open_.clear();
    later_event(event::Removed{visit_});
  }
  void act(const action::Persist& a) { storage[a.key] = a.json; }
  void act(const action::Unpersist& a) { storage.erase(a.key); }
  void act(const action::CreateSession& a) {
    session = a.plan;
    session_id = a.session;
    for (const std::string& path : {a.plan.graph, a.plan.config, a.plan.tokenizer}) {
      if (disk.count(path) == 0) broken = "a session without " + path;
    }
    if (!shares_ && !holds_) fault("a session from files that anyone may take away");
    bool one_version = false;
    for (const auto& version : versions_) {
      bool all = true;
      for (const auto& path : {a.plan.graph, a.plan.config, a.plan.tokenizer}) {
        const auto it = version.find(path);
        all = all && it != version.end() && it->second == disk[path];
      }
      one_version = one_version || all;
    }
    if (!one_version) fault("a session from files of two versions");
    if (!session_answers) return;
    using Stage = event::SessionStage;
    const std::uint64_t total = disk[a.plan.graph].size();
    later_event(event::SessionProgress{a.session, Stage::kCreate, 0, {}});
    later_event(event::SessionProgress{a.session, Stage::kUpload, total / 2, total});
    const bool webgpu = a.plan.execution_provider == ExecutionProvider::kWebGpu;
    if (session_failure || (webgpu && fails_on_webgpu)) {
      auto failure = session_failure ? *session_failure : *fails_on_webgpu;
      failure.session = a.session;
      later_event(failure);
      return;
    }
    later_event(event::SessionProgress{a.session, Stage::kUpload, total, total});
    later_event(event::SessionProgress{a.session, Stage::kWarmup, 0, {}});
    later_event(event::SessionReady{a.session});
  }
  void act(const action::CloseSession&) { session.reset(); }
  void act(const action::RejectChat& a) { rejected.push_back(a); }
  void act(const action::Done& a) { done.push_back(a); }
  void act(const action::Publish& a) {
    check(a.snapshot);
    shown.push_back(a.snapshot);
  }

  void fault(const std::string& words) {
    if (broken.empty()) broken = words + " (publication " + std::to_string(shown.size()) + ")";
  }

  /// Whether these are the id of a sentence and its parameters, which the page puts into words.
  static bool is_named(const std::string& words) {
    const std::string id = words.substr(0, words.find('\t'));
    return !id.empty() && id.front() >= 'a' && id.front() <= 'z' &&
           id.find_first_of(" .") == std::string::npos;
  }

  /// H1 to H5 for one published snapshot and the one before.
  void check(const Snapshot& s) {
    const auto percentage = [&](std::optional<double> value, const char* what) {
      if (value && !(*value >= 0 && *value <= 100)) fault(std::string(what) + " outside 0..100");
    };
    const auto amount = [&](std::optional<double> value, const char* what) {
      if (value && !(*value >= 0 && std::isfinite(*value))) fault(std::string(what) + " is no amount");
    };
    percentage(s.progress, "progress");
    amount(s.speed, "speed");
    amount(s.time_remaining, "timeRemaining");
    amount(s.eta_low, "etaLow");
    amount(s.eta_high, "etaHigh");
    amount(s.eta.low, "eta.low");
    amount(s.eta.high, "eta.high");
    amount(s.stalled_for, "stalledFor");
    amount(s.phase_elapsed, "phaseElapsed");
    amount(s.phase_last_time, "phaseLastTime");
    if (s.error) amount(s.error->retry_in, "retryIn");
    for (const double rate : s.throughput) amount(rate, "throughput");
    if (s.throughput.size() > 120) fault("too many points");
    if (s.network + s.cached != s.total_downloaded) fault("network + cached is not the position");
    if (s.total_size && s.total_downloaded > *s.total_size) fault("more than the total");
    if (s.verified > s.total_downloaded) fault("more verified than there");
    if (s.files_completed > s.total_files) fault("more files done than there are");
    if (s.progress == 100.0 && s.status != LoadStatus::kReady) fault("100 % before the phase was over");
    if (s.status == LoadStatus::kReady && s.total_size && s.verified != *s.total_size)
      fault("ready, not verified");
    if ((s.status == LoadStatus::kFailed) !=
        (s.error && !s.error->retry_in && s.status == LoadStatus::kFailed)) {
      fault("failed without an error");
    }
    if (s.can.retry && (s.status != LoadStatus::kFailed || !s.error->error.retryable))
      fault("a retry that can't help");
    if (s.error && !is_named(s.error->error.message)) fault("an error without the id of a sentence");
    if (s.discarded_reason && !is_named(*s.discarded_reason)) fault("a reason without the id of a sentence");
    if (s.variant && !is_named(s.variant->reason)) fault("a choice without the id of a sentence");
    if (s.attempt < 1 || s.attempt > s.max_attempts) fault("attempt out of range");
    std::uint64_t sum = 0;
    for (const SnapshotFile& file : s.files) {
      percentage(file.progress, "a file's progress");
      if (file.total && file.loaded > *file.total) fault("a file larger than itself");
      if (file.progress == 100.0 && file.status != FileStatus::kDone)
        fault("a file at 100 % that is not done");
      sum += file.loaded;
    }
    if (!s.files.empty() && sum != s.total_downloaded) fault("the files are not the sum");
    if (previous_) {
      const Snapshot& p = *previous_;
      const bool thrown_away = s.discarded > p.discarded;
      // What was given up and is begun anew is read from the start.
      const bool anew =
          std::exchange(anew_, anew_ && !is_running(s.status)) || p.status == LoadStatus::kFailed;
      const bool removed = s.status == LoadStatus::kIdle || p.status == LoadStatus::kIdle;
      if (s.total_downloaded < p.total_downloaded && !thrown_away && !removed) fault("the position fell");
      if (s.discarded < p.discarded && !removed) fault("discarded fell");
      if (s.phase == p.phase && s.phase && s.progress && p.progress && *s.progress < *p.progress &&
          !thrown_away && s.attempt == p.attempt && !removed && !anew && s.total_size == p.total_size) {
        fault("progress fell from " + std::to_string(*p.progress) + " to " + std::to_string(*s.progress) +
              " in " + to_string(*s.phase) + ", " + to_string(p.status) + " then " + to_string(s.status));
      }
    }
    previous_ = s;
  }

  std::optional<ModelLoader> loader_;
  std::vector<std::map<std::string, std::string>> versions_;
  std::map<std::string, std::string> flushed_;
  bool anew_ = false;  // the visitor gave up since
  Visit visit_ = 0;
  Visit locked_visit_ = 0;
  bool asked_ = false;
  bool holds_ = false;
  bool shares_ = false;
  std::map<RequestId, Request> requests_;
  std::set<RequestId> numbers_;
  std::map<FileId, std::string> open_;
  std::deque<std::function<void()>> todo_;
  std::vector<RequestId> waiting_;
  std::optional<Snapshot> previous_;
};

}  // namespace candor
