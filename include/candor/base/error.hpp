#pragma once

#include <string>
#include <string_view>

namespace candor {

/// What kind of thing went wrong. The names that JavaScript sees are those of to_string().
enum class ErrorCode {
  kNetwork,
  kHttp,
  kGated,
  kNotFound,
  kRateLimited,
  kIntegrity,
  kChanged,
  kQuota,
  kStorage,
  kUnsupported,
  kOutOfMemory,
  kDeviceLost,
  kRuntime,
  kAborted
};

/// "network", "not_found", …: stable, part of the public interface.
constexpr std::string_view to_string(ErrorCode code) {
  switch (code) {
    case ErrorCode::kNetwork:
      return "network";
    case ErrorCode::kHttp:
      return "http";
    case ErrorCode::kGated:
      return "gated";
    case ErrorCode::kNotFound:
      return "not_found";
    case ErrorCode::kRateLimited:
      return "rate_limited";
    case ErrorCode::kIntegrity:
      return "integrity";
    case ErrorCode::kChanged:
      return "changed";
    case ErrorCode::kQuota:
      return "quota";
    case ErrorCode::kStorage:
      return "storage";
    case ErrorCode::kUnsupported:
      return "unsupported";
    case ErrorCode::kOutOfMemory:
      return "out_of_memory";
    case ErrorCode::kDeviceLost:
      return "device_lost";
    case ErrorCode::kRuntime:
      return "runtime";
    case ErrorCode::kAborted:
      return "aborted";
  }
  return "runtime";
}

/// An error as a value.
struct Error {
  ErrorCode code = ErrorCode::kRuntime;
  /// A sentence for the visitor: what happened. Ours alone, no text from outside.
  std::string message;
  /// Whether trying the same again can help.
  bool retryable = false;
  /// Text from outside (a path, a server's or a runtime's words): to be shown as text, never as markup.
  std::string detail;
};

}  // namespace candor
