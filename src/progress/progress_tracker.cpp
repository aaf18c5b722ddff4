#include "candor/progress/progress_tracker.hpp"

#include <algorithm>
#include <utility>

#include "candor/base/bytes.hpp"

namespace candor {

ProgressTracker::ProgressTracker(Options options) : options_(std::move(options)) {
  if (options_.file.empty()) options_.file = options_.name;
}

void ProgressTracker::declare() {
  if (declared_) return;
  declared_ = true;
  // Whoever reports positions by hand tracks this one file: there is nothing more to wait for.
  files_.close_set();
  if (!options_.total && options_.resident == 0) return;
  ByteLedger bytes = ledger();
  if (options_.total) bytes.size = options_.total;
  const std::uint64_t more = saturating_sub(options_.resident, bytes.position);
  bytes.position += more;
  bytes.kept += more;
  bytes.cached += more;
  files_.add_file(options_.file, bytes);
}

// What is known of the own file's bytes: the next position is told as what it adds to this.
ByteLedger ProgressTracker::ledger() const {
  const ByteLedger* known = files_.ledger(options_.file);
  return known != nullptr ? *known : ByteLedger{};
}

void ProgressTracker::update(std::optional<std::uint64_t> loaded, std::optional<std::uint64_t> total,
                             Instant now) {
  declare();
  ByteLedger bytes = ledger();
  if (total) bytes.size = total;
  if (!loaded) {
    if (total) files_.add_file(options_.file, bytes);
    return;
  }
  const std::uint64_t more = saturating_sub(*loaded, bytes.position);
  bytes.position += more;
  // Of the first nobody saw how long they took.
  std::uint64_t& origin = std::exchange(heard_, true) ? bytes.fresh : bytes.kept;
  origin = saturating_add(origin, more);
  files_.start(now);
  files_.update(options_.file, bytes, now);
}

void ProgressTracker::handle_transformers_progress(const TransformersEvent& event, Instant now) {
  heard_ = true;
  files_.handle_file_progress(event, now);
}

void ProgressTracker::set_resident(std::uint64_t resident, Instant now) {
  declare();
  ByteLedger bytes = ledger();
  const std::uint64_t more = saturating_sub(resident, bytes.position);
  bytes.position += more;
  bytes.kept = saturating_add(bytes.kept, more);
  bytes.cached = saturating_add(bytes.cached, more);
  files_.update(options_.file, bytes, now);
}

void ProgressTracker::discard(std::uint64_t keep, Instant now) {
  ByteLedger bytes = ledger();
  if (keep >= bytes.position) return;
  bytes.discarded = saturating_add(bytes.discarded, bytes.position - keep);
  bytes.position = keep;
  bytes.cached = std::min(bytes.cached, keep);
  bytes.verified = 0;
  files_.update(options_.file, bytes, now);
}

void ProgressTracker::complete(Instant now) {
  if (!heard_) declare();
  files_.complete(now);
}

void ProgressTracker::fail(std::string error, Instant now) { files_.fail(std::move(error), now); }

void ProgressTracker::pause(Instant now) { files_.pause(now); }

void ProgressTracker::resume(Instant now) { files_.resume(now); }

ProgressInfo ProgressTracker::snapshot(Instant now) const {
  ProgressInfo info = files_.overall(now);
  if (!heard_ && !declared_) {
    // What the options say is all there is to show; the events to come may be of other files.
    info.loaded = options_.resident;
    info.cached = options_.resident;
    info.total = options_.total;
  }
  if (!options_.name.empty()) info.name = options_.name;
  if (info.file.empty()) info.file = options_.file;
  return info;
}

}  // namespace candor
