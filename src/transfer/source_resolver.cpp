#include "candor/transfer/source_resolver.hpp"

#include <algorithm>
#include <utility>

#include "base/json.hpp"
#include "base/text.hpp"
#include "candor/transfer/sha256.hpp"

namespace candor {
namespace {

// A text that is longer than a list may be is cut by who reads it: by a little more, so that it can be told
// from one that just fits, even where a decoder took a byte order mark away.
constexpr std::uint64_t kPageLimit = Manifest::kMaxJson + 8;
constexpr std::size_t kPageCost = 64U << 10U;
constexpr std::size_t kMaxProbes = 256;
// Without a sign of life; what flows may take as long as it needs.
constexpr Seconds kPatience{30};

bool is_url(std::string_view text) { return text.starts_with("https://") || text.starts_with("http://"); }

std::string with_slash(std::string url) {
  if (!url.empty() && url.back() != '/') url += '/';
  return url;
}

std::string without_slash(std::string url) {
  while (!url.empty() && url.back() == '/') url.pop_back();
  return url;
}

bool is_segment(std::string_view text) {
  if (text.empty() || text.size() > 96 || text == "." || text == "..") return false;
  return std::all_of(text.begin(), text.end(), [](char c) { return text::is_plain(c) || c == '.'; });
}

// "a/b/x.onnx_data" → "…_data_1" → "…_data_2": large models come in several such files.
std::optional<std::string> next_external_data(const std::string& path) {
  const std::size_t at = path.rfind("_data");
  if (at == std::string::npos || at == 0) return std::nullopt;
  const std::string_view rest = std::string_view(path).substr(at + 5);
  if (rest.empty()) return text::joined(path, "_1");
  const auto index = text::parse_uint(rest.substr(1));
  if (rest.front() != '_' || !index) return std::nullopt;
  return text::joined(std::string_view(path).substr(0, at + 6), *index + 1);
}

bool is_page(std::string_view body) {
  const std::size_t start = body.find_first_not_of(" \t\r\n");
  return start != std::string_view::npos && body[start] == '<';
}

// RFC 3986 §5.2 as far as a browser doesn't do it by itself: dot segments stay.
std::string resolved(std::string_view base, std::string_view reference) {
  if (is_url(reference)) return std::string(reference);
  const std::size_t host = base.find("//") + 2;
  if (reference.starts_with("//")) return text::joined(base.substr(0, host - 2), reference);
  const std::size_t root = std::min(base.find('/', host), base.size());
  if (reference.starts_with('/')) return text::joined(base.substr(0, root), reference);
  const std::string_view path = base.substr(0, base.find_first_of("?#"));
  if (reference.starts_with('?')) return text::joined(path, reference);
  return text::joined(path.substr(0, path.rfind('/') + 1), reference);
}

Failure of_cause(Cause cause, std::string detail = {}) {
  Failure failure;
  failure.cause = cause;
  failure.detail = std::move(detail);
  return failure;
}

}  // namespace

bool ModelSource::is_folder() const { return is_url(repo); }

std::optional<Error> ModelSource::fault() const {
  const auto refuse = [this](const char* message) {
    return Error{ErrorCode::kUnsupported, message, false, repo.substr(0, 200)};
  };
  if (is_folder()) return std::nullopt;
  if (!is_url(host)) return Error{ErrorCode::kUnsupported, "badHost", false, host.substr(0, 200)};
  const std::string_view name = repo;
  const std::size_t slash = name.find('/');
  const bool good = slash == std::string_view::npos
                        ? is_segment(name)
                        : is_segment(name.substr(0, slash)) && is_segment(name.substr(slash + 1));
  if (!good) return refuse("badRepo");
  if (revision.empty() || revision.size() > 200 || !path_fault(revision).empty()) {
    return refuse("badRevision");
  }
  return std::nullopt;
}

SourceResolver::SourceResolver(ModelSource source, Options options)
    : source_(std::move(source)),
      first_request_(options.first_request),
      next_request_(options.first_request),
      seed_(options.seed),
      policy_(options.seed),
      online_(options.online),
      candidates_(std::move(options.candidates)) {
  source_.host = without_slash(std::move(source_.host));
}

std::vector<Action> SourceResolver::take() { return std::exchange(actions_, {}); }

std::string SourceResolver::api(std::string_view what, std::string_view which) const {
  return text::joined(source_.host, "/api/models/", source_.repo, what, which);
}

std::vector<Action> SourceResolver::start(Instant now) {
  if (auto fault = source_.fault()) {
    refuse(std::move(*fault));
    return take();
  }
  if (source_.is_folder()) {
    // A signature, say, belongs behind the path of each file.
    const std::size_t end = std::min(source_.repo.find_first_of("?#"), source_.repo.size());
    if (source_.repo.substr(end, 1) == "?") query_ = source_.repo.substr(end, source_.repo.find('#') - end);
    source_.repo = with_slash(source_.repo.substr(0, end));
    step_ = Step::kList;
  } else if (text::is_hex(source_.revision, 40)) {
    commit_ = text::to_lower(source_.revision);
    step_ = Step::kTree;
  }
  ask(now);
  return take();
}

void SourceResolver::ask(Instant now) {
  state_ = State::kAsking;
  error_.reset();
  retry_at_.reset();
  switch (step_) {
    case Step::kCommit:
      // A branch may have a slash in its name, which is part of one path segment here.
      {
        std::string revision;
        for (const char& c : url_path(source_.revision))
          revision += c == '/' ? std::string_view("%2F") : std::string_view(&c, 1);
        fetch(api("/revision/", revision), {}, now);
      }
      return;
    case Step::kTree:
      fetch(next_page_.empty() ? api("/tree/", commit_ + "?recursive=true") : next_page_, {}, now);
      return;
    case Step::kList:
      to_probe_ = candidates_;
      pages_only_ = true;
      fetch(source_.repo + "candor.json" + query_, {}, now);
      return;
    case Step::kProbe:
      for (const std::string& path : to_probe_) fetch(source_.repo + url_path(path) + query_, path, now);
      if (to_probe_.empty()) finish_probing(now);
      return;
  }
}

void SourceResolver::fetch(std::string url, std::string path, Instant now) {
  action::Fetch action;
  action.request = next_request_++;
  action.url = url;
  if (!path.empty()) {
    action.range = action::Fetch::Range{0, 0};
    action.body = action::Body::kStream;
  } else {
    action.limit = kPageLimit;
  }
  requests_.push_back({action.request, std::move(url), std::move(path), now});
  actions_.push_back(std::move(action));
}

void SourceResolver::abort_all() {
  for (const Request& request : requests_) actions_.push_back(action::Abort{request.id});
  requests_.clear();
}

SourceResolver::Request* SourceResolver::find(RequestId id) {
  for (Request& request : requests_)
    if (request.id == id) return &request;
  return nullptr;
}

SourceResolver::Request SourceResolver::take(Request* request) {
  std::swap(*request, requests_.back());
  Request taken = std::move(requests_.back());
  requests_.pop_back();
  return taken;
}

std::vector<Action> SourceResolver::stop() {
  abort_all();
  return take();
}

void SourceResolver::refuse(Error error) {
  state_ = State::kFailed;
  error_ = std::move(error);
}

void SourceResolver::finish(std::variant<Manifest, Error> result) {
  if (Error* error = std::get_if<Error>(&result)) {
    refuse(std::move(*error));
  } else {
    manifest_ = std::move(std::get<Manifest>(result));
    state_ = State::kDone;
  }
}

void SourceResolver::fail(const Failure& failure, Instant now) {
  abort_all();
  retry_at_.reset();
  Recovery recovery = policy_.failed(failure, now, online_);
  switch (recovery.step) {
    case Recovery::Step::kRetryNow:
      ask(now);
      return;
    case Recovery::Step::kRetryAt:
      state_ = State::kWaiting;
      retry_at_ = recovery.at;
      error_ = std::move(recovery.error);
      return;
    case Recovery::Step::kAsk:
    case Recovery::Step::kGiveUp:
      refuse(std::move(recovery.error));
      return;
  }
}

std::vector<Action> SourceResolver::on(const event::Head& event, Instant now) {
  Request* const request = find(event.request);
  if (request == nullptr) return {};
  const HttpReply reply = HttpReply::from(event.status, event.redirected, event.headers);

  if (!request->path.empty()) {
    actions_.push_back(action::Abort{event.request});
    probe_answered(take(request).path, reply, now);
    return take();
  }
  if (event.status == 200) {
    request->accepted = true;
    request->heard_at = now;
    request->next_page = reply.next_link;
    if (step_ != Step::kList || !reply.html) return take();
  }
  actions_.push_back(action::Abort{event.request});
  take(request);
  pages_only_ = pages_only_ && reply.html;
  // No list here. A server for one-page applications answers every question with its page.
  const bool no_list = step_ == Step::kList &&
                       (reply.html || event.status == 404 || event.status == 410 || event.status == 403);
  if (no_list) {
    if (!reply.html) policy_.settled();
    step_ = Step::kProbe;
    ask(now);
  } else {
    fail(reply.html && reply.status < 400 ? of_cause(Cause::kPortal) : failure_of(reply), now);
  }
  return take();
}

void SourceResolver::probe_answered(const std::string& path, const HttpReply& reply, Instant now) {
  const bool there = (reply.status == 206 || reply.status == 200 || reply.status == 416) && !reply.html;
  const bool missing = reply.html || reply.status == 404 || reply.status == 410 || reply.status == 403;
  if (!there && !missing) return fail(failure_of(reply), now);

  std::erase(to_probe_, path);
  pages_only_ = pages_only_ && reply.html;
  if (there) {
    ManifestFile file;
    file.path = path;
    file.url = source_.repo + url_path(path) + query_;
    file.version = {reply.etag, reply.last_modified};
    // The length of a whole reply may be the one of a compressed body; weights are never compressed.
    if (reply.content_range) {
      file.size = reply.content_range->total;
    } else if (reply.status == 200 && path.find(".onnx") != std::string::npos) {
      file.size = reply.content_length;
    }
    found_.push_back(std::move(file));
    if (auto next = next_external_data(path); next && found_.size() < kMaxProbes) {
      to_probe_.push_back(*next);
      fetch(source_.repo + url_path(*next) + query_, *next, now);
    }
  }
  if (to_probe_.empty()) finish_probing(now);
}

void SourceResolver::finish_probing(Instant now) {
  if (found_.empty()) {
    // Where everything is a page, all is asked again.
    if (pages_only_) step_ = Step::kList;
    return fail(of_cause(pages_only_ ? Cause::kPortal : Cause::kNotFound), now);
  }
  std::vector<std::string> lines;
  bool all_known = true;
  for (const ManifestFile& file : found_) {
    all_known = all_known && file.version.known();
    std::string line = text::joined(file.path, "\n", file.size.value_or(0), "\n", file.version.etag, "\n",
                                    file.version.last_modified, "\n");
    // In whatever order the answers came.
    const auto place = std::lower_bound(lines.begin(), lines.end(), line);
    lines.insert(place, std::move(line));
  }
  std::string identity;
  for (const std::string& line : lines) identity += line;
  // Where the server says nothing of a file's version, what is there now is not known to be what was there
  // before.
  if (!all_known) text::append(identity, text::joined(seed_, " ", static_cast<std::uint64_t>(to_ms(now))));
  finish(Manifest::from_files(std::move(found_), sha256_of(identity)));
}

std::vector<Action> SourceResolver::on(const event::Heard& event, Instant now) {
  if (Request* const request = find(event.request)) request->heard_at = now;
  return {};
}

std::vector<Action> SourceResolver::on(const event::Text& event, Instant now) {
  Request* const request = find(event.request);
  if (request == nullptr || !request->accepted) return {};
  const Request answered = take(request);
  switch (step_) {
    case Step::kCommit: {
      const auto value = json::parse(event.body);
      const auto sha = value ? json::string_at(*value, "sha") : std::nullopt;
      if (!sha || !text::is_hex(*sha, 40)) {
        fail(of_cause(is_page(event.body) ? Cause::kPortal : Cause::kHttp, event.body.substr(0, 200)), now);
        break;
      }
      commit_ = text::to_lower(*sha);
      policy_.settled();
      step_ = Step::kTree;
      ask(now);
      break;
    }
    case Step::kTree:
      page_arrived(answered, event.body, now);
      break;
    case Step::kList:
      if (is_page(event.body)) {
        fail(of_cause(Cause::kPortal, event.body.substr(0, 200)), now);
        break;
      }
      finish(Manifest::from_candor_json(event.body, source_.repo, query_));
      break;
    case Step::kProbe:
      break;
  }
  return take();
}

void SourceResolver::page_arrived(const Request& request, std::string_view body, Instant now) {
  if (is_page(body)) {
    next_page_ = request.url;
    return fail(of_cause(Cause::kPortal, std::string(body.substr(0, 200))), now);
  }
  policy_.settled();
  // A page without end of empty pages ends, too.
  heard_ += body.size() + kPageCost;
  std::optional<Error> error = Manifest::read_tree_page(
      body, text::joined(source_.host, "/", source_.repo, "/resolve/", commit_, "/"), found_);
  next_page_ = request.next_page;
  if (!error && next_page_.empty()) return finish(Manifest::from_list(std::move(found_), commit_));
  if (!error) {
    // Mirrors hand on what the Hub they copy says: the next page is asked of them, wherever they say it is.
    next_page_ = resolved(request.url, next_page_);
    if (const std::size_t at = next_page_.find("/api/models/"); at != std::string::npos)
      next_page_ = source_.host + next_page_.substr(at);
    const bool same_host = next_page_.starts_with(source_.host + "/");
    if (!same_host || next_page_ == request.url)
      error = {ErrorCode::kUnsupported, "listLeadsNowhere", false, next_page_.substr(0, 200)};
    else if (heard_ > Manifest::kMaxPages)
      error = {ErrorCode::kUnsupported, "hubList\ttooLong", false, source_.repo};
  }
  if (error) {
    // Pages that made no sense together are asked for again.
    found_.clear();
    next_page_.clear();
    heard_ = 0;
    return refuse(std::move(*error));
  }
  ask(now);
}

std::vector<Action> SourceResolver::on(const event::FetchFailed& event, Instant now) {
  Request* const request = find(event.request);
  if (request == nullptr) return {};
  take(request);
  fail(of_cause(Cause::kNetwork, event.message), now);
  return take();
}

std::vector<Action> SourceResolver::tick(Instant now) {
  if (state_ == State::kWaiting && retry_at_ && now >= *retry_at_) {
    ask(now);
  } else if (state_ == State::kAsking) {
    for (const Request& request : requests_) {
      if (now >= request.heard_at + kPatience) {
        fail(of_cause(Cause::kTimeout), now);
        break;
      }
    }
  }
  return take();
}

std::vector<Action> SourceResolver::online(Instant now) {
  online_ = true;
  if (state_ == State::kWaiting) ask(now);
  return take();
}

std::vector<Action> SourceResolver::retry(Instant now) {
  if (state_ != State::kFailed) return {};
  policy_.asked();
  ask(now);
  return take();
}

std::optional<Instant> SourceResolver::retry_at() const {
  return state_ == State::kWaiting ? retry_at_ : std::nullopt;
}

std::optional<Instant> SourceResolver::wake_at() const {
  if (state_ == State::kWaiting) return retry_at_;
  std::optional<Instant> earliest;
  if (state_ == State::kAsking) {
    for (const Request& request : requests_) {
      const Instant due = request.heard_at + kPatience;
      if (!earliest || due < *earliest) earliest = due;
    }
  }
  return earliest;
}

}  // namespace candor
