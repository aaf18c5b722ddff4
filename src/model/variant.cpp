#include "candor/model/variant.hpp"

namespace candor {

const char* to_string(ExecutionProvider provider) {
  return provider == ExecutionProvider::kWebGpu ? "webgpu" : "wasm";
}

const char* to_string(RuntimeBuild build) {
  constexpr const char* kNames[] = {"jspi", "asyncify", "plain"};
  return kNames[static_cast<unsigned>(build)];
}

}  // namespace candor
