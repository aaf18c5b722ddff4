#pragma once

#include "base/fields.hpp"
#include "candor/state/download_state.hpp"

namespace candor {

void fields(auto& f, json::Of<DownloadState> auto& state) {
  f("modelKey", state.model_key);
  f("modelName", state.model_name);
  f("status", state.status);
  f("progress", state.progress);
  f("startTime", state.start_time);
  f("lastUpdate", state.last_update);
  f("speed", state.speed);
  f("bytesDownloaded", state.bytes_downloaded);
  f("totalBytes", state.total_bytes);
  f("timeRemaining", state.time_remaining);
  f("error", state.error);
  f("phase", state.phase);
  f("attempt", state.attempt);
}

}  // namespace candor
