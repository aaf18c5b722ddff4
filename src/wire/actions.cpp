#include "wire/action_fields.hpp"
#include "wire/wire.hpp"

namespace candor::wire {

std::string actions_to_json(const std::vector<Action>& actions) {
  return actions.empty() ? std::string() : json::text_from(actions);
}

}  // namespace candor::wire
