#include "candor/progress/multi_file_aggregator.hpp"

#include <algorithm>
#include <cmath>
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

// How often the displayed time left may settle on another number.
constexpr Millis kSettleEvery{250.0};

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

// The larger of what is held and what is true now: nothing falls.
std::optional<double> shown(std::optional<double> held, std::optional<double> truth) {
  if (!truth || !held || *held <= *truth) return truth;
  // 100 % means done: it cannot be held for something that is not done any more.
  return *held < 100 ? held : std::nullopt;
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
  hold();
  files_.emplace_back();
  files_.back().name = std::string(name);
  if (status_ == ProgressStatus::kDone || status_ == ProgressStatus::kReady)
    set_status(ProgressStatus::kDownload);
  return &files_.back();
}

void MultiFileAggregator::add_file(std::string_view name, const ByteLedger& bytes) {
  File* file = file_at(name);
  if (file == nullptr || file->status == ProgressStatus::kDone) return;
  hold(*file);
  const std::uint64_t before = file->bytes.position;
  const std::optional<std::uint64_t> size = believed_size(*file, bytes);
  file->bytes = bytes;
  file->bytes.position = std::max(bytes.position, before);
  file->bytes.size = size;
  refute_size(*file);
  file->moved = true;
  refresh_remaining();
}

const ByteLedger* MultiFileAggregator::ledger(std::string_view name) const {
  for (const File& file : files_)
    if (file.name == name) return &file.bytes;
  return nullptr;
}

// Many small pieces as one, since a row needs no more.
void MultiFileAggregator::Flow::record(std::uint64_t count, Instant time) {
  constexpr Millis kPiece{100.0};
  if (time - last_byte >= kStallAfter) *this = {};
  last_byte = time;
  piece = saturating_add(piece, count);
  if (recorded && time - *recorded < kPiece) return;
  average.record(std::exchange(piece, 0), time);
  recorded = time;
}

std::optional<double> MultiFileAggregator::Flow::speed(Instant time) const {
  if (time - last_byte >= kStallAfter) return std::nullopt;
  return average.bytes_per_second(time);
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
  if (status_ == ProgressStatus::kInitiate) set_status(ProgressStatus::kDownload);
  speed_.start(now);
  eta_.start(now);
  history_.start(now);
}

void MultiFileAggregator::set_size(File& file, std::uint64_t size) {
  if (file.status == ProgressStatus::kDone || size == file.bytes.size || size <= file.refuted_size) return;
  hold(file);
  file.bytes.size = size;
  refute_size(file);
}

std::optional<std::uint64_t> MultiFileAggregator::believed_size(const File& file, const ByteLedger& told) {
  return told.size && *told.size <= file.refuted_size ? file.bytes.size : told.size;
}

bool MultiFileAggregator::refute_size(File& file) {
  if (!file.bytes.size || file.bytes.position <= *file.bytes.size) return false;
  file.refuted_size = *file.bytes.size;
  file.bytes.size.reset();
  return true;
}

// `came`: bytes that the file needed and that came over the network. `timed`: somebody saw how long they
// took.
void MultiFileAggregator::take(File& file, const ByteLedger& bytes, std::uint64_t came, bool timed,
                               Instant now) {
  const std::uint64_t before = file.bytes.position;
  const bool heard = bytes.heard() > file.bytes.heard();
  const bool moved = bytes.position > before;
  if (bytes.size && bytes.position > *bytes.size && bytes.discarded == file.bytes.discarded) hold(file);
  file.bytes = bytes;
  file.moved = true;
  if (heard) {
    timed = timed && started_;
    start(now);
    if (timed && came > 0) {
      speed_.record(came, now);
      eta_.record(came, now);
      history_.record(came, now);
      file.flow.record(came, time_.last());
    }
  }
  if (heard || moved) {
    last_byte_ = time_.last();
    current_ = static_cast<std::size_t>(&file - files_.data());
    if (file.status == ProgressStatus::kInitiate) file.status = ProgressStatus::kDownload;
  }
  if (refute_size(file)) refresh_remaining();
}

void MultiFileAggregator::update(std::string_view name, const ByteLedger& bytes, Instant now) {
  File* file = file_at(name);
  if (file == nullptr) return;
  time_.advance(now);
  const ByteLedger& before = file->bytes;
  const std::uint64_t discarded = saturating_sub(bytes.discarded, before.discarded);
  if (file->status == ProgressStatus::kDone && discarded == 0) return;
  const bool seen_from_start = file->moved && started_;
  const std::uint64_t came = seen_from_start ? saturating_sub(bytes.fresh, before.fresh) : 0;
  ByteLedger next = bytes;
  next.position = std::max(bytes.position, saturating_sub(before.position, discarded));
  next.size = believed_size(*file, bytes);
  const bool resized = next.size != before.size;
  const bool expected = !resized && next.position == saturating_add(before.position, came);
  if (discarded > 0) {
    thrown_away(*file);
  } else if (resized) {
    hold(*file);
  }
  if (!started_) start(now);
  take(*file, next, came, seen_from_start, now);
  // Otherwise the estimator has counted down by itself.
  if (!expected) refresh_remaining();
  settle(now);
}

// The only way back: nothing is held any more.
void MultiFileAggregator::thrown_away(File& file) {
  file.from_cache = false;
  file.lone_progress.reset();
  file.held.reset();
  held_.reset();
  file.again = 0;
  file.status = ProgressStatus::kDownload;
  if (status_ == ProgressStatus::kDone || status_ == ProgressStatus::kReady)
    status_ = ProgressStatus::kDownload;
}

void MultiFileAggregator::finish(File& file) {
  if (file.status == ProgressStatus::kDone) return;
  ByteLedger& bytes = file.bytes;
  const std::uint64_t whole = std::max(bytes.position, bytes.size.value_or(0));
  // Of the rest nobody saw where it came from; of a file that was here so far it was here as well.
  const std::uint64_t rest = whole - bytes.position;
  bytes.kept = saturating_add(bytes.kept, rest);
  if (file.from_cache) bytes.cached = saturating_add(bytes.cached, rest);
  bytes.position = bytes.verified = whole;
  bytes.size = whole;
  file.again = 0;
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
    set_status(ProgressStatus::kDone);
  }
}

void MultiFileAggregator::raw_progress(File& file, std::optional<std::uint64_t> loaded,
                                       std::optional<std::uint64_t> total, std::optional<double> progress,
                                       std::optional<bool> cached, Instant now) {
  if (file.status == ProgressStatus::kDone) return;
  hold(file);
  const bool whole = loaded && total && *loaded >= *total;
  const bool first = !file.moved;
  // A total first heard together with as many bytes is perhaps only a count of what came so far.
  if (total && (file.bytes.size || !whole)) set_size(file, *total);
  if (loaded) {
    const bool seen_from_start = !first || file.announced.has_value();
    const bool at_once = whole && first && file.announced &&
                         (time_.last() - *file.announced < kFastestAnswer || *loaded >= kNetworkPiece);
    raw_position(file, *loaded, seen_from_start, cached.value_or(at_once), now);
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

// Turns a position into what became of the bytes before it.
void MultiFileAggregator::raw_position(File& file, std::uint64_t loaded, bool seen_from_start,
                                       bool from_cache, Instant now) {
  ByteLedger next = file.bytes;
  const std::uint64_t more = saturating_sub(loaded, next.position - file.again);
  const std::uint64_t once_more = std::min(more, file.again);
  const std::uint64_t added = more - once_more;
  next.position += added;
  if (from_cache && more > 0) {
    next.kept = saturating_add(next.kept, added);
    next.cached = saturating_add(next.cached, added);
    file.from_cache = next.heard() == 0;
  } else if (seen_from_start) {
    next.fresh = saturating_add(next.fresh, added);
    next.repeated = saturating_add(next.repeated, once_more);
    if (more > 0) file.from_cache = false;
  } else {
    // Nobody saw where these came from.
    next.kept = saturating_add(next.kept, added);
  }
  file.again -= once_more;
  // An attempt that starts anew needs the bytes that it repeats: they measure the line like others.
  take(file, next, from_cache || !seen_from_start ? 0 : more, seen_from_start, now);
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
  take_event(event, now);
  settle(now);
}

void MultiFileAggregator::take_event(const TransformersEvent& event, Instant now) {
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
          file->again = file->bytes.position;
        if (!file->announced) file->announced = time_.last();
      }
      raw_progress(*file, event.loaded, event.total, event.progress, event.cached, now);
      if (event.kind == Kind::kDone && file->status != ProgressStatus::kDone) {
        if (!file->moved && event.cached.value_or(true)) file->from_cache = true;
        finish(*file);
      }
      break;
    }
  }
  if (!files_.empty() && all_done() && (set_closed_ || !only_settings())) {
    stop_counting(now);
    set_status(ProgressStatus::kDone);
  }
}

void MultiFileAggregator::stop_counting(Instant now) {
  time_.advance(now);
  if (!counting_) return;
  counting_ = false;
  speed_.pause(now);
  eta_.pause(now);
  history_.pause(now);
  for (File& file : files_) file.flow = {};
}

void MultiFileAggregator::complete(Instant now) {
  stop_counting(now);
  hold();
  if (!set_closed_) {
    const auto never_came = [](const File& file) {
      return file.status != ProgressStatus::kDone && file.bytes.position == 0 && file.bytes.discarded == 0 &&
             !file.lone_progress;
    };
    std::erase_if(files_, never_came);
  }
  for (File& file : files_) finish(file);
  current_.reset();
  error_.reset();
  set_status(ProgressStatus::kReady);
}

void MultiFileAggregator::fail(std::string error, Instant now) {
  stop_counting(now);
  error_ = std::move(error);
  set_status(ProgressStatus::kFailed);
}

void MultiFileAggregator::pause(Instant now) {
  stop_counting(now);
  set_status(ProgressStatus::kPaused);
}

void MultiFileAggregator::resume(Instant now) {
  const Instant time = time_.advance(now);
  error_.reset();
  set_status(ProgressStatus::kDownload);
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
  set_status(ProgressStatus::kLoading);
}

void MultiFileAggregator::tick(Instant now) {
  time_.advance(now);
  settle(now);
}

void MultiFileAggregator::set_status(ProgressStatus status) {
  if (status == status_) return;
  hold();
  status_ = status;
}

// Before anything that can make the true share fall. Between two such moments it only rises, so that what is
// held is the largest that anybody can have been shown.
void MultiFileAggregator::hold() {
  const auto truth = share();
  if (truth) held_ = std::max(*truth, held_.value_or(0));
}

void MultiFileAggregator::hold(File& file) {
  const auto truth = share(file);
  if (truth) file.held = std::max(*truth, file.held.value_or(0));
  hold();
}

void MultiFileAggregator::settle(Instant now) {
  const Instant time = time_.advance(now);
  if (!counting_ || (settled_ && time - *settled_ < kSettleEvery)) return;
  settled_ = time;
  const Rates at = rates(now);
  rounder_.keep(rounder_.show(at.eta, Millis{at.stalled_for}));
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
    if (!file.bytes.size) return std::nullopt;
    sum = saturating_add(sum, *file.bytes.size);
  }
  return sum;
}

std::uint64_t MultiFileAggregator::position() const {
  std::uint64_t sum = 0;
  for (const File& file : files_) sum = saturating_add(sum, file.bytes.position);
  return sum;
}

void MultiFileAggregator::refresh_remaining() {
  std::optional<std::uint64_t> remaining = 0;
  for (const File& file : files_) {
    if (file.status == ProgressStatus::kDone) continue;
    if (!file.bytes.size) {
      remaining.reset();
      break;
    }
    *remaining =
        saturating_add(*remaining, saturating_sub(*file.bytes.size, file.bytes.position - file.again));
  }
  if (files_.empty() || (!set_closed_ && only_settings())) remaining.reset();
  eta_.set_remaining(remaining);
}

std::optional<double> MultiFileAggregator::share(const File& file) {
  if (file.status == ProgressStatus::kDone) return 100;
  return file.bytes.size ? percent(file.bytes.position, *file.bytes.size) : file.lone_progress;
}

std::optional<double> MultiFileAggregator::share() const {
  if (status_ == ProgressStatus::kReady || status_ == ProgressStatus::kDone) return 100;
  if (!set_closed_ && only_settings()) return std::nullopt;
  if (const auto total = total_size()) return percent(position(), *total);
  return files_.size() == 1 ? files_[0].lone_progress : std::nullopt;
}

MultiFileAggregator::Rates MultiFileAggregator::rates(Instant now) const {
  Rates at;
  if (!counting_) return at;
  MonotonicTime time = time_;
  const Millis silence = time.advance(now) - last_byte_;
  if (silence >= kStallAfter && !all_done()) at.stalled_for = silence.count();
  at.speed = speed_.bytes_per_second(now);
  at.eta = eta_.estimate(now);
  return at;
}

ProgressInfo MultiFileAggregator::row(const File& file, Instant now) const {
  const ByteLedger& bytes = file.bytes;
  ProgressInfo info;
  info.status = file.status;
  if (status_ == ProgressStatus::kPaused && file.status == ProgressStatus::kDownload) info.status = status_;
  info.name = name_.empty() ? file.name : name_;
  info.file = file.name;
  info.progress = shown(file.held, share(file));
  info.loaded = bytes.position;
  info.total = bytes.size;
  info.network = bytes.heard();
  info.cached = bytes.cached;
  info.verified = bytes.verified;
  info.discarded = bytes.discarded;
  info.from_cache = file.from_cache;
  MonotonicTime time = time_;
  if (file.status == ProgressStatus::kDownload) info.speed = file.flow.speed(time.advance(now));
  if (info.speed && *info.speed > 0 && bytes.size) {
    const double left = static_cast<double>(*bytes.size - bytes.position + file.again) / *info.speed;
    if (std::isfinite(left)) info.time_remaining = left;
  }
  return info;
}

ProgressInfo MultiFileAggregator::overall(Instant now) const {
  ProgressInfo info;
  info.status = status_;
  info.name = name_;
  if (current_) info.file = files_[*current_].name;
  info.progress = shown(held_, share());
  info.loaded = position();
  info.total = total_size();
  for (const File& file : files_) {
    info.network = saturating_add(info.network, file.bytes.heard());
    info.cached = saturating_add(info.cached, file.bytes.cached);
    info.verified = saturating_add(info.verified, file.bytes.verified);
    info.discarded = saturating_add(info.discarded, file.bytes.discarded);
  }
  info.from_cache = !files_.empty() &&
                    std::all_of(files_.begin(), files_.end(), [](const File& f) { return f.from_cache; });
  info.error = error_;
  const Rates at = rates(now);
  info.speed = at.speed;
  info.stalled_for = at.stalled_for;
  if (at.eta) {
    info.time_remaining = at.eta->seconds;
    info.eta_low = at.eta->low;
    info.eta_high = at.eta->high;
  }
  info.eta_display = rounder_.show(at.eta, Millis{at.stalled_for});
  info.sparkline = history_.sparkline(now);
  return info;
}

AggregateProgressInfo MultiFileAggregator::snapshot(Instant now) const {
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
  for (const File& file : files_) {
    if (file.status == ProgressStatus::kDone) ++info.files_completed;
    info.files.push_back(row(file, now));
  }
  return info;
}

}  // namespace candor
