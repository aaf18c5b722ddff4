#include "candor/model/variant.hpp"

namespace candor {

const char* to_string(ExecutionProvider provider) {
  return provider == ExecutionProvider::kWebGpu ? "webgpu" : "wasm";
}

const char* to_string(RuntimeBuild build) { return build == RuntimeBuild::kJspi ? "jspi" : "asyncify"; }

}  // namespace candor
