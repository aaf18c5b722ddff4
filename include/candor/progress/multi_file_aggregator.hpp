#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "candor/base/byte_ledger.hpp"
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
/// - Asking never changes anything: what is held or smoothed moves with events and tick().
/// - A file's position never falls by more than its ledger says was discarded. Repeated, late and
/// out-of-order
///   events change nothing.
/// - Bytes that came to where nothing was (`fresh`) are speed; bytes that were here (`kept`, `restored`) are
///   position only; bytes that came in vain (`repeated`, `wasted`) are neither, but no silence.
/// - 100 % of a file means that it was completed; until then its share is capped at 99.9. 100 % of the set
///   means that complete() was called, `ready` came, or every announced file is completed.
/// - The overall percentage is by bytes and absent while any unfinished file's total is unknown. When a late
///   file makes the true share fall, the percentage is held until the true one has caught up; the byte counts
///   tell the truth at once. After 100 % it cannot be held and is absent instead.
/// - In a set that is still open (see close_set), files of settings and vocabulary alone (.json, .txt,
///   .jinja, .model) have no overall percentage: the weights, nearly all the bytes, have not been announced
///   yet.
/// - A total that the position exceeds is refuted and becomes unknown (a compressed reply over-counts). In
///   raw events, a total first heard in the event that reaches it is not believed before the file is done:
///   without a Content-Length, Transformers.js says "total = loaded" in each event.
class MultiFileAggregator {
 public:
  /// Silence this long is a stall. Below it, gaps between deliveries are ordinary (batches up to 400 ms,
  /// radio handovers).
  static constexpr Millis kStallAfter{3000};
  /// More files than any model has; further ones are ignored, so that a hostile stream cannot fill the
  /// memory.
  static constexpr std::size_t kMaxFiles = 4096;

  // --- for callers who count the bytes themselves (the loader) ---

  /// Announces a file and what is known of it so far; none of it is speed.
  void add_file(std::string_view file, const ByteLedger& bytes);
  /// No more files will be announced.
  void close_set();
  /// Bytes are expected from now on: time begins to count. Without it, it begins at the first update().
  void start(Instant now);
  /// What became of the file's bytes by now. An unknown file is announced by this; what it brings then is
  /// position only, since nobody saw how long it took.
  void update(std::string_view file, const ByteLedger& bytes, Instant now);
  /// The file is whole and verified.
  void complete_file(std::string_view file, Instant now);
  /// What was told last of a file; null where it is unknown. Good until the next call that changes something.
  const ByteLedger* ledger(std::string_view file) const;

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

  /// Time has passed. What is shown of it is right without this; it only holds the displayed time left
  /// steady.
  void tick(Instant now);

  ProgressStatus status() const { return status_; }
  AggregateProgressInfo snapshot(Instant now) const;
  /// The same seen as one stream; `name` is the last one that an event carried.
  ProgressInfo overall(Instant now) const;

 private:
  /// The speed of one file while its bytes come.
  struct Flow {
    SpeedEstimator average;
    std::uint64_t piece = 0;  // came, but is not in `average` yet
    std::optional<Instant> recorded;
    Instant last_byte{};
    void record(std::uint64_t bytes, Instant time);
    std::optional<double> speed(Instant time) const;
  };
  struct File {
    std::string name;
    ProgressStatus status = ProgressStatus::kInitiate;
    ByteLedger bytes;
    std::uint64_t again = 0;              // bytes of the position that a new attempt fetches once more
    std::uint64_t refuted_size = 0;       // sizes up to this are not believed any more
    std::optional<double> lone_progress;  // 0..100, from events without a total
    std::optional<double> held;           // the percentage that must not fall
    std::optional<Instant> announced;     // by an event without bytes
    Flow flow;
    bool moved = false;  // a position was heard
    bool from_cache = false;
  };
  struct Rates {
    std::optional<double> speed;
    std::optional<EtaEstimate> eta;
    double stalled_for = 0;
  };

  std::vector<File> files_;
  std::size_t found_ = 0;  // the file that was asked for last
  std::string name_;
  std::optional<std::size_t> current_;
  std::optional<double> held_;
  std::optional<std::string> error_;
  ProgressStatus status_ = ProgressStatus::kInitiate;
  MonotonicTime time_;
  Instant last_byte_{};
  bool started_ = false;
  bool counting_ = false;  // time counts: started, not paused, failed, loading or done
  bool set_closed_ = false;
  bool percent_scale_ = false;   // a lone progress above 1 was seen
  bool fraction_scale_ = false;  // a lone progress strictly between 0 and 1 was seen
  SpeedEstimator speed_;
  EtaEstimator eta_;
  ThroughputHistory history_;
  EtaDisplayRounder rounder_;
  std::optional<Instant> settled_;

  File* find(std::string_view name);
  File* file_at(std::string_view name);
  void take_event(const TransformersEvent& event, Instant now);
  void raw_progress(File& file, std::optional<std::uint64_t> loaded, std::optional<std::uint64_t> total,
                    std::optional<double> progress, std::optional<bool> cached, Instant now);
  void raw_position(File& file, std::uint64_t loaded, bool seen_from_start, bool from_cache, Instant now);
  void set_size(File& file, std::uint64_t size);
  static std::optional<std::uint64_t> believed_size(const File& file, const ByteLedger& told);
  static bool refute_size(File& file);
  void take(File& file, const ByteLedger& bytes, std::uint64_t came, bool timed, Instant now);
  void thrown_away(File& file);
  void finish(File& file);
  void stop_counting(Instant now);
  void set_status(ProgressStatus status);
  void hold();
  void hold(File& file);
  void settle(Instant now);
  void refresh_remaining();
  bool all_done() const;
  bool only_settings() const;
  std::optional<std::uint64_t> total_size() const;
  std::uint64_t position() const;
  std::optional<double> share() const;
  static std::optional<double> share(const File& file);
  std::optional<double> lone_percent(double value);
  Rates rates(Instant now) const;
  ProgressInfo row(const File& file, Instant now) const;
};

}  // namespace candor
