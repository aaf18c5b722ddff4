#include "candor/inference/runtime_error.hpp"

#include <gtest/gtest.h>

#include <string>

namespace candor {
namespace {

struct Said {
  const char* words;
  ErrorCode code;
  bool dead;
};

// As ONNX Runtime Web, Emscripten, Dawn, wgpu and the engines say it.
const Said kSaid[] = {
    {"Error: Can't create a session. ERROR_CODE: 7, ERROR_MESSAGE: Failed to load model because protobuf "
     "parsing failed.",
     ErrorCode::kIntegrity, false},
    {"Error: ERROR_CODE: 3, ERROR_MESSAGE: No graph was found in the protobuf.", ErrorCode::kIntegrity,
     false},
    {"Error: ERROR_CODE: 10, ERROR_MESSAGE: This is an invalid model. Type Error: Type 'tensor(float16)' of "
     "input parameter is invalid.",
     ErrorCode::kIntegrity, false},
    {"Error: Failed to load external data file \"model_q4.onnx_data\", error: Module.MountedFiles is not "
     "available.",
     ErrorCode::kIntegrity, false},
    {"Error: Can't create a session. ERROR_CODE: 9, ERROR_MESSAGE: Could not find an implementation for "
     "GatherBlockQuantized(1) node with name '/model/embed_tokens/Gather_Quant'",
     ErrorCode::kUnsupported, false},
    {"Error: Fatal error: com.microsoft:MultiHeadAttention(-1) is not a registered function/op",
     ErrorCode::kUnsupported, false},
    {"Error: ERROR_CODE: 1, ERROR_MESSAGE: Unsupported model IR version: 12, max supported IR version: 11",
     ErrorCode::kUnsupported, false},
    {"error: 'f16' type used without 'f16' extension enabled", ErrorCode::kUnsupported, false},
    {"Error: Failed to get GPU adapter. You may need to enable flag \"--enable-unsafe-webgpu\" if you are "
     "using Chrome.",
     ErrorCode::kUnsupported, false},
    {"Error: WebGPU gave no adapter.", ErrorCode::kUnsupported, false},
    {"Buffer size (1207959552) exceeds the max buffer size limit (1073741824).", ErrorCode::kUnsupported,
     false},
    {"Binding size (545259520) of [Buffer] is larger than the maximum binding size (134217728).",
     ErrorCode::kUnsupported, false},

    {"std::bad_alloc", ErrorCode::kOutOfMemory, true},
    {"Error: ERROR_CODE: 6, ERROR_MESSAGE: std::bad_alloc", ErrorCode::kOutOfMemory, true},
    {"RangeError: Array buffer allocation failed", ErrorCode::kOutOfMemory, true},
    {"RangeError: Invalid typed array length: 2147483648", ErrorCode::kOutOfMemory, true},
    {"RangeError: WebAssembly.Memory(): could not allocate memory", ErrorCode::kOutOfMemory, true},
    {"Error: ERROR_CODE: 1, ERROR_MESSAGE: Failed to allocate memory for requested buffer of size 301989888",
     ErrorCode::kOutOfMemory, true},
    {"RuntimeError: Aborted(OOM). Build with -sASSERTIONS for more info.", ErrorCode::kOutOfMemory, true},
    {"RuntimeError: Aborted(Cannot enlarge memory arrays to size 4295032832 bytes (OOM).",
     ErrorCode::kOutOfMemory, true},
    {"RuntimeError: memory access out of bounds", ErrorCode::kOutOfMemory, true},
    {"RuntimeError: Out of bounds memory access (evaluating 'n.apply(null,t)')", ErrorCode::kOutOfMemory,
     true},
    {"InternalError: out of memory", ErrorCode::kOutOfMemory, true},
    {"Not enough memory left.", ErrorCode::kOutOfMemory, true},

    {"The device was lost (unknown): ", ErrorCode::kDeviceLost, true},
    {"AbortError: Failed to execute 'mapAsync' on 'GPUBuffer': [Device] is lost.", ErrorCode::kDeviceLost,
     true},
    {"OperationError: Device is lost", ErrorCode::kDeviceLost, true},
    {"A valid external Instance reference no longer exists.", ErrorCode::kDeviceLost, true},
    {"Error: WebGPU device lost (2): Device was destroyed.", ErrorCode::kDeviceLost, true},
    {"D3D12 present failed with DXGI_ERROR_DEVICE_REMOVED (0x887A0005)", ErrorCode::kDeviceLost, true},

    {"RuntimeError: Aborted(). Build with -sASSERTIONS for more info.", ErrorCode::kRuntime, true},
    {"Aborted(native code called abort())", ErrorCode::kRuntime, true},
    {"RuntimeError: unreachable", ErrorCode::kRuntime, true},
    {"RuntimeError: unreachable executed", ErrorCode::kRuntime, true},
    {"RuntimeError: Unreachable code should not be executed (evaluating 'n')", ErrorCode::kRuntime, true},
    {"Uncaught RuntimeError: null function or function signature mismatch", ErrorCode::kRuntime, true},
    {"RuntimeError: index out of bounds", ErrorCode::kRuntime, true},
    {"Error: previous call to 'initWasm()' failed.", ErrorCode::kRuntime, true},

    {"Error: ERROR_CODE: 2, ERROR_MESSAGE: Invalid rank for input: input_ids Got: 1 Expected: 2",
     ErrorCode::kRuntime, false},
    {"Error: ERROR_CODE: 6, ERROR_MESSAGE: Non-zero status code returned while running MatMulNBits node.",
     ErrorCode::kRuntime, false},
    {"AbortError: The operation was aborted.", ErrorCode::kRuntime, false},
    {"TypeError: Failed to fetch dynamically imported module: https://cv.example/ort.jspi.min.mjs",
     ErrorCode::kRuntime, false},
    {"", ErrorCode::kRuntime, false},
};

TEST(RuntimeError, KnowsWhatRuntimesAndBrowsersMean) {
  for (const Said& said : kSaid) EXPECT_EQ(runtime_error(said.words), said.code) << said.words;
}

TEST(RuntimeError, KnowsWhenNothingMoreCanBeAskedOfARuntime) {
  for (const Said& said : kSaid) EXPECT_EQ(runtime_is_dead(said.words), said.dead) << said.words;
}

TEST(RuntimeError, FindsTheWordsInAnyCaseAndAmongMany) {
  const std::string long_text(100'000, 'x');
  EXPECT_EQ(runtime_error(long_text + "STD::BAD_ALLOC" + long_text), ErrorCode::kOutOfMemory);
  EXPECT_TRUE(runtime_is_dead(long_text + "ABORTED(" + long_text));
}

}  // namespace
}  // namespace candor
