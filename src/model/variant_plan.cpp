#include "candor/model/variant_plan.hpp"

#include <algorithm>
#include <string_view>

#include "base/text.hpp"
#include "base/words.hpp"
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
  if (webgpu) attempts.push_back({ExecutionProvider::kWebGpu, device.shader_f16 ? kHalf : kQuarter});
  if (wasm) attempts.push_back({ExecutionProvider::kWasm, kProcessor});
  if (webgpu) attempts.push_back({ExecutionProvider::kWebGpu, kFull});
  if (wasm) attempts.push_back({ExecutionProvider::kWasm, kLast});
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
    return text::joined("This model's weights take ", bytes_in_words(bytes),
                        ", more than the memory of this device.");
  }
  if (provider == ExecutionProvider::kWasm && bytes > kWasmWeights) {
    return text::joined("This model's weights take ", bytes_in_words(bytes),
                        ", more than a browser can hold without WebGPU (", bytes_in_words(kWasmWeights),
                        ").");
  }
  return std::nullopt;
}

const char* dtype_in_words(std::string_view dtype) {
  if (dtype == "q4f16") return "4-bit weights with 16-bit arithmetic";
  if (dtype == "q4" || dtype == "bnb4") return "4-bit weights";
  if (dtype == "fp16") return "16-bit weights";
  if (dtype == "fp32") return "32-bit weights";
  return "8-bit weights";
}

std::string why(const std::string& dtype, ExecutionProvider provider, bool by_name,
                const VariantRequest& request, const DeviceProfile& device, const Component& component) {
  std::string text = text::joined(
      dtype_in_words(dtype), provider == ExecutionProvider::kWebGpu ? " on WebGPU" : " on the processor");
  text.front() = static_cast<char>(text.front() >= 'a' ? text.front() - 'a' + 'A' : text.front());
  if (by_name) {
    text += text::joined(": ", dtype, " was asked for");
  }
  if (provider == ExecutionProvider::kWasm) {
    text += by_name ? "; " : ": ";
    if (request.execution_provider == ExecutionProvider::kWasm) {
      text += "the page asked for the processor";
    } else if (!device.webgpu) {
      text += "this browser offers no WebGPU";
    } else if (needs_f16(dtype) && !device.shader_f16) {
      text += "this device's WebGPU has no 16-bit arithmetic (shader-f16)";
    } else if (is_for_processor(dtype)) {
      text += "WebGPU cannot compute with these";
    } else {
      text += "they do not fit this device's WebGPU";
    }
  } else if (!by_name) {
    text += device.shader_f16 ? ": this device's WebGPU has 16-bit arithmetic (shader-f16)"
                              : ": this device's WebGPU has no 16-bit arithmetic (shader-f16)";
  }
  if (!by_name) {
    const std::string best = VariantPlan::preferred_dtypes(request, device).front();
    if (best != dtype && component.find(best) == nullptr)
      text += text::joined("; the model comes without ", best);
  }
  text += '.';
  if (provider == ExecutionProvider::kWebGpu && device.fallback_adapter) {
    text += " WebGPU runs in software here, so answers will be slow.";
  }
  return text;
}

std::string dtypes_of(const Component& component) {
  std::string text;
  for (const GraphFiles& files : component.variants) {
    if (!text.empty()) text += ", ";
    text += files.dtype;
  }
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
    return unsupported("This model is set to run on WebGPU, which this browser does not offer.");
  }
  const auto known = [](const std::string& dtype) { return dtype == "auto" || dtype_suffix(dtype); };
  if (!known(request.dtype.all))
    return unsupported("The page asks for a dtype that does not exist.", request.dtype.all);
  for (const auto& [name, dtype] : request.dtype.by_component) {
    if (!known(dtype))
      return unsupported("The page asks for a dtype that does not exist.", text::joined(name, ": ", dtype));
    if (spec.component(name) == nullptr) {
      return unsupported("The page asks for a dtype of a part that this model does not have.", name);
    }
  }

  std::vector<const Component*> needed;
  if (const Component* model = spec.component("model")) {
    needed.push_back(model);
  } else {
    for (const Component& component : spec.components()) needed.push_back(&component);
  }
  if (needed.empty()) {
    return Error{ErrorCode::kNotFound, "There are no ONNX weights in this model's folder.", false, {}};
  }
  for (const char* path : {"config.json", "tokenizer.json"}) {
    if (!spec.file(path)) {
      return Error{ErrorCode::kNotFound, text::joined("This model's folder has no ", path, "."), false, {}};
    }
  }
  for (const Component* component : needed) {
    const std::string& asked = request.dtype.of(component->name);
    if (asked == "auto") continue;
    if (component->find(asked) == nullptr) {
      return Error{ErrorCode::kNotFound,
                   text::joined("This model does not come in the dtype that was asked for, ", asked, "."),
                   false, text::joined(component->name, ": ", dtypes_of(*component))};
    }
    if (!runs_on(asked, ExecutionProvider::kWebGpu, request, device) &&
        request.execution_provider == ExecutionProvider::kWebGpu) {
      return unsupported(text::joined(
          asked,
          " was asked for on WebGPU, but this device's WebGPU has no 16-bit arithmetic (shader-f16)."));
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
  return unsupported("None of this model's weights can be used on this device.", dtypes_of(*needed.front()));
}

std::optional<Error> VariantPlan::obstacle() const {
  if (parts_.size() == 1 && parts_.front().component == "model") return std::nullopt;
  std::string names;
  for (const Part& part : parts_)
    names += text::joined(names.empty() ? "" : ", ", part.component, " (", part.files.dtype, ")");
  return unsupported(
      "This model is made of parts that have to work together, such as for images or sound; Candor runs text "
      "models of one part.",
      std::move(names));
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
  return Error{ErrorCode::kQuota,
               text::joined("There is not enough room: the download needs ", bytes_in_words(bytes),
                            ", and this site may store ", bytes_in_words(*free), " more."),
               true,
               {}};
}

}  // namespace candor
