#include "candor/transfer/journal_pace.hpp"

namespace candor {

bool JournalPace::due(Instant now) const {
  if (unnamed_ >= sizes_.journal) return true;
  if (unnamed_ >= sizes_.journal_soon && in_flight_ == 0 && now >= written_at_ + kSoon) return true;
  // Compared as due_at() computes it, so that waking at that moment is never a rounding error too early.
  const auto at = due_at();
  return at && now >= *at;
}

std::optional<Instant> JournalPace::due_at() const {
  if (!stale()) return std::nullopt;
  return written_at_ + kLongest;
}

unsigned JournalPace::write(Instant now) {
  unnamed_ = 0;
  changed_ = false;
  written_at_ = now;
  ++in_flight_;
  const unsigned slot = slot_;
  // The store does one thing after the other: by the time that the next one is written, this one is the
  // newest whole one, unless failed() says otherwise.
  slot_ = 1 - slot_;
  return slot;
}

void JournalPace::written() {
  if (in_flight_ > 0) --in_flight_;
  if (in_flight_ == 0 && !changed_) barred_ = false;
}

void JournalPace::failed(Instant now) {
  changed_ = true;
  written_at_ = now;
  if (in_flight_ == 0) return;
  // With another one behind it the places have been taken in turn already.
  if (--in_flight_ == 0) slot_ = 1 - slot_;
}

}  // namespace candor
