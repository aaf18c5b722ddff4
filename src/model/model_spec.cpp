#include "candor/model/model_spec.hpp"

#include <algorithm>
#include <array>

#include "base/text.hpp"
#include "candor/base/bytes.hpp"

namespace candor {
namespace {

struct DtypeName {
  std::string_view dtype;
  std::string_view suffix;
};
constexpr std::array<DtypeName, 8> kDtypes{{
    {"fp32", ""},
    {"fp16", "_fp16"},
    {"q8", "_quantized"},
    {"int8", "_int8"},
    {"uint8", "_uint8"},
    {"q4", "_q4"},
    {"q4f16", "_q4f16"},
    {"bnb4", "_bnb4"},
}};

constexpr std::string_view kFolder = "onnx/";
constexpr std::string_view kExtension = ".onnx";

// Position of "<graph>_data" (0), "<graph>_data_1" (1), … among a graph's external data.
std::optional<std::uint64_t> external_index(std::string_view path, std::string_view graph) {
  if (!path.starts_with(graph)) return std::nullopt;
  path.remove_prefix(graph.size());
  if (path == "_data" || path == ".data") return 0;
  if (!path.starts_with("_data_")) return std::nullopt;
  path.remove_prefix(6);
  return text::parse_uint(path);
}

}  // namespace

std::optional<std::string_view> dtype_suffix(std::string_view dtype) {
  for (const DtypeName& name : kDtypes) {
    if (name.dtype == dtype) return name.suffix;
  }
  return std::nullopt;
}

const std::string& DtypeRequest::of(std::string_view component) const {
  for (const auto& [name, dtype] : by_component) {
    if (name == component) return dtype;
  }
  return all;
}

const GraphFiles* Component::find(std::string_view dtype) const {
  for (const GraphFiles& variant : variants) {
    if (variant.dtype == dtype) return &variant;
  }
  return nullptr;
}

ModelSpec::ModelSpec(const std::vector<ModelFile>& files) {
  for (const ModelFile& file : files) {
    std::string_view name = file.path;
    if (!name.ends_with(kExtension)) {
      if (file.size != std::uint64_t{0}) others_.push_back(file.path);
      continue;
    }
    const bool elsewhere =
        !name.starts_with(kFolder) || name.find('/', kFolder.size()) != std::string_view::npos;
    name.remove_prefix(elsewhere ? name.rfind('/') + 1 : kFolder.size());
    name.remove_suffix(kExtension.size());

    DtypeName dtype = kDtypes[0];
    for (const DtypeName& candidate : kDtypes) {
      if (name.ends_with(candidate.suffix) && candidate.suffix.size() > dtype.suffix.size())
        dtype = candidate;
    }
    name.remove_suffix(dtype.suffix.size());

    GraphFiles graph{std::string(dtype.dtype), file.path, {}, file.size};
    for (const ModelFile& other : files) {
      const auto index = external_index(other.path, file.path);
      if (!index) continue;
      const auto place =
          std::find_if(graph.external_data.begin(), graph.external_data.end(),
                       [&](const std::string& path) { return external_index(path, file.path) > index; });
      graph.external_data.insert(place, other.path);
      if (graph.bytes)
        graph.bytes = other.size ? std::optional(saturating_add(*graph.bytes, *other.size)) : std::nullopt;
    }

    if (elsewhere || name.empty()) {
      elsewhere_.push_back(std::move(graph));
      continue;
    }
    const auto known = std::find_if(components_.begin(), components_.end(),
                                    [&](const Component& component) { return component.name == name; });
    Component& component =
        known != components_.end() ? *known : components_.emplace_back(Component{std::string(name), {}});
    component.variants.push_back(std::move(graph));
  }
}

const Component* ModelSpec::component(std::string_view name) const {
  for (const Component& component : components_) {
    if (component.name == name) return &component;
  }
  return nullptr;
}

const GraphFiles* ModelSpec::graph(std::string_view path) const {
  for (const Component& component : components_)
    for (const GraphFiles& files : component.variants)
      if (files.graph == path) return &files;
  for (const GraphFiles& files : elsewhere_)
    if (files.graph == path) return &files;
  return nullptr;
}

std::optional<std::string> ModelSpec::file(std::string_view path) const {
  const auto found = std::find(others_.begin(), others_.end(), path);
  return found == others_.end() ? std::nullopt : std::optional(*found);
}

const std::vector<std::string>& ModelSpec::text_files() {
  static const std::vector<std::string> files = {"config.json", "generation_config.json",
                                                 "tokenizer_config.json", "chat_template.jinja",
                                                 "tokenizer.json"};
  return files;
}

std::vector<std::string> ModelSpec::weight_candidates(const std::vector<std::string>& dtypes) {
  std::vector<std::string> paths;
  for (const std::string& dtype : dtypes) {
    const auto suffix = dtype_suffix(dtype);
    if (!suffix) continue;
    std::string graph = text::joined(kFolder, "model", *suffix, kExtension);
    paths.push_back(text::joined(graph, "_data"));
    paths.push_back(std::move(graph));
  }
  return paths;
}

}  // namespace candor
