#include "candor/inference/runtime_error.hpp"

#include <algorithm>
#include <string>

#include "base/text.hpp"

namespace candor {
namespace {

struct Sign {
  const char* words;  // in lower case
  ErrorCode code;
};

// The first that is found counts. What has run out of memory says so in many ways, and often with other words
// around it.
constexpr Sign kSigns[] = {
    {"out of memory", ErrorCode::kOutOfMemory},
    {"bad_alloc", ErrorCode::kOutOfMemory},
    {"allocation failed", ErrorCode::kOutOfMemory},
    {"failed to allocate", ErrorCode::kOutOfMemory},
    {"could not allocate", ErrorCode::kOutOfMemory},
    {"cannot enlarge memory", ErrorCode::kOutOfMemory},
    {"(oom)", ErrorCode::kOutOfMemory},
    {"not enough memory", ErrorCode::kOutOfMemory},
    {"memory access out of bounds", ErrorCode::kOutOfMemory},
    {"out of bounds memory access", ErrorCode::kOutOfMemory},
    {"invalid array length", ErrorCode::kOutOfMemory},
    {"invalid typed array length", ErrorCode::kOutOfMemory},
    {"device was lost", ErrorCode::kDeviceLost},
    {"device is lost", ErrorCode::kDeviceLost},
    {"device] is lost", ErrorCode::kDeviceLost},
    {"device lost", ErrorCode::kDeviceLost},
    {"lost device", ErrorCode::kDeviceLost},
    {"device_lost", ErrorCode::kDeviceLost},
    {"device_hung", ErrorCode::kDeviceLost},
    {"device_removed", ErrorCode::kDeviceLost},
    {"device was destroyed", ErrorCode::kDeviceLost},
    {"device is destroyed", ErrorCode::kDeviceLost},
    {"device destroyed", ErrorCode::kDeviceLost},
    {"external instance reference no longer exists", ErrorCode::kDeviceLost},
    {"protobuf", ErrorCode::kIntegrity},
    {"parsing failed", ErrorCode::kIntegrity},
    {"invalid model", ErrorCode::kIntegrity},
    {"invalid onnx model", ErrorCode::kIntegrity},
    {"no graph", ErrorCode::kIntegrity},
    {"external data", ErrorCode::kIntegrity},
    {"out of bounds for the external", ErrorCode::kIntegrity},
    {"could not find an implementation", ErrorCode::kUnsupported},
    {"not implemented", ErrorCode::kUnsupported},
    {"not a registered function", ErrorCode::kUnsupported},
    {"shader-f16", ErrorCode::kUnsupported},
    {"'f16'", ErrorCode::kUnsupported},
    {"no adapter", ErrorCode::kUnsupported},
    {"failed to get gpu adapter", ErrorCode::kUnsupported},
    {"exceeds the max", ErrorCode::kUnsupported},
    {"larger than the maximum", ErrorCode::kUnsupported},
    {"unsupported", ErrorCode::kUnsupported},
    {"not supported", ErrorCode::kUnsupported},
};

// A trap or an abort has no code of its own. "RuntimeError" is the name that engines give to both.
constexpr const char* kEnds[] = {"runtimeerror", "aborted(", "abort(", "unreachable", "initwasm()' failed"};

bool has(std::string_view text, std::string_view words) { return text.find(words) != std::string_view::npos; }

ErrorCode code_of(std::string_view lower_case) {
  const auto* const sign = std::find_if(std::begin(kSigns), std::end(kSigns),
                                        [&](const Sign& each) { return has(lower_case, each.words); });
  return sign == std::end(kSigns) ? ErrorCode::kRuntime : sign->code;
}

}  // namespace

ErrorCode runtime_error(std::string_view words) { return code_of(text::to_lower(words)); }

bool runtime_is_dead(std::string_view words) {
  const std::string lower_case = text::to_lower(words);
  const ErrorCode code = code_of(lower_case);
  return code == ErrorCode::kOutOfMemory || code == ErrorCode::kDeviceLost ||
         std::any_of(std::begin(kEnds), std::end(kEnds),
                     [&](const char* end) { return has(lower_case, end); });
}

}  // namespace candor
