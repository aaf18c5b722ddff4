#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "candor/base/error.hpp"
#include "candor/model/variant.hpp"
#include "candor/progress/eta.hpp"

namespace candor {

enum class LoadStatus { kIdle, kQueued, kDownloading, kPaused, kLoading, kReady, kFailed, kCancelled };
enum class LoadPhase { kResolve, kDownload, kVerify, kCreate, kUpload, kWarmup };
enum class FileStatus { kInitiate, kDownload, kProgress, kVerify, kDone, kFailed };

const char* to_string(LoadStatus status);
const char* to_string(LoadPhase phase);
const char* to_string(FileStatus status);

/// One row of the details view. Unknown is absent, never 0.
struct SnapshotFile {
  FileStatus status = FileStatus::kInitiate;
  std::string file;
  std::optional<double> progress;  ///< 0..100
  std::uint64_t loaded = 0;        ///< bytes in place, `cached` included
  std::optional<std::uint64_t> total;
  std::uint64_t cached = 0;              ///< bytes that were here before this visit
  std::optional<double> speed;           ///< bytes per second
  std::optional<double> time_remaining;  ///< seconds
};

/// What the visitor may do now: the page shows exactly these buttons.
struct Allowed {
  bool pause = false;
  bool resume = false;
  bool cancel = false;
  bool retry = false;
  bool remove = false;
  bool update = false;
};

/// A newer version of a model that is here.
struct Newer {
  std::optional<std::uint64_t> bytes;  ///< to be fetched; absent while unknown
};

/// An error with its circumstances: what was kept and what happens next.
struct SnapshotError {
  Error error;
  std::uint64_t kept = 0;  ///< bytes on disk that the next try starts from
  std::optional<double>
      retry_in;  ///< ms until the core tries again by itself; empty: it waits for the visitor
};

/// Everything the page may show about one model. Plain data; bindings.d.ts gives each field's meaning and
/// unit.
struct Snapshot {
  std::string model_key;
  std::string model_name;
  LoadStatus status = LoadStatus::kIdle;
  std::optional<LoadPhase> phase;
  std::optional<double> progress;
  std::uint64_t total_downloaded = 0;
  std::optional<std::uint64_t> total_size;
  std::uint64_t network = 0;
  std::uint64_t cached = 0;
  std::uint64_t verified = 0;
  std::uint64_t resident = 0;
  std::optional<std::uint64_t> resident_total;
  std::optional<double> speed;
  std::optional<double> time_remaining;
  std::optional<double> eta_low;
  std::optional<double> eta_high;
  EtaDisplay eta;
  double stalled_for = 0;
  double phase_elapsed = 0;
  std::optional<double> phase_last_time;
  std::uint64_t discarded = 0;
  std::optional<std::string> discarded_reason;
  std::uint32_t files_completed = 0;
  std::uint32_t total_files = 0;
  std::string current_file;
  std::vector<SnapshotFile> files;
  std::vector<double> throughput;
  std::optional<Variant> variant;
  /// Of the last answer on this device with the last weights and engine.
  std::optional<double> tokens_per_second;
  std::optional<Newer> newer;
  bool persistent = true;
  bool elsewhere = false;  ///< another tab has the model's folder; this one waits and goes on when it is free
  unsigned attempt = 1;
  unsigned max_attempts = 3;
  std::optional<SnapshotError> error;
  Allowed can;
  bool goes_on = false;  ///< a page that was left goes on with this model by itself when it is shown again
  double start_time = 0;
  double last_update = 0;
};

}  // namespace candor
