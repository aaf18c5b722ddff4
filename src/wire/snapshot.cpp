#include "wire/snapshot_fields.hpp"
#include "wire/wire.hpp"

namespace candor::wire {

SnapshotError in_full(const Error& error) { return {error, 0, std::nullopt}; }

std::string snapshot_to_json(const Snapshot& snapshot) { return json::text_from(snapshot); }

std::string snapshot_to_json(const std::optional<Snapshot>& snapshot) {
  return snapshot ? snapshot_to_json(*snapshot) : std::string();
}

}  // namespace candor::wire
