#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "candor/base/byte_ledger.hpp"
#include "candor/base/time.hpp"
#include "candor/progress/multi_file_aggregator.hpp"
#include "candor/progress/progress_info.hpp"

namespace candor {

/// One stream of progress: of one file, or of all the events of one Transformers.js `progress_callback`.
/// Takes positions and the time, gives a ProgressInfo that keeps the promises listed at MultiFileAggregator.
class ProgressTracker {
 public:
  struct Options {
    std::string name;
    std::string file;                    ///< falls back to `name`
    std::optional<std::uint64_t> total;  ///< bytes
    std::uint64_t resident = 0;          ///< bytes of it that are here already
  };

  explicit ProgressTracker(Options options);

  /// The position of the tracker's own file: `loaded` bytes from its start. Invalid numbers are ignored.
  /// Without a known start, the bytes of the first call are position only, since nobody saw how long they
  /// took: call it once with 0 when the download starts.
  void update(std::optional<std::uint64_t> loaded, std::optional<std::uint64_t> total, Instant now);
  /// One event of Transformers.js, of any file.
  void handle_transformers_progress(const TransformersEvent& event, Instant now);
  /// `bytes` of the file turned out to be here already.
  void set_resident(std::uint64_t bytes, Instant now);
  /// All but the first `keep` bytes of the tracker's own file were thrown away.
  void discard(std::uint64_t keep, Instant now);
  /// Done: every byte is here and verified. 100 %.
  void complete(Instant now);
  void fail(std::string error, Instant now);
  void pause(Instant now);
  void resume(Instant now);

  ProgressInfo snapshot(Instant now) const;

 private:
  Options options_;
  MultiFileAggregator files_;
  bool declared_ = false;  // the own file is in files_
  bool heard_ = false;     // a position or an event came

  void declare();
  ByteLedger ledger() const;
};

}  // namespace candor
