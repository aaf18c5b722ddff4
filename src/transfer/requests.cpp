#include "candor/transfer/requests.hpp"

#include <algorithm>

namespace candor {
namespace {

// A connection without a byte for this long is given up.
constexpr Seconds kStalledBesideOthers{15};
constexpr Seconds kStalledAlone{30};
// Everything wanted has come, and the server still does not end the body.
constexpr Seconds kEndless{5};

}  // namespace

bool Request::ends_soon(Seconds trip, Instant now) const {
  if (!accepted) return false;
  // What comes at first lay ready in buffers on the way, and is no rate.
  const Seconds elapsed = std::max(Seconds(now - accepted_at), trip);
  return static_cast<double>(missing()) * elapsed.count() <
         static_cast<double>(position - range.first) * trip.count();
}

Request* Requests::find(RequestId id) {
  const auto it = std::find_if(list_.begin(), list_.end(), [&](const Request& r) { return r.id == id; });
  return it == list_.end() ? nullptr : &*it;
}

void Requests::erase(RequestId id) {
  std::erase_if(list_, [&](const Request& request) { return request.id == id; });
}

std::size_t Requests::active(FileId file) const {
  return static_cast<std::size_t>(std::count_if(list_.begin(), list_.end(), [&](const Request& request) {
    return request.file == file && !request.drained;
  }));
}

Instant Requests::stalled_at(const Request& request) const {
  if (request.drained) return request.last_byte_at + kEndless;
  // Another one flows if it brought something well after this one fell silent; when the whole network stops,
  // they all do at once.
  for (const Request& other : list_)
    if (other.accepted && !other.drained &&
        other.last_byte_at >= request.last_byte_at + kStalledBesideOthers / 2)
      return request.last_byte_at + kStalledBesideOthers;
  return request.last_byte_at + kStalledAlone;
}

}  // namespace candor
