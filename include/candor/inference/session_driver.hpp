#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "candor/base/time.hpp"
#include "candor/io/event.hpp"
#include "candor/io/snapshot.hpp"

namespace candor {

/// Milliseconds that the phases without bytes took on this device the last time, per choice of weights, and
/// how fast each choice answered.
struct PhaseTimings {
  static constexpr std::size_t kMaxSpeeds = 8;

  std::string variant;  ///< "q4f16/webgpu": other weights take other times
  std::optional<double> create;
  std::optional<double> upload;
  std::optional<double> warmup;
  std::vector<std::pair<std::string, double>> speeds{};  ///< variant → tokens per second, the last first

  std::optional<double> speed() const;  ///< of `variant`
  void set_speed(double tokens_per_second);
  /// From a saved record; hostile text gives no timings.
  static PhaseTimings from_json(std::string_view text);
  std::string to_json() const;
};

/// Follows one session of the runtime from nothing to ready: the runtime and the graph (create),
/// weights going to the device (upload), first run with its shader compilation (warmup). Phases only go
/// forward.
class SessionDriver {
 public:
  enum class State { kIdle, kCreating, kUploading, kWarmingUp, kReady, kFailed, kLost };

  explicit SessionDriver(PhaseTimings last_time) : last_time_(std::move(last_time)) {}

  /// A new session is being created. `weight_bytes`: what upload will come to; absent while unknown.
  void start(std::string variant, std::optional<std::uint64_t> weight_bytes, Instant now);
  void progress(const event::SessionProgress& event, Instant now);
  void ready(Instant now);
  void failed() { state_ = State::kFailed; }
  void lost() { state_ = State::kLost; }
  /// The session was closed.
  void close();

  State state() const { return state_; }
  bool loading() const {
    return state_ == State::kCreating || state_ == State::kUploading || state_ == State::kWarmingUp;
  }
  /// Empty unless loading.
  std::optional<LoadPhase> phase() const;
  /// 0..100 of the phase where its bytes can be counted, below 100 until the phase is over; otherwise empty.
  std::optional<double> percent() const;
  /// Bytes of weights that went to the device.
  std::uint64_t resident() const { return uploaded_; }
  /// Of so many, as far as it is known.
  std::optional<std::uint64_t> weight_bytes() const { return weight_bytes_; }
  Instant phase_began() const { return phase_began_; }
  /// ms; what this phase took the last time on this device with these weights.
  std::optional<double> phase_last_time() const;
  /// What the phases took this time; complete once ready.
  const PhaseTimings& timings() const { return timings_; }

 private:
  void enter(State state, Instant now);

  PhaseTimings last_time_;
  PhaseTimings timings_;
  State state_ = State::kIdle;
  Instant phase_began_{};
  std::uint64_t uploaded_ = 0;
  std::optional<std::uint64_t> weight_bytes_;
};

}  // namespace candor
