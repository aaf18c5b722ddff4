#include <cmath>

#include "wire/event_fields.hpp"
#include "wire/wire.hpp"

namespace candor::wire {
namespace {

std::optional<double> amount(std::optional<double> value) {
  return value && *value < 0 ? std::nullopt : value;
}

}  // namespace

bool read_json(const json::Value* value, Status& out) {
  std::uint32_t status = 0;
  if (!json::Reader::read(value, status) || status > 999) return false;
  out.status = static_cast<int>(status);
  return true;
}

bool read_json(const json::Value* value, Texts& out) {
  if (value == nullptr || !value->is(json::Value::Kind::kObject)) return false;
  for (const json::Value& one : value->items) {
    if (one.is(json::Value::Kind::kString)) out.texts.emplace_back(one.name, one.text);
  }
  return true;
}

// Of another tab, which may be of another version of this program, or none of ours.
bool read_json(const json::Value* value, ShownElsewhere& out) {
  if (value == nullptr || !value->is(json::Value::Kind::kString)) return false;
  const auto shown = json::from_text<Shown>(value->text);
  if (!shown) return false;
  event::Peer& peer = out.peer;
  peer.on_disk = shown->total_downloaded;
  peer.verified = shown->verified;
  peer.total = shown->total_size;
  peer.speed = amount(shown->speed);
  peer.stalled_for = std::max(0.0, shown->stalled_for);
  peer.stopped = shown->status == LoadStatus::kPaused || shown->status == LoadStatus::kFailed;
  if (const auto seconds = amount(shown->time_remaining)) {
    peer.eta = EtaEstimate{*seconds, std::min(amount(shown->eta_low).value_or(*seconds), *seconds),
                           std::max(amount(shown->eta_high).value_or(*seconds), *seconds)};
  }
  return true;
}

// The texts in an event have bounds of their own, and JSON may take six bytes for one of theirs.
std::optional<Event> parse_event(std::string_view text) {
  return json::from_text<Event>(text, {.max_bytes = 64U << 20U, .max_values = 2'000'000});
}

std::string on(ModelLoader& loader, std::string_view event, Instant now) {
  const auto parsed = parse_event(event);
  return parsed ? actions_to_json(loader.on(*parsed, now)) : std::string();
}

}  // namespace candor::wire
