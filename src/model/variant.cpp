#include "candor/model/variant.hpp"

namespace candor {

const char* to_string(ExecutionProvider provider) {
  return provider == ExecutionProvider::kWebGpu ? "webgpu" : "wasm";
}

}  // namespace candor
