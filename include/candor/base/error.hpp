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
///
/// Sentences are said by the page, in its visitor's language; the core names them: the id of a sentence, then
/// its parameters, each behind a tab ("noRoom\t2100000000\t1200000000"). A parameter is a count (of bytes,
/// plain), the id of a part of a sentence, or a name from outside. The words stand in
/// web/src/elements/sentences.js.
struct Error {
  ErrorCode code = ErrorCode::kRuntime;
  /// What happened, by the id of a sentence for the visitor. Ours alone.
  std::string message;
  /// Whether trying the same again can help.
  bool retryable = false;
  /// Text from outside (a path, a server's or a runtime's words): to be shown as text, never as markup. A
  /// sentence of ours begins with a tab here.
  std::string detail;
};

}  // namespace candor
