#pragma once

#include <string>

namespace candor {

enum class ExecutionProvider { kWebGpu, kWasm };

const char* to_string(ExecutionProvider provider);

/// Builds of ONNX Runtime Web. For WebGPU, the one that suspends through the engine (JSPI) is 10 MB smaller
/// and faster. The plain one has no WebGPU, is the smallest, and alone has all kernels for the processor
/// (GatherBlockQuantized, without which no model with tied 4-bit embeddings runs).
enum class RuntimeBuild { kJspi, kAsyncify, kPlain };

const char* to_string(RuntimeBuild build);

/// Which weights were chosen for this device, and why (see Error for how the core names sentences).
struct Variant {
  std::string dtype;
  ExecutionProvider execution_provider = ExecutionProvider::kWasm;
  std::string reason;
};

}  // namespace candor
