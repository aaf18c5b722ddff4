#pragma once

#include "progress/eta_fields.hpp"
#include "wire/names.hpp"

/// What bindings.d.ts calls Snapshot, and what it is made of.
namespace candor {

void fields(auto& f, json::Of<Variant> auto& variant) {
  f("dtype", variant.dtype);
  f("executionProvider", variant.execution_provider);
  f("reason", variant.reason);
}

void fields(auto& f, json::Of<Newer> auto& newer) { f("bytes", newer.bytes); }

void fields(auto& f, json::Of<Allowed> auto& can) {
  f("pause", can.pause);
  f("resume", can.resume);
  f("cancel", can.cancel);
  f("retry", can.retry);
  f("remove", can.remove);
  f("update", can.update);
}

/// CoreError.
void fields(auto& f, json::Of<SnapshotError> auto& e) {
  f("code", e.error.code);
  f("message", e.error.message);
  f("retryable", e.error.retryable);
  f("kept", e.kept);
  f("detail", e.error.detail);
  f("retryIn", e.retry_in);
}

namespace wire {

/// CoreError of an error that comes alone: nothing is known of what was kept, and nothing is tried again.
SnapshotError in_full(const Error& error);

}  // namespace wire

/// FileProgress, but for the name of the model.
void fields(auto& f, json::Of<SnapshotFile> auto& file) {
  f("status", file.status);
  f("file", file.file);
  f("progress", file.progress);
  f("loaded", file.loaded);
  f("total", file.total);
  f("cached", file.cached);
  f("speed", file.speed);
  f("timeRemaining", file.time_remaining);
}

void fields(auto& f, json::Of<Snapshot> auto& shown) {
  f("modelKey", shown.model_key);
  f("modelName", shown.model_name);
  f("status", shown.status);
  f("phase", shown.phase);
  f("progress", shown.progress);
  f("totalDownloaded", shown.total_downloaded);
  f("totalSize", shown.total_size);
  f("network", shown.network);
  f("cached", shown.cached);
  f("verified", shown.verified);
  f("resident", shown.resident);
  f("residentTotal", shown.resident_total);
  f("speed", shown.speed);
  f("timeRemaining", shown.time_remaining);
  f("etaLow", shown.eta_low);
  f("etaHigh", shown.eta_high);
  f("eta", shown.eta);
  f("stalledFor", shown.stalled_for);
  f("phaseElapsed", shown.phase_elapsed);
  f("phaseLastTime", shown.phase_last_time);
  f("discarded", shown.discarded);
  f("discardedReason", shown.discarded_reason);
  f("filesCompleted", shown.files_completed);
  f("totalFiles", shown.total_files);
  f("currentFile", shown.current_file);
  f.each("files", shown.files, [&shown](auto& g, auto& file) {
    fields(g, file);
    g("name", shown.model_name);
  });
  f("throughput", shown.throughput);
  f("variant", shown.variant);
  f("tokensPerSecond", shown.tokens_per_second);
  f("newer", shown.newer);
  f("persistent", shown.persistent);
  f("elsewhere", shown.elsewhere);
  f("attempt", shown.attempt);
  f("maxAttempts", shown.max_attempts);
  f("error", shown.error);
  f("can", shown.can);
  f("goesOn", shown.goes_on);
  f("startTime", shown.start_time);
  f("lastUpdate", shown.last_update);
}

}  // namespace candor
