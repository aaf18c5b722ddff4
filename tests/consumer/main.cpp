#include <candor/progress/progress_tracker.hpp>

/// Half of a file of 1,000 bytes must be 50 %.
int main() {
  candor::ProgressTracker tracker({.name = "model", .file = "weights.onnx", .total = 1000});
  tracker.update(0, 1000, candor::instant_from_ms(0));
  tracker.update(500, 1000, candor::instant_from_ms(1000));
  return tracker.snapshot(candor::instant_from_ms(1000)).progress == 50.0 ? 0 : 1;
}
