#pragma once

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

/// What happened, told to the core. Byte counts are bytes, durations milliseconds. Texts come from outside.
namespace event {

struct Load {};
struct Pause {};
struct Resume {};
struct Retry {};
struct Cancel {};
struct Remove {};
/// The page gives the model up: the session ends, the bytes and the record stay.
struct Dispose {};
struct Tick {};
struct Online {};
struct Offline {};
/// No other tab has the model's folder now; it is this one's until action::Unlock.
struct Locked {};
/// What the tab that has the folder shows its visitor.
struct Peer {
  std::uint64_t on_disk = 0;
  std::uint64_t verified = 0;
  std::optional<std::uint64_t> total;
  std::optional<double> speed;  ///< bytes per second
  std::optional<EtaEstimate> eta;
  double stalled_for = 0;  ///< ms
  bool stopped = false;    ///< until its visitor acts: paused, or failed
};

struct Probed {
  DeviceProfile device;
};

struct StoredFile {
  std::string path;
  std::uint64_t size = 0;
};
/// The journal's text (empty optional: there is none) and what is really on disk below the model's folder.
struct Journal {
  std::optional<std::string> text;
  std::vector<StoredFile> files;
};
struct Opened {
  FileId file = 0;
  std::uint64_t size = 0;
};
/// A journal is on disk, and with it all that it names.
struct Journaled {};
struct StoreFailed {
  std::optional<FileId> file;
  ErrorCode kind = ErrorCode::kStorage;  ///< kQuota or kStorage
  std::string message;
};
struct Removed {};

struct Head {
  RequestId request = 0;
  int status = 0;
  bool redirected = false;
  /// Names in lower case.
  std::vector<std::pair<std::string, std::string>> headers;
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

enum class SessionStage { kRuntime, kCreate, kUpload, kWarmup };
struct SessionProgress {
  SessionStage stage = SessionStage::kRuntime;
  std::uint64_t loaded = 0;
  std::optional<std::uint64_t> total;
};
struct SessionReady {};
struct SessionFailed {
  ErrorCode kind = ErrorCode::kRuntime;  ///< kUnsupported, kOutOfMemory, kDeviceLost, kRuntime or kIntegrity
  std::string message;
};
struct SessionLost {
  std::string message;
};

}  // namespace event

using Event =
    std::variant<event::Load, event::Pause, event::Resume, event::Retry, event::Cancel, event::Remove,
                 event::Dispose, event::Tick, event::Online, event::Offline, event::Locked, event::Peer,
                 event::Probed, event::Journal, event::Opened, event::Journaled, event::StoreFailed,
                 event::Removed, event::Head, event::Text, event::End, event::FetchFailed,
                 event::SessionProgress, event::SessionReady, event::SessionFailed, event::SessionLost>;

}  // namespace candor
