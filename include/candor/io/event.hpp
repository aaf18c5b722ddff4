#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "candor/base/error.hpp"
#include "candor/model/device_profile.hpp"
#include "candor/progress/eta.hpp"

namespace candor {

/// Numbers a request of the core; never used twice by one loader.
using RequestId = std::uint32_t;
/// Numbers a file of a model from 0, in the order of its manifest.
using FileId = std::uint32_t;
/// Numbers the times that a model's folder was opened, from 1. What the store, the other tabs or the probe of
/// the device answer carries the number that was current when they were asked: what comes from before is
/// ignored.
using Visit = std::uint32_t;
/// Numbers the sessions of a model from 1, likewise.
using SessionId = std::uint32_t;
/// Numbers what the page asked for and waits for: a command or a chat.
using Ticket = std::uint32_t;

/// What happened, told to the core. Byte counts are bytes, durations milliseconds. Texts come from outside.
namespace event {

struct Load {};
struct Pause {};
struct Resume {};
struct Retry {};
struct Cancel {};
/// action::Done answers, once the files are gone or cannot be removed.
struct Remove {
  Ticket ticket = 0;
};
/// Fetches the newer version that the snapshot tells of; what did not change stays.
struct Update {};
/// The page gives the model up: the session ends, the bytes and the record stay.
struct Dispose {};
struct Tick {};
struct Online {};
struct Offline {};
/// No other tab has the model's folder now; it is this one's until action::Unlock.
struct Locked {
  Visit visit = 0;
};
/// Another tab is using the folder, which was asked for only if it is free.
struct Busy {
  Visit visit = 0;
};
/// What the tab that has the folder shows its visitor.
struct Peer {
  Visit visit = 0;
  std::uint64_t on_disk = 0;
  std::uint64_t verified = 0;
  std::optional<std::uint64_t> total;
  std::optional<double> speed;  ///< bytes per second
  std::optional<EtaEstimate> eta;
  double stalled_for = 0;  ///< ms
  bool stopped = false;    ///< until its visitor acts: paused, or failed
};

struct Probed {
  Visit visit = 0;
  DeviceProfile device;
};

struct StoredFile {
  std::string path;
  std::uint64_t size = 0;
};
/// What lies in the two places that journals are written to in turn (empty optional: nothing), and what is
/// really on disk below the model's folder.
struct Journal {
  Visit visit = 0;
  std::array<std::optional<std::string>, 2> texts;
  std::vector<StoredFile> files;
};
struct Opened {
  Visit visit = 0;
  FileId file = 0;
  std::uint64_t size = 0;
};
/// A journal is on disk, and with it all that it names.
struct Journaled {
  Visit visit = 0;
};
struct StoreFailed {
  /// What could not be done.
  enum class Work { kJournal, kFile, kRemove, kSession };
  Visit visit = 0;
  Work work = Work::kFile;
  std::optional<FileId> file;
  ErrorCode kind = ErrorCode::kStorage;  ///< kQuota or kStorage
  std::string message;
};
struct Removed {
  Visit visit = 0;
};

struct Head {
  RequestId request = 0;
  int status = 0;
  bool redirected = false;
  /// Names in lower case.
  std::vector<std::pair<std::string, std::string>> headers;
};
/// More of a body that is asked for as a text came: it is not silent.
struct Heard {
  RequestId request = 0;
};
struct Text {
  RequestId request = 0;
  std::string body;
};
struct End {
  RequestId request = 0;
};
struct FetchFailed {
  RequestId request = 0;
  ErrorCode kind = ErrorCode::kNetwork;  ///< kNetwork or kAborted
  std::string message;
};

enum class SessionStage { kCreate, kUpload, kWarmup };
struct SessionProgress {
  SessionId session = 0;
  SessionStage stage = SessionStage::kCreate;
  std::uint64_t loaded = 0;
  std::optional<std::uint64_t> total;
};
struct SessionReady {
  SessionId session = 0;
};
/// What is wrong with the model's files, as far as our own code can see.
struct FileFault {
  /// kUnsupported or kIntegrity, and then `message` is a sentence of ours; absent: it is the runtime's or the
  /// browser's, and the core judges it.
  std::optional<ErrorCode> kind;
  std::string message;
  std::string file{};    ///< the path of the file that is bad; empty: none in particular
  std::string detail{};  ///< text from outside
};
struct SessionFailed {
  SessionId session = 0;
  FileFault fault;
};
/// Answers action::Examine.
struct Examined {
  Ticket examination = 0;
  FileFault fault;  ///< without a kind: nothing was found
  /// Names of the graph's external data, relative to the graph; absent: not known.
  std::optional<std::vector<std::string>> external;
};
/// The device or the worker of a session is gone.
struct SessionLost {
  SessionId session = 0;
  std::string message;
};
/// A chat ended as it should.
struct Answered {
  SessionId session = 0;
  std::uint64_t tokens = 0;
  std::optional<double> tokens_per_second;  ///< of those after the first
};
/// A chat ended in an error of the runtime; action::RejectChat says what it means.
struct AnswerFailed {
  SessionId session = 0;
  Ticket chat = 0;
  std::string message;
};

}  // namespace event

using Event =
    std::variant<event::Load, event::Pause, event::Resume, event::Retry, event::Cancel, event::Remove,
                 event::Update, event::Dispose, event::Tick, event::Online, event::Offline, event::Locked,
                 event::Busy, event::Peer, event::Probed, event::Journal, event::Opened, event::Journaled,
                 event::StoreFailed, event::Removed, event::Head, event::Heard, event::Text, event::End,
                 event::FetchFailed, event::SessionProgress, event::SessionReady, event::SessionFailed,
                 event::Examined, event::SessionLost, event::Answered, event::AnswerFailed>;

}  // namespace candor
