#include <limits>

#include "candor/base/bytes.hpp"
#include "state/download_state_fields.hpp"
#include "wire/names.hpp"
#include "wire/wire.hpp"

namespace candor {

void fields(auto& f, json::Of<StateManager::Restored> auto& restored) {
  if (restored.state) {
    f("state", *restored.state);
  } else {
    f("error", to_string(restored.error));
  }
}

/// The loader's own actions of these names.
void fields(auto& f, json::Of<StorageAction> auto& action) {
  const bool persist = action.kind == StorageAction::Kind::kPersist;
  f.type(persist ? "persist" : "unpersist");
  f("key", action.key);
  if (persist) f("json", action.json);
}

namespace wire {

std::string restored_to_json(const StateManager::Restored& restored) { return json::text_from(restored); }

std::string storage_to_json(const std::vector<StorageAction>& actions) { return json::text_from(actions); }

StateError update_download(StateManager& states, std::string_view model_key, std::string_view info,
                           Instant now) {
  const auto update = DownloadUpdate::from_json(info);
  return update ? states.update_download(model_key, *update, now) : StateError::kDamaged;
}

double ms_or_nan(std::optional<Instant> instant) {
  return instant ? to_ms(*instant) : std::numeric_limits<double>::quiet_NaN();
}

std::size_t count_from(double number) {
  const auto count = bytes_from_double(number);
  return count && *count <= std::numeric_limits<std::size_t>::max() ? static_cast<std::size_t>(*count) : 0;
}

}  // namespace wire
}  // namespace candor
