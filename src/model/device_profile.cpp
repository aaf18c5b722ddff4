#include "candor/model/device_profile.hpp"

#include <algorithm>

#include "candor/base/bytes.hpp"

namespace candor {

std::optional<std::uint64_t> DeviceProfile::free_bytes() const {
  if (!quota || !usage) return std::nullopt;
  return saturating_sub(*quota, *usage);
}

unsigned DeviceProfile::wasm_threads() const {
  if (!cross_origin_isolated || !cores) return 1;
  return std::clamp(*cores / 2, std::clamp(*cores, 1U, 2U), 4U);
}

bool DeviceProfile::good_subgroups() const { return subgroup_min_size && *subgroup_min_size >= 8; }

RuntimeBuild DeviceProfile::runtime_build(ExecutionProvider provider) const {
  if (provider == ExecutionProvider::kWasm) return RuntimeBuild::kPlain;
  return jspi ? RuntimeBuild::kJspi : RuntimeBuild::kAsyncify;
}

}  // namespace candor
