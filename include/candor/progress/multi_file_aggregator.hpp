#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "candor/base/time.hpp"
#include "candor/progress/eta_display.hpp"
#include "candor/progress/eta_estimator.hpp"
#include "candor/progress/progress_info.hpp"
#include "candor/progress/speed_estimator.hpp"
#include "candor/progress/throughput_history.hpp"

namespace candor {

/// Adds up the progress of several files into one honest total.
///
/// Rules, for every sequence of calls:
/// - A file's position never falls, except by discard(). Repeated, late and out-of-order events change
/// nothing.
/// - 100 % of a file means that it was completed; until then its share is capped at 99.9. 100 % of the set
/// means
///   that complete() was called, `ready` came, or every announced file is completed.
/// - The overall percentage is by bytes and absent while any unfinished file's total is unknown. When a late
/// file
///   makes the true share fall, the percentage shown is held until the true one has caught up; the byte
///   counts tell the truth at once. After 100 % it cannot be held and is absent instead.
/// - In a set that is still open (see close_set), files of settings and vocabulary alone (.json, .txt,
/// .jinja,
///   .model) have no overall percentage: the weights, nearly all the bytes, have not been announced yet.
/// - A total that the position exceeds is refuted and becomes unknown (a compressed reply over-counts). In
/// raw
///   events, a total first heard in the event that reaches it is not believed before the file is done:
///   without a Content-Length, Transformers.js says "total = loaded" in each event.
/// - Bytes that were here already (resumed, cached) are position, never speed.
class MultiFileAggregator {
 public:
  /// Silence this long is a stall. Below it, gaps between deliveries are ordinary (batches up to 400 ms,
  /// radio handovers).
  static constexpr Millis kStallAfter{3000};
  /// More files than any model has; further ones are ignored, so that a hostile stream cannot fill the
  /// memory.
  static constexpr std::size_t kMaxFiles = 4096;

  // --- for callers who know their files (the loader) ---

  /// Announces a file. `resident` bytes of it are here already. Announcing it again updates the total.
  void add_file(std::string_view file, std::optional<std::uint64_t> total, std::uint64_t resident = 0);
  /// No more files will be announced.
  void close_set();
  /// Bytes are expected from now on: time begins to count. Without it, it begins at the first update().
  void start(Instant now);
  /// The file's position: `loaded` bytes are here, counted from its start. What is more than before came over
  /// the network. An unknown file is announced by this; its first position then is position only, since
  /// nobody saw how long it took.
  void update(std::string_view file, std::uint64_t loaded, std::optional<std::uint64_t> total, Instant now);
  /// `resident` bytes of the file turned out to be here already; never speed.
  void set_resident(std::string_view file, std::uint64_t resident, Instant now);
  /// All but the first `keep` bytes of the file were thrown away: the only way back. Its total stays.
  void discard(std::string_view file, std::uint64_t keep, Instant now);
  /// The file is whole and verified.
  void complete_file(std::string_view file, Instant now);

  // --- for raw events ---

  /// One event of Transformers.js (2.17 to 4.3).
  void handle_file_progress(const TransformersEvent& event, Instant now);

  // --- the whole set ---

  /// Everything is done. Announced files that never got a byte are dropped (an optional file that does not
  /// exist).
  void complete(Instant now);
  void fail(std::string error, Instant now);
  /// Time stops counting until resume() or the next byte.
  void pause(Instant now);
  /// Goes on after pause() or fail().
  void resume(Instant now);
  /// All bytes are here and something else is done with them: no speed, no ETA, and silence is no stall.
  void set_loading(Instant now);

  AggregateProgressInfo snapshot(Instant now);
  /// The same seen as one stream; `name` is the last one that an event carried.
  ProgressInfo overall(Instant now);

 private:
  struct File {
    std::string name;
    ProgressStatus status = ProgressStatus::kInitiate;
    std::uint64_t position = 0;  // high-water mark
    std::uint64_t cursor = 0;    // what the current attempt reported; below `position` after a restart
    std::uint64_t network = 0;
    std::uint64_t cached = 0;
    std::uint64_t refuted_total = 0;  // totals up to this are not believed any more
    std::optional<std::uint64_t> total;
    std::optional<double> lone_progress;  // 0..100, from events without a total
    std::optional<double> shown;          // the percentage shown last
    std::optional<Instant> announced;     // by an event without bytes
    bool moved = false;                   // a position was heard
    bool from_cache = false;
  };

  std::vector<File> files_;
  std::size_t found_ = 0;  // the file that was asked for last
  std::string name_;
  std::optional<std::size_t> current_;
  std::optional<double> shown_;
  std::optional<std::string> error_;
  ProgressStatus status_ = ProgressStatus::kInitiate;
  MonotonicTime time_;
  Instant last_byte_{};
  bool started_ = false;
  bool counting_ = false;  // time counts: started, not paused, failed, loading or done
  bool set_closed_ = false;
  bool percent_scale_ = false;   // a lone progress above 1 was seen
  bool fraction_scale_ = false;  // a lone progress strictly between 0 and 1 was seen
  std::uint64_t network_ = 0;
  std::uint64_t discarded_ = 0;
  SpeedEstimator speed_;
  EtaEstimator eta_;
  ThroughputHistory history_;
  EtaDisplayRounder rounder_;

  File* find(std::string_view name);
  File* file_at(std::string_view name);
  void raw_progress(File& file, std::optional<std::uint64_t> loaded, std::optional<std::uint64_t> total,
                    std::optional<double> progress, std::optional<bool> cached, Instant now);
  void set_total(File& file, std::uint64_t total);
  void move_to(File& file, std::uint64_t loaded, bool over_network, Instant now);
  void finish(File& file);
  void stop_counting(Instant now);
  void refresh_remaining();
  bool all_done() const;
  bool only_settings() const;
  std::optional<std::uint64_t> total_size() const;
  std::uint64_t position() const;
  std::optional<double> overall_progress();
  std::optional<double> lone_percent(double value);
  std::optional<double> file_progress(File& file) const;
  ProgressInfo row(File& file) const;
  void fill_rates(ProgressInfo& info, Instant now);
};

}  // namespace candor
