#include "candor/progress/multi_file_aggregator.hpp"

#include <algorithm>
#include <utility>

#include "candor/base/bytes.hpp"

namespace candor {
namespace {

// All but done: the last tenth of a percent is the source's word that the file is whole.
constexpr double kAlmostDone = 99.9;

// A file that arrives whole in one piece came from a cache if the piece is larger than a network hands over
// at once, or if it came sooner than any answer could cross a network.
constexpr std::uint64_t kNetworkPiece = 4U << 20U;
constexpr Millis kFastestAnswer{2.0};

bool is_settings(std::string_view name) {
  for (const std::string_view ending : {".json", ".txt", ".jinja", ".model"}) {
    if (name.size() > ending.size() && name.substr(name.size() - ending.size()) == ending) return true;
  }
  return false;
}

std::optional<double> percent(std::uint64_t position, std::uint64_t total) {
  if (total == 0) return std::nullopt;
  return std::min(kAlmostDone, 100.0 * static_cast<double>(position) / static_cast<double>(total));
}

// The larger of what was shown and what is true now: nothing falls.
std::optional<double> hold(std::optional<double>& shown, std::optional<double> now) {
  if (!now) return std::nullopt;
  if (shown && *shown > *now) {
    // 100 % means done: it cannot be held for something that is not done any more.
    if (*shown >= 100) return std::nullopt;
    return shown;
  }
  shown = now;
  return now;
}

}  // namespace

MultiFileAggregator::File* MultiFileAggregator::find(std::string_view name) {
  // Callers ask again for the same file, or for all of them in order.
  for (std::size_t i = 0; i < files_.size(); ++i, ++found_) {
    if (found_ >= files_.size()) found_ = 0;
    if (files_[found_].name == name) return &files_[found_];
  }
  return nullptr;
}

MultiFileAggregator::File* MultiFileAggregator::file_at(std::string_view name) {
  if (File* known = find(name)) return known;
  if (files_.size() >= kMaxFiles) return nullptr;
  files_.emplace_back();
  files_.back().name = std::string(name);
  if (status_ == ProgressStatus::kDone || status_ == ProgressStatus::kReady)
    status_ = ProgressStatus::kDownload;
  return &files_.back();
}

void MultiFileAggregator::add_file(std::string_view name, std::optional<std::uint64_t> total,
                                   std::uint64_t resident) {
  File* file = file_at(name);
  if (file == nullptr) return;
  if (total) set_total(*file, *total);
  file->moved = true;
  if (resident > file->cursor) {
    file->cached = saturating_add(file->cached, resident - file->cursor);
    file->cursor = resident;
    file->position = std::max(file->position, resident);
  }
  refresh_remaining();
}

void MultiFileAggregator::close_set() {
  set_closed_ = true;
  refresh_remaining();
}

void MultiFileAggregator::start(Instant now) {
  const Instant time = time_.advance(now);
  if (started_) {
    if (!counting_) resume(now);
    return;
  }
  if (!time_.known()) return;
  started_ = true;
  counting_ = true;
  last_byte_ = time;
  if (status_ == ProgressStatus::kInitiate) status_ = ProgressStatus::kDownload;
  speed_.start(now);
  eta_.start(now);
  history_.start(now);
}

void MultiFileAggregator::set_total(File& file, std::uint64_t total) {
  if (file.status == ProgressStatus::kDone || total <= file.refuted_total) return;
  if (total < file.position) {
    file.refuted_total = total;
    file.total.reset();
  } else {
    file.total = total;
  }
}

void MultiFileAggregator::move_to(File& file, std::uint64_t loaded, bool over_network, Instant now) {
  if (file.status == ProgressStatus::kDone) return;
  if (loaded > file.cursor) {
    const std::uint64_t fresh = loaded - file.cursor;
    if (over_network) {
      const bool timed = started_;  // else nobody knows how long these bytes took
      start(now);
      file.network = saturating_add(file.network, fresh);
      network_ = saturating_add(network_, fresh);
      last_byte_ = time_.last();
      if (timed) {
        speed_.record(fresh, now);
        eta_.record(fresh, now);
        history_.record(fresh, now);
      }
    }
    file.cursor = loaded;
    current_ = static_cast<std::size_t>(&file - files_.data());
    if (file.status == ProgressStatus::kInitiate) file.status = ProgressStatus::kDownload;
  }
  file.moved = true;
  file.position = std::max(file.position, file.cursor);
  if (file.total && file.position > *file.total) {
    file.refuted_total = *file.total;
    file.total.reset();
    refresh_remaining();
  }
}

void MultiFileAggregator::update(std::string_view name, std::uint64_t loaded,
                                 std::optional<std::uint64_t> total, Instant now) {
  File* file = file_at(name);
  if (file == nullptr) return;
  const bool seen_from_start = file->moved && started_;
  if (total && total != file->total) {
    set_total(*file, *total);
    refresh_remaining();
  }
  start(now);
  move_to(*file, loaded, seen_from_start, now);
  if (!seen_from_start) refresh_remaining();
}

void MultiFileAggregator::set_resident(std::string_view name, std::uint64_t resident, Instant now) {
  File* file = file_at(name);
  if (file == nullptr || file->status == ProgressStatus::kDone) return;
  time_.advance(now);
  if (resident > file->cursor) file->cached = saturating_add(file->cached, resident - file->cursor);
  move_to(*file, resident, false, now);
  refresh_remaining();
}

void MultiFileAggregator::discard(std::string_view name, std::uint64_t keep, Instant now) {
  File* const known = find(name);
  if (known == nullptr) return;
  File& file = *known;
  time_.advance(now);
  if (keep >= file.position) return;
  discarded_ = saturating_add(discarded_, file.position - keep);
  file.position = file.cursor = keep;
  file.cached = std::min(file.cached, keep);
  file.from_cache = false;
  file.lone_progress.reset();
  file.shown.reset();
  file.status = ProgressStatus::kDownload;
  shown_.reset();
  if (status_ == ProgressStatus::kDone || status_ == ProgressStatus::kReady)
    status_ = ProgressStatus::kDownload;
  refresh_remaining();
}

void MultiFileAggregator::finish(File& file) {
  if (file.status == ProgressStatus::kDone) return;
  file.position = std::max(file.position, file.total.value_or(0));
  file.cursor = file.position;
  file.total = file.position;
  file.status = ProgressStatus::kDone;
  refresh_remaining();
}

void MultiFileAggregator::complete_file(std::string_view name, Instant now) {
  File* file = file_at(name);
  if (file == nullptr) return;
  time_.advance(now);
  finish(*file);
  if (all_done()) {
    stop_counting(now);
    status_ = ProgressStatus::kDone;
  }
}

void MultiFileAggregator::raw_progress(File& file, std::optional<std::uint64_t> loaded,
                                       std::optional<std::uint64_t> total, std::optional<double> progress,
                                       std::optional<bool> cached, Instant now) {
  if (file.status == ProgressStatus::kDone) return;
  const bool whole = loaded && total && *loaded >= *total;
  const bool first = !file.moved;
  // A total first heard together with as many bytes is perhaps only a count of what came so far.
  if (total && (file.total || !whole)) set_total(file, *total);
  if (loaded) {
    const bool seen_from_start = !first || file.announced.has_value();
    const bool at_once = whole && first && file.announced &&
                         (time_.last() - *file.announced < kFastestAnswer || *loaded >= kNetworkPiece);
    const bool from_cache = cached.value_or(at_once);
    if (from_cache && *loaded > file.cursor) {
      file.cached = saturating_add(file.cached, *loaded - file.cursor);
      file.from_cache = file.network == 0;
    }
    move_to(file, *loaded, seen_from_start && !from_cache, now);
  }
  if (progress && !total) {
    const auto value = lone_percent(*progress);
    if (value) {
      file.lone_progress = std::max(*value, file.lone_progress.value_or(0));
      file.moved = true;
      current_ = static_cast<std::size_t>(&file - files_.data());
      if (file.status == ProgressStatus::kInitiate) file.status = ProgressStatus::kDownload;
    }
  }
  refresh_remaining();
}

std::optional<double> MultiFileAggregator::lone_percent(double value) {
  if (value > 1) {
    percent_scale_ = true;
  } else if (value > 0 && value < 1 && !percent_scale_) {
    fraction_scale_ = true;
  }
  const bool fraction = fraction_scale_ && !percent_scale_;
  return std::min(kAlmostDone, fraction ? 100 * value : value);
}

void MultiFileAggregator::handle_file_progress(const TransformersEvent& event, Instant now) {
  using Kind = TransformersEvent::Kind;
  // Transformers.js lets the other files of a failed load run on; a file announced again is a new try.
  if (status_ == ProgressStatus::kFailed && event.kind != Kind::kReady) {
    if (event.kind != Kind::kInitiate || find(event.file) == nullptr) return;
    resume(now);
  }
  time_.advance(now);
  if (!event.name.empty()) name_ = event.name;
  switch (event.kind) {
    case Kind::kReady:
      complete(now);
      return;
    case Kind::kProgressTotal:
      for (const TransformersEvent::File& counts : event.files) {
        if (File* file = file_at(counts.file)) {
          raw_progress(*file, counts.loaded, counts.total, std::nullopt, event.cached, now);
          if (!file->announced) file->announced = time_.last();
        }
      }
      break;
    case Kind::kUnknown:
      if (!event.loaded && !event.total && !event.progress) return;
      [[fallthrough]];
    case Kind::kInitiate:
    case Kind::kDownload:
    case Kind::kProgress:
    case Kind::kDone: {
      File* file = file_at(event.file);
      if (file == nullptr) return;
      if (event.kind == Kind::kInitiate || event.kind == Kind::kDownload) {
        start(now);
        // Announced again in mid-way: it starts anew, and the bytes that come are network bytes once more.
        if (event.kind == Kind::kInitiate && file->announced && file->status != ProgressStatus::kDone)
          file->cursor = 0;
        if (!file->announced) file->announced = time_.last();
      }
      raw_progress(*file, event.loaded, event.total, event.progress, event.cached, now);
      if (event.kind == Kind::kDone && file->status != ProgressStatus::kDone) {
        if (!file->moved && event.cached.value_or(true)) {
          file->from_cache = true;
          file->cached = file->total.value_or(0);
        }
        finish(*file);
      }
      break;
    }
  }
  if (!files_.empty() && all_done() && (set_closed_ || !only_settings())) {
    stop_counting(now);
    status_ = ProgressStatus::kDone;
  }
}

void MultiFileAggregator::stop_counting(Instant now) {
  time_.advance(now);
  if (!counting_) return;
  counting_ = false;
  speed_.pause(now);
  eta_.pause(now);
  history_.pause(now);
}

void MultiFileAggregator::complete(Instant now) {
  stop_counting(now);
  if (!set_closed_) {
    const auto never_came = [](const File& file) {
      return file.status != ProgressStatus::kDone && file.position == 0 && !file.lone_progress;
    };
    std::erase_if(files_, never_came);
  }
  for (File& file : files_) finish(file);
  current_.reset();
  error_.reset();
  status_ = ProgressStatus::kReady;
}

void MultiFileAggregator::fail(std::string error, Instant now) {
  stop_counting(now);
  error_ = std::move(error);
  status_ = ProgressStatus::kFailed;
}

void MultiFileAggregator::pause(Instant now) {
  stop_counting(now);
  status_ = ProgressStatus::kPaused;
}

void MultiFileAggregator::resume(Instant now) {
  const Instant time = time_.advance(now);
  error_.reset();
  status_ = ProgressStatus::kDownload;
  if (!started_) {
    start(now);
    return;
  }
  if (counting_) return;
  counting_ = true;
  last_byte_ = time;
  speed_.resume(now);
  eta_.resume(now);
  history_.resume(now);
}

void MultiFileAggregator::set_loading(Instant now) {
  stop_counting(now);
  status_ = ProgressStatus::kLoading;
}

bool MultiFileAggregator::all_done() const {
  return std::all_of(files_.begin(), files_.end(),
                     [](const File& file) { return file.status == ProgressStatus::kDone; });
}

bool MultiFileAggregator::only_settings() const {
  return std::all_of(files_.begin(), files_.end(), [](const File& file) { return is_settings(file.name); });
}

std::optional<std::uint64_t> MultiFileAggregator::total_size() const {
  if (files_.empty()) return std::nullopt;
  std::uint64_t sum = 0;
  for (const File& file : files_) {
    if (!file.total) return std::nullopt;
    sum = saturating_add(sum, *file.total);
  }
  return sum;
}

std::uint64_t MultiFileAggregator::position() const {
  std::uint64_t sum = 0;
  for (const File& file : files_) sum = saturating_add(sum, file.position);
  return sum;
}

void MultiFileAggregator::refresh_remaining() {
  std::optional<std::uint64_t> remaining = 0;
  for (const File& file : files_) {
    if (file.status == ProgressStatus::kDone) continue;
    if (!file.total) {
      remaining.reset();
      break;
    }
    *remaining = saturating_add(*remaining, saturating_sub(*file.total, file.cursor));
  }
  if (files_.empty() || (!set_closed_ && only_settings())) remaining.reset();
  eta_.set_remaining(remaining);
}

std::optional<double> MultiFileAggregator::file_progress(File& file) const {
  if (file.status == ProgressStatus::kDone) {
    file.shown = 100;
    return 100;
  }
  return hold(file.shown, file.total ? percent(file.position, *file.total) : file.lone_progress);
}

std::optional<double> MultiFileAggregator::overall_progress() {
  std::optional<double> now;
  if (status_ == ProgressStatus::kReady || status_ == ProgressStatus::kDone) {
    now = 100;
  } else if (set_closed_ || !only_settings()) {
    if (const auto total = total_size()) {
      now = percent(position(), *total);
    } else if (files_.size() == 1 && files_[0].lone_progress) {
      now = files_[0].lone_progress;
    }
  }
  return hold(shown_, now);
}

ProgressInfo MultiFileAggregator::row(File& file) const {
  ProgressInfo info;
  info.status = file.status;
  if (status_ == ProgressStatus::kPaused && file.status == ProgressStatus::kDownload) info.status = status_;
  info.name = name_.empty() ? file.name : name_;
  info.file = file.name;
  info.progress = file_progress(file);
  info.loaded = file.position;
  info.total = file.total;
  info.network = file.network;
  info.cached = file.cached;
  info.verified = file.status == ProgressStatus::kDone ? file.position : 0;
  info.from_cache = file.from_cache;
  return info;
}

void MultiFileAggregator::fill_rates(ProgressInfo& info, Instant now) {
  const Instant time = time_.advance(now);
  std::optional<EtaEstimate> eta;
  if (counting_) {
    const Millis silence = time - last_byte_;
    if (silence >= kStallAfter && !all_done()) info.stalled_for = silence.count();
    info.speed = speed_.bytes_per_second(now);
    eta = eta_.estimate(now);
  }
  if (eta) {
    info.time_remaining = eta->seconds;
    info.eta_low = eta->low;
    info.eta_high = eta->high;
  }
  info.eta_display = rounder_.show(eta, Millis{info.stalled_for});
  info.sparkline = history_.sparkline(now);
}

ProgressInfo MultiFileAggregator::overall(Instant now) {
  ProgressInfo info;
  info.status = status_;
  info.name = name_;
  if (current_) info.file = files_[*current_].name;
  info.progress = overall_progress();
  info.loaded = position();
  info.total = total_size();
  info.network = network_;
  for (const File& file : files_) {
    info.cached = saturating_add(info.cached, file.cached);
    if (file.status == ProgressStatus::kDone) info.verified = saturating_add(info.verified, file.position);
  }
  info.from_cache = !files_.empty() &&
                    std::all_of(files_.begin(), files_.end(), [](const File& f) { return f.from_cache; });
  info.discarded = discarded_;
  info.error = error_;
  fill_rates(info, now);
  return info;
}

AggregateProgressInfo MultiFileAggregator::snapshot(Instant now) {
  ProgressInfo all = overall(now);
  AggregateProgressInfo info;
  info.status = all.status;
  info.overall_progress = all.progress;
  info.total_files = static_cast<std::uint32_t>(files_.size());
  if (current_ && files_[*current_].status != ProgressStatus::kDone) info.current_file = all.file;
  info.total_downloaded = all.loaded;
  info.total_size = all.total;
  info.speed = all.speed;
  info.time_remaining = all.time_remaining;
  info.eta_low = all.eta_low;
  info.eta_high = all.eta_high;
  info.stalled_for = all.stalled_for;
  info.network = all.network;
  info.cached = all.cached;
  info.verified = all.verified;
  info.discarded = all.discarded;
  info.eta_display = all.eta_display;
  info.sparkline = std::move(all.sparkline);
  info.error = std::move(all.error);
  info.files.reserve(files_.size());
  for (File& file : files_) {
    if (file.status == ProgressStatus::kDone) ++info.files_completed;
    info.files.push_back(row(file));
  }
  return info;
}

}  // namespace candor
