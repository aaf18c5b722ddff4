#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "candor/model/variant.hpp"

namespace candor {

/// What a device can do, as JavaScript probed it. Absent numbers are unknown: browsers don't tell all of
/// them.
struct DeviceProfile {
  bool webgpu = false;                           ///< an adapter was given
  std::string webgpu_fault;                      ///< why it isn't used (the id of a part of a sentence)
  bool shader_f16 = false;                       ///< the adapter has the `shader-f16` feature
  bool fallback_adapter = false;                 ///< WebGPU in software
  std::optional<std::uint64_t> max_buffer_size;  ///< bytes
  std::optional<std::uint64_t> max_storage_buffer_binding_size;  ///< bytes
  std::optional<unsigned> subgroup_min_size;                     ///< absent: the adapter has no `subgroups`
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
  /// Threads for the wasm provider: 1 unless cross-origin isolated; else half the logical cores, which is
  /// about what they can compute at once, but both of two (measured: 1.7 times the tokens of one), and at
  /// most 4.
  unsigned wasm_threads() const;
  /// Whether a device may be requested with `subgroups`: with fewer than 8 invocations in one, ONNX Runtime's
  /// attention is wrong and says nothing (1.30).
  bool good_subgroups() const;
  /// The build of ONNX Runtime Web for this provider here.
  RuntimeBuild runtime_build(ExecutionProvider provider) const;
};

}  // namespace candor
