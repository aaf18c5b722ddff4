#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "candor/transfer/download.hpp"

namespace candor {

/// What a download should do next. It decides and changes nothing.
class Download::Schedule {
 public:
  Schedule(const Download& download, Instant now) : download_(download), now_(now) {}

  struct Load {
    unsigned live = 0;  ///< connections in use
    unsigned busy = 0;  ///< those of them that count for the pace of the line
  };
  Load load() const;
  /// Connections wanted now for large files.
  unsigned target() const;
  /// The file that the next request is for. `large_too`: not only those that come beside the others.
  std::optional<FileId> next_file(bool large_too) const;
  /// What the next request for this file asks for.
  Request request_for(FileId id) const;
  /// Everything has a request, but a connection is free: whose rest it takes over, and where that begins.
  struct Split {
    RequestId request = 0;
    std::uint64_t at = 0;
  };
  std::optional<Split> split() const;
  /// What the checksum wants read back.
  struct Reading {
    FileId file = 0;
    ByteRange range;
  };
  std::optional<Reading> next_read() const;
  /// What all of it amounts to: kFetching, kVerifying, kDone, or with an error kWaiting or kAsking.
  struct Standing {
    State state = State::kFetching;
    std::optional<Error> error;
  };
  Standing standing() const;
  /// What is neither here nor asked for.
  std::vector<ByteRange> unassigned(FileId id) const;

 private:
  bool is_wanted(FileId id, bool large_too) const;
  bool splits(const Request& request) const;

  const Download& download_;
  Instant now_;
};

}  // namespace candor
