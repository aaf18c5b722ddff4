#include "loader/choosing.hpp"

#include <algorithm>
#include <memory>
#include <utility>

#include "base/text.hpp"

namespace candor {
namespace {

std::vector<ModelFile> model_files(const Manifest& manifest) {
  std::vector<ModelFile> files;
  files.reserve(manifest.files().size());
  for (const ManifestFile& file : manifest.files()) files.push_back({file.path, file.size});
  return files;
}

}  // namespace

loading::ChoicePtr choose(const Manifest& list, const VariantRequest& request, const DeviceProfile& device,
                          Error& error) {
  auto chosen = VariantPlan::choose(ModelSpec(model_files(list)), request, device);
  if (Error* none = std::get_if<Error>(&chosen)) {
    error = std::move(*none);
    return nullptr;
  }
  VariantPlan& plan = std::get<VariantPlan>(chosen);
  if (auto obstacle = plan.obstacle()) {
    error = std::move(*obstacle);
    return nullptr;
  }
  return std::make_shared<const loading::Choice>(loading::Choice{device, std::move(plan)});
}

std::vector<std::string> candidates(const ModelConfig& config, const DeviceProfile& device) {
  if (!config.source.is_folder()) return {};
  std::vector<std::string> paths = ModelSpec::text_files();
  if (const std::string& file = config.variant.file; !file.empty()) {
    paths.push_back(file);
    paths.push_back(file + "_data");
    return paths;
  }
  const auto dtypes = VariantPlan::preferred_dtypes(config.variant, device);
  for (std::string& path : ModelSpec::weight_candidates(dtypes)) paths.push_back(std::move(path));
  return paths;
}

loading::ChoicePtr with_other_data(loading::ChoicePtr choice, const Manifest& files) {
  if (!choice || !choice->plan.graph().external_data.empty()) return choice;
  const std::string& graph = choice->plan.graph().graph;
  const std::string_view folder = std::string_view(graph).substr(0, graph.rfind('/') + 1);
  std::vector<std::string> others;
  for (const ManifestFile& file : files.files())
    // The runtime's code lies among the model's files.
    if (file.path.starts_with(folder) && !file.path.ends_with(".wasm") &&
        file.path.find(".onnx") == std::string::npos &&
        std::find(choice->plan.files().begin(), choice->plan.files().end(), file.path) ==
            choice->plan.files().end() &&
        std::find(ModelSpec::text_files().begin(), ModelSpec::text_files().end(), file.path) ==
            ModelSpec::text_files().end())
      others.push_back(file.path);
  if (others.empty()) return choice;
  loading::Choice with = *choice;
  with.plan.set_external_data(std::move(others));
  return std::make_shared<const loading::Choice>(std::move(with));
}

Revalidate revalidation(const ModelConfig& config) {
  if (config.revalidate != Revalidate::kDefault) return config.revalidate;
  const bool is_commit = !config.source.is_folder() && text::is_hex(config.source.revision, 40);
  return is_commit ? Revalidate::kNever : Revalidate::kBackground;
}

std::optional<Newer> newer_than(const Download& download, const Manifest& list,
                                const std::vector<std::string>& paths) {
  Newer newer{0};
  bool any = false;
  const Manifest wanted = list.only(paths);
  for (const ManifestFile& file : wanted.files()) {
    const auto& files = download.files();
    const auto here = std::find_if(files.begin(), files.end(),
                                   [&](const FileTransfer& one) { return one.file().path == file.path; });
    if (here != files.end() && is_same(file, here->journal(), list.commit(), download.manifest().commit()))
      continue;
    // Where nothing tells versions apart, nobody knows of a newer one.
    const bool told =
        file.has_hash() || (file.version.known() && here != files.end() && here->journal().version.known());
    if (here != files.end() && !told && file.size == here->size()) continue;
    any = true;
    if (newer.bytes && file.size)
      *newer.bytes += *file.size;
    else
      newer.bytes.reset();
  }
  return any ? std::optional(newer) : std::nullopt;
}

}  // namespace candor
