#include "loader/session_terms.hpp"

#include <algorithm>
#include <optional>
#include <utility>

#include "base/text.hpp"
#include "candor/inference/runtime_error.hpp"

namespace candor {

const RuntimeFile* runtime_file(const ModelConfig& config, RuntimeBuild build) {
  for (const RuntimeFile& file : config.runtime_files)
    if (file.build == build) return &file;
  return nullptr;
}

SessionPlan session_plan(const ModelConfig& config, const loading::Choice& choice) {
  const VariantPlan& plan = choice.plan;
  const auto optional_file = [&](const char* path) -> std::optional<std::string> {
    const auto& files = plan.files();
    return std::find(files.begin(), files.end(), path) == files.end() ? std::nullopt
                                                                      : std::optional<std::string>(path);
  };
  SessionPlan session;
  session.execution_provider = plan.variant().execution_provider;
  session.dtype = plan.variant().dtype;
  session.graph = plan.graph().graph;
  session.external_data = plan.graph().external_data;
  session.config = "config.json";
  session.generation_config = optional_file("generation_config.json");
  session.tokenizer = "tokenizer.json";
  session.tokenizer_config = optional_file("tokenizer_config.json");
  session.chat_template = optional_file("chat_template.jinja");
  session.threads = session.execution_provider == ExecutionProvider::kWasm ? choice.device.wasm_threads() : 1;
  session.runtime = choice.device.runtime_build(session.execution_provider);
  session.subgroups = choice.device.good_subgroups();
  if (const RuntimeFile* file = runtime_file(config, session.runtime)) session.runtime_file = file->path;
  return session;
}

std::string variant_id(const Variant& variant) {
  return text::joined(variant.dtype, "/", to_string(variant.execution_provider));
}

Error examination_error(const event::FileFault& fault, bool vouched) {
  Error error{*fault.kind, {}, false, fault.detail};
  // What its owner published so, to the last bit, comes the same again.
  if (vouched) error.code = ErrorCode::kUnsupported;
  error.retryable = error.code == ErrorCode::kIntegrity;
  error.message = text::joined("cannotRunHere\t", fault.message, error.retryable ? "\tretryFetches" : "");
  return error;
}

Error session_error(const event::FileFault& fault, bool vouched) {
  const ErrorCode code = fault.kind.value_or(runtime_error(fault.message));
  // Only what has a kind is a sentence of ours; one of the core's own has parameters, and stays a detail.
  const bool said = fault.kind && !fault.message.starts_with('\t');
  const std::string ours = said ? text::joined("\t", fault.message) : std::string();
  Error error{code, {}, true, fault.detail.empty() ? fault.message : fault.detail};
  switch (code) {
    case ErrorCode::kUnsupported:
      error.message = text::joined("cannotRunHere", ours);
      error.retryable = false;
      break;
    case ErrorCode::kOutOfMemory:
      error.message = "outOfMemory";
      break;
    case ErrorCode::kDeviceLost:
      error.message = "deviceLostLoading";
      break;
    case ErrorCode::kIntegrity:
      if (vouched) {
        // It is what its owner published, to the last bit; fetching it again gives the same.
        error.code = ErrorCode::kUnsupported;
        error.message = text::joined("filesUnreadable", ours);
        error.retryable = false;
      } else {
        error.message = text::joined("filesToFetchAgain", ours);
      }
      break;
    default:
      error.code = ErrorCode::kRuntime;
      error.message = "notStarted";
      break;
  }
  return error;
}

std::vector<std::string> large_files(const SessionPlan& plan) {
  std::vector<std::string> paths = plan.external_data;
  paths.push_back(plan.graph);
  paths.push_back(plan.runtime_file);
  return paths;
}

DeviceProfile without_webgpu(DeviceProfile device, const std::string& fault) {
  device.webgpu = device.webgpu && fault.empty();
  device.webgpu_fault = fault;
  return device;
}

std::string timings_key(std::string_view model_key) { return text::joined("candor_timings_", model_key); }

}  // namespace candor
