#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "candor/model/variant.hpp"

namespace candor {

/// What a device can do, as JavaScript probed it. Absent numbers are unknown: browsers don't tell all of
/// them.
struct DeviceProfile {
  bool webgpu = false;                                           ///< an adapter was given
  bool shader_f16 = false;                                       ///< the adapter has the `shader-f16` feature
  bool fallback_adapter = false;                                 ///< WebGPU in software
  std::optional<std::uint64_t> max_buffer_size;                  ///< bytes
  std::optional<std::uint64_t> max_storage_buffer_binding_size;  ///< bytes
  std::string adapter;                                           ///< vendor and architecture, from outside
  std::optional<double> device_memory_gib;                       ///< rounded by browsers, at most 8 in most
  std::optional<unsigned> cores;
  bool cross_origin_isolated = false;  ///< wasm threads need it
  bool persistent = false;             ///< files survive the tab (OPFS sync access handles work)
  std::optional<std::uint64_t> quota;  ///< bytes this origin may store
  std::optional<std::uint64_t> usage;  ///< bytes this origin stores already
  bool online = true;
  bool jspi =
      false;  ///< WebAssembly can be suspended while JavaScript works (JavaScript Promise Integration)

  /// Bytes this origin may still store; empty while unknown.
  std::optional<std::uint64_t> free_bytes() const;
  /// Threads for the wasm provider: 1 unless cross-origin isolated, at most 4 (more gains little in ONNX
  /// Runtime Web, whose own default is the same), never more than half the cores.
  unsigned wasm_threads() const;
  /// The build of ONNX Runtime Web that this device runs best.
  RuntimeBuild runtime_build() const;
};

}  // namespace candor
