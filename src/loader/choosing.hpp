#pragma once

#include <optional>
#include <string>
#include <vector>

#include "candor/base/error.hpp"
#include "candor/io/snapshot.hpp"
#include "candor/loader/loader_state.hpp"
#include "candor/loader/model_config.hpp"

/// What is chosen of a list of files, and what another list would change.
namespace candor {

/// The weights of this list for this device; null, and why in `error`, where there are none that can be run.
loading::ChoicePtr choose(const Manifest& list, const VariantRequest& request, const DeviceProfile& device,
                          Error& error);

/// What to ask for in a plain folder that has no list.
std::vector<std::string> candidates(const ModelConfig& config, const DeviceProfile& device);

/// Whether a newer list is looked for, and when; never kDefault.
Revalidate revalidation(const ModelConfig& config);

/// What of the new list's `paths` is not what was downloaded; empty: nothing, as far as anything tells.
std::optional<Newer> newer_than(const Download& download, const Manifest& list,
                                const std::vector<std::string>& paths);

/// With the data that a small graph named when it came: what lies beside it in an earlier visit's folder,
/// under names that no convention knows. Null for null.
loading::ChoicePtr with_other_data(loading::ChoicePtr choice, const Manifest& files);

}  // namespace candor
