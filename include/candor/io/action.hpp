#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "candor/io/event.hpp"
#include "candor/io/snapshot.hpp"

namespace candor {

/// What a session worker needs. Paths are below the model's folder.
struct SessionPlan {
  ExecutionProvider execution_provider = ExecutionProvider::kWasm;
  std::string dtype;
  std::string graph;
  std::vector<std::string> external_data;
  std::string config;
  std::optional<std::string> generation_config;
  std::string tokenizer;
  std::optional<std::string> tokenizer_config;
  std::optional<std::string> chat_template;
  unsigned threads = 1;
  /// Which build of ONNX Runtime Web.
  RuntimeBuild runtime = RuntimeBuild::kAsyncify;
  bool subgroups = false;    ///< a device may be requested with them
  std::string runtime_file;  ///< its WebAssembly
};

/// What JavaScript is asked to do, in order. bindings.d.ts has the same list for its readers.
namespace action {

struct Probe {
  Visit visit = 0;
};
struct ReadJournal {};
/// Asks for the model's folder to be this tab's alone; event::Locked comes when no other tab has it. Until
/// then event::Peer tells what the tab that has it says.
struct Lock {
  Visit visit = 0;
  std::string folder;
  /// To take the files away: only if no other tab even reads them; else event::Busy comes at once.
  bool to_remove = false;
};
/// Other tabs may read the files, too, and write none of them, until Unlock. For who has the folder.
struct Share {};
/// Gives the folder to the tab that waits longest, or stops waiting. Its files are closed first.
struct Unlock {};
/// Names the model's folder, one safe path segment; comes before every other store action. Answers to those
/// that follow carry `visit`.
struct UseFolder {
  Visit visit = 0;
  std::string folder;
};

enum class Body {
  kText,   ///< the whole body, at most `limit` bytes, comes back as one event::Text
  kStream  ///< waits for Accept after event::Head
};
struct Fetch {
  RequestId request = 0;
  std::string url;
  /// First byte and last byte (inclusive; absent: to the end), as in a Range header.
  struct Range {
    std::uint64_t first = 0;
    std::optional<std::uint64_t> last;
  };
  std::optional<Range> range;
  Body body = Body::kText;
  std::uint64_t limit = 0;
};
/// Write the request's body into `file` from `offset`, at most `length` bytes.
struct Accept {
  RequestId request = 0;
  FileId file = 0;
  std::uint64_t offset = 0;
  std::uint64_t length = 0;
};
struct Abort {
  RequestId request = 0;
};
struct Open {
  FileId file = 0;
  std::string path;
};
struct Truncate {
  FileId file = 0;
  std::uint64_t size = 0;
};
/// Read back and report through hashed(), in ascending pieces.
struct Read {
  FileId file = 0;
  std::uint64_t offset = 0;
  std::uint64_t length = 0;
};
struct Close {
  FileId file = 0;
};
/// Into one of the two places, the other stays as it is; only after all that was written before is flushed.
/// Then event::Journaled.
struct WriteJournal {
  unsigned slot = 0;  ///< 0 or 1
  std::string text;
};
struct RemoveFolder {};
struct Persist {
  std::string key;
  std::string json;
};
struct Unpersist {
  std::string key;
};
/// Read what is small of the model as a session would, and say what is wrong with it. `graph`: read also what
/// the graph names as its external data.
struct Examine {
  Ticket examination = 0;
  SessionPlan plan;
  bool graph = false;
};
struct CreateSession {
  SessionId session = 0;
  SessionPlan plan;
};
struct CloseSession {};
/// What became of a chat that event::AnswerFailed told of.
struct RejectChat {
  Ticket chat = 0;
  Error error;
};
/// Answers event::Remove; an error: nothing was removed.
struct Done {
  Ticket ticket = 0;
  std::optional<Error> error;
};
struct Publish {
  Snapshot snapshot;
};

}  // namespace action

using Action =
    std::variant<action::Probe, action::Lock, action::Share, action::Unlock, action::ReadJournal,
                 action::UseFolder, action::Fetch, action::Accept, action::Abort, action::Open,
                 action::Truncate, action::Read, action::Close, action::WriteJournal, action::RemoveFolder,
                 action::Persist, action::Unpersist, action::Examine, action::CreateSession,
                 action::CloseSession, action::RejectChat, action::Done, action::Publish>;

}  // namespace candor
