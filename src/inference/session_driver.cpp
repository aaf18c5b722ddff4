#include "candor/inference/session_driver.hpp"

#include <algorithm>
#include <utility>

#include "base/json.hpp"

namespace candor {
namespace {

constexpr int kVersion = 1;

// A phase is over when the next one begins, not when its bytes are counted: buffers may still be filled.
std::optional<double> unfinished_percent(std::uint64_t done, std::optional<std::uint64_t> total) {
  if (!total || *total == 0) return std::nullopt;
  return std::min(99.0, 100.0 * static_cast<double>(done) / static_cast<double>(*total));
}

std::optional<double> duration_at(const json::Value& object, const char* key) {
  const auto number = json::amount_at(object, key);
  return number && *number > 1e9 ? std::nullopt : number;
}

}  // namespace

PhaseTimings PhaseTimings::from_json(std::string_view text) {
  PhaseTimings timings;
  const auto value = json::parse(text, {4096, 4});
  if (!value || json::uint_at(*value, "version") != kVersion) return timings;
  timings.variant = json::text_at(*value, "variant");
  timings.create = duration_at(*value, "create");
  timings.upload = duration_at(*value, "upload");
  timings.warmup = duration_at(*value, "warmup");
  for (const json::Value& speed : json::items_at(*value, "speeds", json::Value::Kind::kObject)) {
    const auto number = json::as_number(speed);
    if (number && *number > 0 && *number < 1e6 && timings.speeds.size() < kMaxSpeeds)
      timings.speeds.emplace_back(speed.name, *number);
  }
  return timings;
}

std::optional<double> PhaseTimings::speed() const {
  for (const auto& [name, tokens_per_second] : speeds)
    if (name == variant) return tokens_per_second;
  return std::nullopt;
}

void PhaseTimings::set_speed(double tokens_per_second) {
  std::erase_if(speeds, [&](const auto& speed) { return speed.first == variant; });
  speeds.emplace(speeds.begin(), variant, tokens_per_second);
  if (speeds.size() > kMaxSpeeds) speeds.pop_back();
}

std::string PhaseTimings::to_json() const {
  json::Object by_variant;
  for (const auto& [name, tokens_per_second] : speeds) by_variant.add(name.c_str(), tokens_per_second);
  return json::Object()
      .add("version", std::uint64_t{kVersion})
      .add("variant", variant)
      .add("create", create)
      .add("upload", upload)
      .add("warmup", warmup)
      .add("speeds", by_variant.text())
      .text()
      .json;
}

void SessionDriver::start(std::string variant, std::optional<std::uint64_t> weight_bytes, Instant now) {
  timings_ = PhaseTimings{std::move(variant), {}, {}, {}, last_time_.speeds};
  uploaded_ = 0;
  weight_bytes_ = weight_bytes;
  state_ = State::kCreating;
  phase_began_ = now;
}

void SessionDriver::enter(State state, Instant now) {
  const double took = std::max(0.0, Millis{now - phase_began_}.count());
  if (state_ == State::kCreating) timings_.create = took;
  if (state_ == State::kUploading) timings_.upload = took;
  if (state_ == State::kWarmingUp) timings_.warmup = took;
  state_ = state;
  phase_began_ = now;
}

void SessionDriver::progress(const event::SessionProgress& event, Instant now) {
  if (!loading()) return;
  switch (event.stage) {
    case event::SessionStage::kCreate:
      return;
    case event::SessionStage::kUpload:
      if (state_ == State::kWarmingUp) return;
      if (state_ == State::kCreating) enter(State::kUploading, now);
      if (event.total) weight_bytes_ = event.total;
      // A tensor that is read twice is no more weights.
      uploaded_ = std::max(uploaded_, std::min(event.loaded, weight_bytes_.value_or(event.loaded)));
      return;
    case event::SessionStage::kWarmup:
      if (state_ != State::kWarmingUp) enter(State::kWarmingUp, now);
      return;
  }
}

void SessionDriver::ready(Instant now) {
  if (!loading()) return;
  enter(State::kReady, now);
  last_time_ = timings_;
}

void SessionDriver::close() {
  state_ = State::kIdle;
  uploaded_ = 0;
}

std::optional<LoadPhase> SessionDriver::phase() const {
  switch (state_) {
    case State::kCreating:
      return LoadPhase::kCreate;
    case State::kUploading:
      return LoadPhase::kUpload;
    case State::kWarmingUp:
      return LoadPhase::kWarmup;
    default:
      return std::nullopt;
  }
}

std::optional<double> SessionDriver::percent() const {
  if (state_ == State::kUploading) return unfinished_percent(uploaded_, weight_bytes_);
  return std::nullopt;
}

std::optional<double> SessionDriver::phase_last_time() const {
  if (last_time_.variant != timings_.variant) return std::nullopt;
  switch (state_) {
    case State::kCreating:
      return last_time_.create;
    case State::kUploading:
      return last_time_.upload;
    case State::kWarmingUp:
      return last_time_.warmup;
    default:
      return std::nullopt;
  }
}

}  // namespace candor
