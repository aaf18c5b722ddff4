// What the core costs: ns per event of the tracker, and of the estimator alone. Built natively and as
// WebAssembly; core.js puts both beside a JavaScript rendition of the original sketch. One JSON object on
// stdout.

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <limits>

#include "candor/progress/eta_estimator.hpp"
#include "candor/progress/progress_tracker.hpp"
#include "candor/progress/throttler.hpp"

namespace {

using candor::instant_from_ms;

constexpr std::uint64_t kChunk = 65536;
constexpr double kStepMs = 10;  // between events: 6.5 MB/s

/// Of twenty batches the fastest: what else the machine does only ever makes one slower.
template <typename F>
double ns_per_call(std::uint64_t calls, F&& call) {
  constexpr std::uint64_t kBatches = 20;
  double best = std::numeric_limits<double>::infinity();
  std::uint64_t i = 0;
  for (std::uint64_t batch = 1; batch <= kBatches; ++batch) {
    const std::uint64_t before = i;
    const auto begin = std::chrono::steady_clock::now();
    while (i < calls * batch / kBatches) call(++i);
    const std::chrono::duration<double, std::nano> took = std::chrono::steady_clock::now() - begin;
    best = std::min(best, took.count() / static_cast<double>(i - before));
  }
  return best;
}

}  // namespace

int main() {
  constexpr std::uint64_t kCalls = 1'000'000;
  double sink = 0;  // printed, so that nothing is optimised away

  candor::EtaEstimator estimator;
  estimator.start(instant_from_ms(0));
  estimator.set_remaining(2 * kCalls * kChunk);
  const double eta = ns_per_call(kCalls, [&](std::uint64_t i) {
    const auto now = instant_from_ms(static_cast<double>(i) * kStepMs);
    estimator.record(kChunk, now);
    if (const auto estimate = estimator.estimate(now)) sink += estimate->seconds;
  });

  candor::ProgressTracker tracker({"model", "onnx/model_q4.onnx", 2 * kCalls * kChunk, 0});
  tracker.update(0, std::nullopt, instant_from_ms(0));
  const double update = ns_per_call(kCalls, [&](std::uint64_t i) {
    tracker.update(i * kChunk, 2 * kCalls * kChunk, instant_from_ms(static_cast<double>(i) * kStepMs));
  });

  // As used: one snapshot for ten events, which is what the throttle lets through.
  constexpr std::uint64_t kFrames = 100'000;
  candor::ProgressTracker shown({"model", "onnx/model_q4.onnx", 2 * kCalls * kChunk, 0});
  candor::Throttler<std::uint64_t> throttler;
  shown.update(0, std::nullopt, instant_from_ms(0));
  const double event = ns_per_call(10 * kFrames, [&](std::uint64_t i) {
    const auto now = instant_from_ms(static_cast<double>(i) * kStepMs);
    shown.update(i * kChunk, 2 * kCalls * kChunk, now);
    if (throttler.push(i, now)) sink += shown.snapshot(now).loaded > 0 ? 1 : 0;
  });

  std::printf(
      "{\"recordAndEstimateNs\":%.1f,\"updateNs\":%.1f,\"eventWithThrottledSnapshotNs\":%.1f,\"checksum\":%."
      "6g}\n",
      eta, update, event, sink);
  return 0;
}
