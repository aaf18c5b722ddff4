#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "candor/base/error.hpp"
#include "candor/base/time.hpp"
#include "candor/io/action.hpp"
#include "candor/io/event.hpp"
#include "candor/transfer/http_reply.hpp"
#include "candor/transfer/manifest.hpp"
#include "candor/transfer/recovery_policy.hpp"

namespace candor {

/// Where a model comes from.
struct ModelSource {
  std::string repo;                             ///< `owner/name` on the Hub, or the absolute URL of a folder;
                                                ///< its query goes with the request for each file
  std::string revision = "main";                ///< of the Hub: a branch, tag or commit
  std::string host = "https://huggingface.co";  ///< of the Hub

  bool is_folder() const;
  /// Why there can be no such source; empty: it can be asked.
  std::optional<Error> fault() const;
};

/// Finds out which files a model has, before byte 0 of any of them: on the Hub the commit and then its tree,
/// in a plain folder candor.json and, without one, a question for each file that a model usually has.
class SourceResolver {
 public:
  enum class State {
    kAsking,   ///< requests run
    kWaiting,  ///< nothing runs until retry_at() or online()
    kFailed,   ///< error() says whether retry() can help
    kDone      ///< manifest() is there
  };

  struct Options {
    std::vector<std::string> candidates;  ///< paths to ask for in a folder without candor.json
    RequestId first_request = 1;
    std::uint64_t seed = 0;
    bool online = true;
  };

  SourceResolver(ModelSource source, Options options);

  std::vector<Action> start(Instant now);
  std::vector<Action> on(const event::Head& event, Instant now);
  std::vector<Action> on(const event::Heard& event, Instant now);
  std::vector<Action> on(const event::Text& event, Instant now);
  std::vector<Action> on(const event::FetchFailed& event, Instant now);
  std::vector<Action> tick(Instant now);
  std::vector<Action> online(Instant now);
  void offline() { online_ = false; }
  /// Another round after State::kFailed. What was already answered is not asked again.
  std::vector<Action> retry(Instant now);
  /// Gives up what is under way.
  std::vector<Action> stop();

  std::optional<Instant> wake_at() const;
  State state() const { return state_; }
  /// Set in kWaiting and kFailed.
  const std::optional<Error>& error() const { return error_; }
  /// In kWaiting: when it goes on by itself.
  std::optional<Instant> retry_at() const;
  const Manifest& manifest() const { return manifest_; }
  bool owns(RequestId request) const { return request >= first_request_ && request < next_request_; }
  RequestId next_request() const { return next_request_; }

 private:
  enum class Step { kCommit, kTree, kList, kProbe };
  struct Request {
    RequestId id = 0;
    std::string url;
    std::string path;  ///< of a probe
    Instant heard_at{};
    bool accepted = false;
    std::string next_page{};  ///< what its head says comes after it; counts once the whole page is here
  };

  void ask(Instant now);
  void fetch(std::string url, std::string path, Instant now);
  void abort_all();
  Request* find(RequestId id);
  Request take(Request* request);
  void fail(const Failure& failure, Instant now);
  void refuse(Error error);
  void probe_answered(const std::string& path, const HttpReply& reply, Instant now);
  void finish(std::variant<Manifest, Error> result);
  void finish_probing(Instant now);
  void page_arrived(const Request& request, std::string_view body, Instant now);
  std::string api(std::string_view what, std::string_view which) const;
  std::vector<Action> take();

  ModelSource source_;
  RequestId first_request_;
  RequestId next_request_;
  std::uint64_t seed_;
  RecoveryPolicy policy_;
  bool online_;
  State state_ = State::kAsking;
  Step step_ = Step::kCommit;
  std::optional<Error> error_;
  std::optional<Instant> retry_at_;
  std::vector<Request> requests_;
  std::string commit_;
  std::size_t heard_ = 0;  ///< of the pages of the tree, bytes
  std::string next_page_;
  std::string query_;  ///< of a folder's address: goes behind each path
  std::vector<std::string> candidates_;
  std::vector<std::string> to_probe_;
  bool pages_only_ = true;  ///< every answer so far was a web page
  std::vector<ManifestFile> found_;
  Manifest manifest_;
  std::vector<Action> actions_;
};

}  // namespace candor
