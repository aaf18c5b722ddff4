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
  return std::clamp(*cores / 2, 1U, 4U);
}

RuntimeBuild DeviceProfile::runtime_build() const {
  return jspi ? RuntimeBuild::kJspi : RuntimeBuild::kAsyncify;
}

}  // namespace candor
