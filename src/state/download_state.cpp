#include "candor/state/download_state.hpp"

#include <algorithm>

#include "candor/base/bytes.hpp"
#include "state/download_state_fields.hpp"

namespace candor {
namespace {

std::optional<std::uint64_t> first_bytes(const json::Value& info, const char* key, const char* other) {
  for (const char* name : {key, other}) {
    const auto number = json::number_at(info, name);
    if (number) return bytes_from_double(*number);
  }
  return std::nullopt;
}

}  // namespace

std::string_view to_string(DownloadStatus status) {
  switch (status) {
    case DownloadStatus::kDownloading:
      return "downloading";
    case DownloadStatus::kCompleted:
      return "completed";
    case DownloadStatus::kFailed:
      return "failed";
    case DownloadStatus::kPaused:
      return "paused";
  }
  return "downloading";
}

std::optional<DownloadStatus> download_status_from(std::string_view text) {
  for (const DownloadStatus status : {DownloadStatus::kDownloading, DownloadStatus::kCompleted,
                                      DownloadStatus::kFailed, DownloadStatus::kPaused}) {
    if (text == to_string(status)) return status;
  }
  return std::nullopt;
}

std::optional<DownloadUpdate> DownloadUpdate::from_json(std::string_view text) {
  const auto info = json::parse(text, {.max_bytes = 4U << 20U, .max_depth = 16});
  if (!info || !info->is(json::Value::Kind::kObject)) return std::nullopt;
  DownloadUpdate update;
  update.progress = json::amount_at(*info, "progress");
  if (!update.progress) update.progress = json::amount_at(*info, "overallProgress");
  update.speed = json::amount_at(*info, "speed");
  update.bytes_downloaded = first_bytes(*info, "loaded", "totalDownloaded");
  update.total_bytes = first_bytes(*info, "total", "totalSize");
  update.time_remaining = json::amount_at(*info, "timeRemaining");
  update.phase = json::text_at(*info, "phase");
  return update;
}

std::string to_json(const DownloadState& state) { return json::text_from(state); }

}  // namespace candor
