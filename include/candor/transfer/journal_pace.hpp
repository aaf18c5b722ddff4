#pragma once

#include <cstdint>
#include <optional>

#include "candor/base/time.hpp"
#include "candor/transfer/transfer_sizes.hpp"

namespace candor {

/// When the next journal is due, and which of the two places it goes to: as often as the disk keeps up, so
/// that little is fetched again after a kill, and never more than a second or TransferSizes::journal behind.
class JournalPace {
 public:
  /// A journal that says something new waits no longer than this.
  static constexpr Seconds kLongest{1};
  /// It is written sooner where the disk keeps up and enough came.
  static constexpr Seconds kSoon{0.01};

  explicit JournalPace(const TransferSizes& sizes = {}, unsigned next_slot = 0)
      : sizes_(sizes), slot_(next_slot == 1 ? 1 : 0) {}

  void start(Instant now) { written_at_ = now; }
  /// Bytes are in place that no journal names.
  void came(std::uint64_t bytes) { unnamed_ += bytes; }
  /// Something else that the last journal says is no longer so.
  void changed() { changed_ = true; }

  /// The last journal names bytes that are about to be written over.
  void overruled() { barred_ = changed_ = true; }
  /// Nothing may be written over until a journal that no longer names it is on disk: a page that is killed,
  /// or a disk that takes no journal, would leave one that vouches for other bytes.
  bool barred() const { return barred_; }

  /// Whether a journal would say anything new.
  bool stale() const { return unnamed_ > 0 || changed_; }
  bool due(Instant now) const;
  /// When it is due at the latest; absent: there is nothing to say.
  std::optional<Instant> due_at() const;

  /// A journal with everything that is known now is given to the store. Returns its place, 0 or 1.
  unsigned write(Instant now);
  /// The store has written the oldest one that it was given.
  void written();
  /// It could not: the place is still the one that may be written over.
  void failed(Instant now);

 private:
  TransferSizes sizes_;
  std::uint64_t unnamed_ = 0;
  bool changed_ = false;
  bool barred_ = false;
  Instant written_at_{};
  unsigned slot_;
  unsigned in_flight_ = 0;
};

}  // namespace candor
