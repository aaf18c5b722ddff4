#pragma once

#include <optional>

#include "wire/names.hpp"

/// What bindings.d.ts calls ModelConfig.
namespace candor {

namespace wire {

/// One name for all components, or one for each.
struct Dtype {
  DtypeRequest& request;
};
bool read_json(const json::Value* value, Dtype& out);

/// A name, or "auto" for none.
struct OrAuto {
  std::optional<ExecutionProvider>& provider;
};
bool read_json(const json::Value* value, OrAuto& out);

}  // namespace wire

void fields(auto& f, json::Of<RuntimeFile> auto& file) {
  f.required("runtime", file.build);
  f.required("path", file.path);
  f.required("url", file.url);
  f.required("size", file.size);
  f.required("sha256", file.sha256);
}

void fields(auto& f, json::Of<ModelConfig> auto& config) {
  f.required("modelKey", config.model_key);
  f("modelName", config.model_name);
  f.required("repo", config.source.repo);
  f("revision", config.source.revision);
  f("host", config.source.host);
  f("dtype", wire::Dtype{config.variant.dtype});
  f("file", config.variant.file);
  f("executionProvider", wire::OrAuto{config.variant.execution_provider});
  f("runtimeFiles", config.runtime_files);
  f("record", config.record);
  f("timings", config.timings);
  f("revalidate", config.revalidate);
  f("seed", config.seed);
}

}  // namespace candor
