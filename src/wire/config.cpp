#include "wire/config_fields.hpp"
#include "wire/wire.hpp"

namespace candor::wire {

using Kind = json::Value::Kind;

bool read_json(const json::Value* value, Dtype& out) {
  if (value == nullptr || value->is(Kind::kNull)) return false;
  // What is no text is no dtype; the plan says so.
  const auto name_of = [](const json::Value& name) { return name.is(Kind::kString) ? name.text : "?"; };
  if (!value->is(Kind::kObject)) {
    out.request.all = name_of(*value);
  } else {
    for (const json::Value& one : value->items) out.request.by_component.emplace_back(one.name, name_of(one));
  }
  return true;
}

bool read_json(const json::Value* value, OrAuto& out) { return json::Reader::read(value, out.provider); }

std::optional<ModelConfig> parse_model_config(std::string_view text) {
  auto config = json::from_text<ModelConfig>(text);
  if (config && (config->model_key.empty() || config->source.repo.empty())) config.reset();
  if (config && config->model_name.empty()) config->model_name = config->model_key;
  return config;
}

}  // namespace candor::wire
