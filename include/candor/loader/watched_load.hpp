#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "candor/base/time.hpp"
#include "candor/io/snapshot.hpp"
#include "candor/progress/multi_file_aggregator.hpp"
#include "candor/progress/throttler.hpp"

namespace candor {

/// A load that somebody else performs (Transformers.js), as a ModelLoader would show it. It can be watched
/// and nothing else: `can` allows nothing.
///
/// Each call that something happened in returns the snapshot to deliver now, if it is time for one: at most
/// one per 100 ms, the last state always, and one a second while nothing is heard, since silence is news too.
class WatchedLoad {
 public:
  /// More files than any cache of models has; further ones are ignored.
  static constexpr std::size_t kMaxKept = 65'536;

  struct Options {
    std::string model_key;
    std::string model_name;
    std::string revision;      ///< as it stands in an address
    bool cache_known = false;  ///< kept() tells all that is in the loader's cache before it begins
  };

  explicit WatchedLoad(Options options) : options_(std::move(options)) {}

  /// A file of this address was in the cache before anything was fetched.
  void kept(std::string address);

  std::optional<Snapshot> on(TransformersEvent event, Instant now);
  /// The model can be used.
  std::optional<Snapshot> complete(Instant now);
  /// `detail`: the words of whatever was thrown.
  std::optional<Snapshot> fail(std::string detail, Instant now);
  std::optional<Snapshot> tick(Instant now);
  /// When to send the next tick; extra ones do nothing. A moment in the past means now.
  std::optional<Instant> wake_at() const;

  Snapshot snapshot(Instant now) const;

 private:
  Options options_;
  std::vector<std::string> kept_;
  MultiFileAggregator files_;
  Throttler<char> throttler_;  // says when; the snapshot is made at delivery, so it is the latest
  MonotonicTime time_;
  LoadStatus status_ = LoadStatus::kIdle;
  std::optional<LoadPhase> phase_;
  Instant phase_began_{};
  std::optional<Instant> started_;
  std::optional<Instant> delivered_;

  bool was_kept(std::string_view name, std::string_view file) const;
  bool waiting() const;
  std::optional<Snapshot> moved(Instant now);
  Snapshot deliver(Instant now);
};

}  // namespace candor
