#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "candor/model/variant_plan.hpp"
#include "candor/transfer/source_resolver.hpp"
#include "candor/transfer/transfer_sizes.hpp"

namespace candor {

/// Whether a model that is whole on disk is asked for again.
enum class Revalidate {
  kDefault,     ///< kBackground; kNever for a commit, which cannot change
  kNever,       ///< what is here is used
  kBackground,  ///< what is here is loaded, and a newer version is looked for beside
  kBeforeLoad   ///< the list is asked for first, and what changed is fetched; what is here is used if it
                ///< doesn't come
};

/// The code of one build of the runtime, which is loaded as a file of the model. What it must be is known
/// since the package was built.
struct RuntimeFile {
  RuntimeBuild build = RuntimeBuild::kAsyncify;
  std::string path;  ///< below the model's folder; it names the version
  std::string url;
  std::uint64_t size = 0;
  std::string sha256;
};

/// What the core is told about one model when its loader is made.
struct ModelConfig {
  std::string model_key;
  std::string model_name;
  ModelSource source;
  VariantRequest variant;
  std::vector<RuntimeFile> runtime_files;  ///< of each build that a device may need
  std::optional<std::string> record;       ///< saved under download_state_${modelKey}; hostile until checked
  std::optional<std::string> timings;      ///< saved under candor_timings_${modelKey}; hostile until checked
  Revalidate revalidate = Revalidate::kDefault;
  std::uint64_t seed = 0;  ///< of the jitter of waits
  TransferSizes sizes;     ///< for tests, whose files are small
};

}  // namespace candor
