#pragma once

#include <string>

namespace candor {

enum class ExecutionProvider { kWebGpu, kWasm };

const char* to_string(ExecutionProvider provider);

/// Which weights were chosen for this device, and why, in words.
struct Variant {
  std::string dtype;
  ExecutionProvider execution_provider = ExecutionProvider::kWasm;
  std::string reason;
};

}  // namespace candor
