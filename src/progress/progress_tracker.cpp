#include "candor/progress/progress_tracker.hpp"

#include <utility>

namespace candor {

ProgressTracker::ProgressTracker(Options options) : options_(std::move(options)) {
  if (options_.file.empty()) options_.file = options_.name;
}

void ProgressTracker::declare() {
  if (declared_) return;
  declared_ = true;
  // Whoever reports positions by hand tracks this one file: there is nothing more to wait for.
  files_.close_set();
  if (options_.total || options_.resident > 0)
    files_.add_file(options_.file, options_.total, options_.resident);
}

void ProgressTracker::update(std::optional<std::uint64_t> loaded, std::optional<std::uint64_t> total,
                             Instant now) {
  declare();
  if (!loaded) {
    if (total) files_.add_file(options_.file, total);
    return;
  }
  heard_ = true;
  files_.update(options_.file, *loaded, total, now);
}

void ProgressTracker::handle_transformers_progress(const TransformersEvent& event, Instant now) {
  heard_ = true;
  files_.handle_file_progress(event, now);
}

void ProgressTracker::set_resident(std::uint64_t bytes, Instant now) {
  declare();
  files_.set_resident(options_.file, bytes, now);
}

void ProgressTracker::discard(std::uint64_t keep, Instant now) { files_.discard(options_.file, keep, now); }

void ProgressTracker::complete(Instant now) {
  if (!heard_) declare();
  files_.complete(now);
}

void ProgressTracker::fail(std::string error, Instant now) { files_.fail(std::move(error), now); }

void ProgressTracker::pause(Instant now) { files_.pause(now); }

void ProgressTracker::resume(Instant now) { files_.resume(now); }

ProgressInfo ProgressTracker::snapshot(Instant now) {
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
