#pragma once

#include <string_view>

#include "candor/base/error.hpp"

namespace candor {

/// What the words of ONNX Runtime or a browser mean: kOutOfMemory, kDeviceLost, kIntegrity, kUnsupported, or
/// kRuntime for all others.
ErrorCode runtime_error(std::string_view words);

/// Whether the runtime that said so has no future: its WebAssembly trapped or gave up, its memory or its
/// device is gone. Nothing that is asked of it from then on can be trusted.
bool runtime_is_dead(std::string_view words);

}  // namespace candor
