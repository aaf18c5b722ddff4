#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "candor/byte_ranges.hpp"
#include "candor/event.hpp"
#include "candor/http_reply.hpp"
#include "candor/manifest.hpp"
#include "candor/recovery_policy.hpp"
#include "candor/sha1.hpp"
#include "candor/sha256.hpp"
#include "candor/time.hpp"

namespace candor {

/// One file on its way to the disk: which bytes are there, how far the checksum is, and what a reply means
/// for it. Ledger and decisions only; Download performs.
class FileTransfer {
 public:
  enum class State {
    kWaiting,    ///< nothing runs for it
    kFetching,   ///< requests run
    kVerifying,  ///< complete, the checksum is behind
    kDone,       ///< complete and verified
    kFailed      ///< the visitor is asked
  };

  FileTransfer(ManifestFile file, std::uint64_t seed) : file_(std::move(file)), policy_(seed) {}

  const ManifestFile& file() const { return file_; }
  State state() const { return state_; }
  std::optional<std::uint64_t> size() const { return file_.size; }

  std::uint64_t on_disk() const { return have_.total(); }
  std::uint64_t cached() const { return cached_; }
  std::uint64_t verified() const { return state_ == State::kDone ? have_.total() : 0; }
  std::uint64_t hashed() const { return hashed_; }
  std::uint64_t discarded() const { return discarded_; }
  std::uint64_t wire() const { return wire_; }

 private:
  friend class Download;

  ManifestFile file_;
  State state_ = State::kWaiting;
  ByteRanges have_;
  std::string etag_;
  std::uint64_t cached_ = 0;
  std::uint64_t hashed_ = 0;
  std::uint64_t discarded_ = 0;
  std::uint64_t wire_ = 0;
  RecoveryPolicy policy_;
};

}  // namespace candor
