#include "candor/io/snapshot.hpp"

namespace candor {

const char* to_string(LoadStatus status) {
  switch (status) {
    case LoadStatus::kIdle:
      return "idle";
    case LoadStatus::kQueued:
      return "queued";
    case LoadStatus::kDownloading:
      return "downloading";
    case LoadStatus::kPaused:
      return "paused";
    case LoadStatus::kLoading:
      return "loading";
    case LoadStatus::kReady:
      return "ready";
    case LoadStatus::kFailed:
      return "failed";
    case LoadStatus::kCancelled:
      return "cancelled";
  }
  return "";
}

const char* to_string(LoadPhase phase) {
  switch (phase) {
    case LoadPhase::kResolve:
      return "resolve";
    case LoadPhase::kDownload:
      return "download";
    case LoadPhase::kVerify:
      return "verify";
    case LoadPhase::kCreate:
      return "create";
    case LoadPhase::kUpload:
      return "upload";
    case LoadPhase::kWarmup:
      return "warmup";
  }
  return "";
}

const char* to_string(FileStatus status) {
  switch (status) {
    case FileStatus::kInitiate:
      return "initiate";
    case FileStatus::kDownload:
      return "download";
    case FileStatus::kProgress:
      return "progress";
    case FileStatus::kVerify:
      return "verify";
    case FileStatus::kDone:
      return "done";
    case FileStatus::kFailed:
      return "failed";
  }
  return "";
}

}  // namespace candor
