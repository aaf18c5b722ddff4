#pragma once

#include "candor/progress/progress_info.hpp"
#include "progress/eta_fields.hpp"

/// What bindings.d.ts calls ProgressInfo and AggregateProgressInfo.
namespace candor {

/// Of one file as of all of them.
void count_fields(auto& f, auto& info) {
  f("speed", info.speed);
  f("timeRemaining", info.time_remaining);
  f("network", info.network);
  f("cached", info.cached);
  f("verified", info.verified);
  f("discarded", info.discarded);
}

/// What is told of the whole only.
void display_fields(auto& f, auto& info) {
  f("etaLow", info.eta_low);
  f("etaHigh", info.eta_high);
  f("stalledFor", info.stalled_for);
  f("error", info.error);
  f("eta", info.eta_display);
  f("throughput", info.sparkline.bytes_per_second);
  f("secondsPerPoint", info.sparkline.seconds_per_point);
}

/// A row of an aggregate: what is known of one file alone.
void row_fields(auto& f, auto& info) {
  f("status", info.status);
  f("name", info.name);
  f("file", info.file);
  f("progress", info.progress);
  f("loaded", info.loaded);
  f("total", info.total);
  count_fields(f, info);
  f("fromCache", info.from_cache);
}

void fields(auto& f, json::Of<ProgressInfo> auto& info) {
  row_fields(f, info);
  display_fields(f, info);
}

void fields(auto& f, json::Of<AggregateProgressInfo> auto& info) {
  f("status", info.status);
  f("overallProgress", info.overall_progress);
  f("filesCompleted", info.files_completed);
  f("totalFiles", info.total_files);
  f("currentFile", info.current_file);
  f("totalDownloaded", info.total_downloaded);
  f("totalSize", info.total_size);
  count_fields(f, info);
  display_fields(f, info);
  f.each("files", info.files, [](auto& g, auto& file) { row_fields(g, file); });
}

}  // namespace candor
