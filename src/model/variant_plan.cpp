#include "candor/model/variant_plan.hpp"

#include <algorithm>
#include <string_view>

#include "base/text.hpp"
#include "candor/base/bytes.hpp"

namespace candor {
namespace {

constexpr std::uint64_t kGiB = 1ULL << 30U;
// WebAssembly addresses 4 GiB; ONNX Runtime needs room beside the weights.
constexpr std::uint64_t kWasmWeights = 3 * kGiB;
// Browsers report at most this, so it may mean any amount above.
constexpr double kMemoryReportCap = 8;

bool needs_f16(std::string_view dtype) { return dtype == "fp16" || dtype == "q4f16"; }

// ONNX Runtime's WebGPU provider has no kernels for these weights and would hand most of the work back.
bool is_for_processor(std::string_view dtype) {
  return dtype == "q8" || dtype == "int8" || dtype == "uint8" || dtype == "bnb4";
}

// One try: a provider and the dtypes that "auto" may take on it, best first.
struct Attempt {
  ExecutionProvider provider;
  std::initializer_list<const char*> dtypes;
};

bool may_use_webgpu(const VariantRequest& request, const DeviceProfile& device) {
  return device.webgpu && request.execution_provider != ExecutionProvider::kWasm;
}

std::vector<Attempt> attempts_for(const VariantRequest& request, const DeviceProfile& device) {
  // Compact weights first, on either provider; large ones only where there is nothing else.
  static constexpr auto kHalf = {"q4f16", "q4", "fp16"};
  static constexpr auto kQuarter = {"q4"};
  static constexpr auto kProcessor = {"q4", "q8", "int8", "uint8"};
  static constexpr auto kFull = {"fp32"};
  static constexpr auto kLast = {"q4f16", "bnb4", "fp32", "fp16"};
  std::vector<Attempt> attempts;
  const bool webgpu = may_use_webgpu(request, device);
  const bool wasm = request.execution_provider != ExecutionProvider::kWebGpu;
  // In software it is many times slower than the processor itself, so it comes after all else.
  const bool software = device.fallback_adapter && wasm;
  const auto& compact = device.shader_f16 ? kHalf : kQuarter;
  if (webgpu && !software) attempts.push_back({ExecutionProvider::kWebGpu, compact});
  if (wasm) attempts.push_back({ExecutionProvider::kWasm, kProcessor});
  if (webgpu && !software) attempts.push_back({ExecutionProvider::kWebGpu, kFull});
  if (wasm) attempts.push_back({ExecutionProvider::kWasm, kLast});
  if (webgpu && software) attempts.push_back({ExecutionProvider::kWebGpu, compact});
  if (webgpu && software) attempts.push_back({ExecutionProvider::kWebGpu, kFull});
  return attempts;
}

bool runs_on(std::string_view dtype, ExecutionProvider provider, const VariantRequest& request,
             const DeviceProfile& device) {
  if (provider == ExecutionProvider::kWasm) return true;
  if (needs_f16(dtype) && !device.shader_f16) return false;
  return !is_for_processor(dtype) || request.execution_provider == ExecutionProvider::kWebGpu;
}

std::optional<std::string> too_big(std::uint64_t bytes, ExecutionProvider provider,
                                   const DeviceProfile& device) {
  if (device.device_memory_gib && *device.device_memory_gib<kMemoryReportCap&& static_cast<double>(bytes)> *
                                      device.device_memory_gib * static_cast<double>(kGiB)) {
    return text::joined("tooBigForMemory\t", bytes);
  }
  if (provider == ExecutionProvider::kWasm && bytes > kWasmWeights) {
    return text::joined("tooBigForWasm\t", bytes, "\t", kWasmWeights);
  }
  return std::nullopt;
}

std::string why(const std::string& dtype, ExecutionProvider provider, bool by_name,
                const VariantRequest& request, const DeviceProfile& device, const Component& component) {
  std::string cause;
  if (provider == ExecutionProvider::kWasm) {
    if (request.execution_provider == ExecutionProvider::kWasm) {
      cause = "processorAsked";
    } else if (!device.webgpu_fault.empty()) {
      cause = device.webgpu_fault;
    } else if (device.fallback_adapter) {
      cause = "softwareIsSlower";
    } else if (!device.webgpu) {
      cause = "noWebGpu";
    } else if (needs_f16(dtype) && !device.shader_f16) {
      cause = "noShaderF16";
    } else if (is_for_processor(dtype)) {
      cause = "forProcessor";
    } else {
      cause = "doNotFit";
    }
  } else if (!by_name) {
    cause = device.shader_f16 ? "shaderF16" : "noShaderF16";
  }
  std::string missing;
  if (!by_name) {
    missing = VariantPlan::preferred_dtypes(request, device).front();
    if (missing == dtype || component.find(missing) != nullptr) missing.clear();
  }
  const char* note = "";
  if (provider == ExecutionProvider::kWebGpu && device.fallback_adapter) note = "\tsoftware";
  if (provider == ExecutionProvider::kWasm && !device.cross_origin_isolated && device.cores.value_or(1) > 1)
    note = "\toneCore";
  return text::joined("variant\t", dtype, "\t", to_string(provider), by_name ? "\tasked\t" : "\t\t", cause,
                      "\t", missing, note);
}

std::string dtypes_of(const Component& component) {
  std::string text;
  for (const GraphFiles& files : component.variants) {
    if (!text.empty()) text += ", ";
    text += files.dtype;
  }
  return text;
}

bool is_decoder(const Component& component) { return component.name.starts_with("decoder"); }

std::string graphs_of(const std::vector<GraphFiles>& graphs) {
  std::string text;
  for (const GraphFiles& files : graphs)
    if (text.size() < 500) text += text::joined(text.empty() ? "" : ", ", files.graph);
  return text;
}

Error unsupported(std::string message, std::string detail = {}) {
  return Error{ErrorCode::kUnsupported, std::move(message), false, std::move(detail)};
}

}  // namespace

std::vector<std::string> VariantPlan::preferred_dtypes(const VariantRequest& request,
                                                       const DeviceProfile& device) {
  std::vector<std::string> dtypes;
  const std::string& asked = request.dtype.of("model");
  if (asked != "auto") {
    dtypes.push_back(asked);
    return dtypes;
  }
  for (const Attempt& attempt : attempts_for(request, device)) {
    for (const std::string_view dtype : attempt.dtypes) {
      if (std::find(dtypes.begin(), dtypes.end(), dtype) == dtypes.end()) dtypes.emplace_back(dtype);
    }
  }
  return dtypes;
}

std::variant<VariantPlan, Error> VariantPlan::choose(const ModelSpec& spec, const VariantRequest& request,
                                                     const DeviceProfile& device) {
  if (request.execution_provider == ExecutionProvider::kWebGpu && !device.webgpu) {
    return unsupported("noWebGpuHere");
  }
  const auto known = [](const std::string& dtype) { return dtype == "auto" || dtype_suffix(dtype); };
  if (!known(request.dtype.all)) return unsupported("noSuchDtype", request.dtype.all);
  for (const auto& [name, dtype] : request.dtype.by_component) {
    if (!known(dtype)) return unsupported("noSuchDtype", text::joined(name, ": ", dtype));
    if (spec.component(name) == nullptr) {
      return unsupported("noSuchPart", name);
    }
  }

  std::vector<const Component*> needed;
  Component named{"model", {}};
  if (!request.file.empty()) {
    const GraphFiles* graph = spec.graph(request.file);
    if (graph == nullptr) return Error{ErrorCode::kNotFound, "noSuchFile", false, request.file};
    named.variants.push_back(*graph);
    if (request.dtype.all != "auto") named.variants.front().dtype = request.dtype.all;
    needed.push_back(&named);
  } else if (const Component* model = spec.component("model")) {
    needed.push_back(model);
  } else if (const Component* merged = spec.component("decoder_model_merged");
             merged != nullptr &&
             std::all_of(spec.components().begin(), spec.components().end(), is_decoder)) {
    // The others are the same decoder with and without a past, from the time before they were merged.
    needed.push_back(merged);
  } else {
    for (const Component& component : spec.components()) needed.push_back(&component);
  }
  if (needed.empty() && !spec.elsewhere().empty()) {
    return Error{ErrorCode::kNotFound, "weightsElsewhere", false, graphs_of(spec.elsewhere())};
  }
  if (needed.empty()) {
    return Error{ErrorCode::kNotFound, "noWeights", false, {}};
  }
  for (const char* path : {"config.json", "tokenizer.json"}) {
    if (!spec.file(path)) {
      return Error{ErrorCode::kNotFound, text::joined("noFile\t", path), false, {}};
    }
  }
  for (const Component* component : needed) {
    const std::string& asked = request.dtype.of(component->name);
    if (asked == "auto") continue;
    if (component->find(asked) == nullptr) {
      return Error{ErrorCode::kNotFound, text::joined("dtypeMissing\t", asked), false,
                   text::joined(component->name, ": ", dtypes_of(*component))};
    }
    if (!runs_on(asked, ExecutionProvider::kWebGpu, request, device) &&
        request.execution_provider == ExecutionProvider::kWebGpu) {
      return unsupported(text::joined("dtypeNeedsShaderF16\t", asked));
    }
  }

  std::optional<std::string> obstacle;
  for (const Attempt& attempt : attempts_for(request, device)) {
    VariantPlan plan;
    bool complete = true;
    bool by_name = false;
    for (const Component* component : needed) {
      const std::string& asked = request.dtype.of(component->name);
      const GraphFiles* found = nullptr;
      if (asked != "auto") {
        by_name = true;
        if (runs_on(asked, attempt.provider, request, device)) found = component->find(asked);
      } else {
        for (const std::string_view dtype : attempt.dtypes) {
          const GraphFiles* files = component->find(dtype);
          if (files == nullptr) continue;
          const auto words = files->bytes ? too_big(*files->bytes, attempt.provider, device) : std::nullopt;
          if (!words) {
            found = files;
            break;
          }
          obstacle = words;
        }
      }
      if (found == nullptr) {
        complete = false;
        break;
      }
      plan.parts_.push_back({component->name, *found});
    }
    if (!complete) continue;
    if (const auto bytes = plan.weight_bytes()) {
      if (auto words = too_big(*bytes, attempt.provider, device)) {
        obstacle = std::move(words);
        continue;
      }
    }

    plan.variant_ = {
        plan.parts_.front().files.dtype, attempt.provider,
        why(plan.parts_.front().files.dtype, attempt.provider, by_name, request, device, *needed.front())};
    for (const std::string& path : ModelSpec::text_files()) {
      if (spec.file(path)) plan.files_.push_back(path);
    }
    for (const Part& part : plan.parts_) {
      plan.files_.push_back(part.files.graph);
      for (const std::string& data : part.files.external_data) plan.files_.push_back(data);
    }
    return plan;
  }
  if (obstacle) return unsupported(*obstacle);
  return unsupported("nothingFits", dtypes_of(*needed.front()));
}

std::optional<Error> VariantPlan::obstacle() const {
  const std::string& first = parts_.front().component;
  if (parts_.size() == 1 && (first == "model" || first.starts_with("decoder"))) return std::nullopt;
  if (parts_.size() == 1) return unsupported("notTextWeights", first);
  std::string names;
  for (const Part& part : parts_)
    names += text::joined(names.empty() ? "" : ", ", part.component, " (", part.files.dtype, ")");
  return unsupported("severalParts", std::move(names));
}

void VariantPlan::set_external_data(std::vector<std::string> paths) {
  GraphFiles& graph = parts_.front().files;
  for (const std::string& old : graph.external_data) std::erase(files_, old);
  for (const std::string& path : paths) files_.push_back(path);
  graph.external_data = std::move(paths);
}

std::optional<std::uint64_t> VariantPlan::weight_bytes() const {
  std::uint64_t sum = 0;
  for (const Part& part : parts_) {
    if (!part.files.bytes) return std::nullopt;
    sum = saturating_add(sum, *part.files.bytes);
  }
  return sum;
}

std::optional<Error> quota_error(std::uint64_t bytes, const DeviceProfile& device) {
  const auto free = device.free_bytes();
  if (!free || bytes <= *free) return std::nullopt;
  return Error{ErrorCode::kQuota, text::joined("noRoom\t", bytes, "\t", *free), true, {}};
}

}  // namespace candor
