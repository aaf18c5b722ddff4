#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace candor {

/// A file of a model: its path below the model's folder and, where known, its size in bytes.
struct ModelFile {
  std::string path;
  std::optional<std::uint64_t> size;
};

/// What comes between a component's name and ".onnx" for a dtype, by the convention of Transformers.js
/// ("q4f16" → "_q4f16", "q8" → "_quantized", "fp32" → ""); empty for a name that is no dtype.
std::optional<std::string_view> dtype_suffix(std::string_view dtype);

/// Which dtype is asked for: "auto" or a name for all components, or one by one.
struct DtypeRequest {
  std::string all = "auto";
  std::vector<std::pair<std::string, std::string>> by_component;

  /// The dtype asked for this component.
  const std::string& of(std::string_view component) const;
};

/// The weights of one component in one dtype.
struct GraphFiles {
  std::string dtype;
  std::string graph;                       ///< onnx/model_q4.onnx
  std::vector<std::string> external_data;  ///< onnx/model_q4.onnx_data, …_1, in order
  std::optional<std::uint64_t> bytes;      ///< of all of them
};

/// A part of a model with a graph of its own ("model", "embed_tokens", …) and the dtypes it exists in.
struct Component {
  std::string name;
  std::vector<GraphFiles> variants;

  const GraphFiles* find(std::string_view dtype) const;
};

/// What a folder in the Hugging Face layout contains, told from the names of its files alone.
class ModelSpec {
 public:
  explicit ModelSpec(const std::vector<ModelFile>& files);

  const std::vector<Component>& components() const { return components_; }
  const Component* component(std::string_view name) const;
  /// The graph at this path, wherever it lies; nullptr: there is none.
  const GraphFiles* graph(std::string_view path) const;
  /// Those that lie where no convention looks for them.
  const std::vector<GraphFiles>& elsewhere() const { return elsewhere_; }
  /// The path if the folder has this file, and something is in it.
  std::optional<std::string> file(std::string_view path) const;

  /// Files that every text generation model needs or may have, weights aside, smallest first.
  static const std::vector<std::string>& text_files();
  /// The names under which a text generation model's weights could be found in these dtypes: what to ask for
  /// where nothing lists the files.
  static std::vector<std::string> weight_candidates(const std::vector<std::string>& dtypes);

 private:
  std::vector<Component> components_;
  std::vector<GraphFiles> elsewhere_;
  std::vector<std::string> others_;
};

}  // namespace candor
