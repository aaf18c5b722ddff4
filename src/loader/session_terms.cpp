#include "loader/session_terms.hpp"

#include <algorithm>
#include <optional>
#include <utility>

#include "base/text.hpp"

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
  session.runtime = choice.device.runtime_build();
  if (const RuntimeFile* file = runtime_file(config, session.runtime)) session.runtime_file = file->path;
  return session;
}

std::string variant_id(const Variant& variant) {
  return text::joined(variant.dtype, "/", to_string(variant.execution_provider));
}

Error session_error(ErrorCode code, std::string detail, bool vouched) {
  Error error{code, {}, true, std::move(detail)};
  switch (code) {
    case ErrorCode::kUnsupported:
      error.message = "cannotRunHere";
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
        error.message = "filesUnreadable";
        error.retryable = false;
      } else {
        error.message = "filesToFetchAgain";
      }
      break;
    default:
      error.code = ErrorCode::kRuntime;
      error.message = "notStarted";
      break;
  }
  return error;
}

}  // namespace candor
