#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace candor {

enum class DownloadStatus { kDownloading, kCompleted, kFailed, kPaused };

std::string_view to_string(DownloadStatus status);
std::optional<DownloadStatus> download_status_from(std::string_view text);

/// What is known about the download of one model; the record that survives a closed tab.
/// Empty means unknown, never zero. Numbers are finite and not negative, `progress` is 0..100.
struct DownloadState {
  std::string model_key;
  std::string model_name;
  DownloadStatus status = DownloadStatus::kDownloading;
  std::optional<double> progress;
  double start_time = 0;        ///< ms of the caller's clock; use Date.now() where the record is persisted
  double last_update = 0;       ///< ms of the caller's clock
  std::optional<double> speed;  ///< bytes per second
  std::uint64_t bytes_downloaded = 0;
  std::optional<std::uint64_t> total_bytes;
  std::optional<double> time_remaining;  ///< seconds
  std::optional<std::string> error;      ///< text from outside: show it as text, never as markup
  std::string phase;                     ///< of the loader; empty when none
  std::uint32_t attempt = 1;             ///< starts again at 1 after a completed download

  friend bool operator==(const DownloadState&, const DownloadState&) = default;
};

/// What an update may change.
struct DownloadUpdate {
  std::optional<double> progress;
  std::optional<double> speed;
  std::optional<std::uint64_t> bytes_downloaded;  ///< empty: as before
  std::optional<std::uint64_t> total_bytes;
  std::optional<double> time_remaining;
  std::string phase;

  /// From the JSON of a ProgressInfo (`progress`, `loaded`, `total`, `speed`, `timeRemaining`) or of an
  /// aggregate or snapshot (`overallProgress`, `totalDownloaded`, `totalSize`), `phase` from either. Invalid
  /// or absent numbers are unknown. Empty when `text` is not a JSON object.
  static std::optional<DownloadUpdate> from_json(std::string_view text);
};

/// As JSON, with the names JavaScript knows; absent values are null.
std::string to_json(const DownloadState& state);

}  // namespace candor
