#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "candor/base/time.hpp"
#include "candor/io/action.hpp"
#include "candor/transfer/byte_ranges.hpp"

namespace candor {

/// A request for bytes of a file, from the asking to the end of its body.
struct Request {
  RequestId id = 0;
  FileId file = 0;
  ByteRange range;             ///< what is wanted of it; `end` falls when a later request takes over the rest
  std::uint64_t sent_end = 0;  ///< where the body that was accepted ends
  std::uint64_t position = 0;  ///< where the next byte goes
  bool ranged = false;
  bool accepted = false;
  bool drained = false;  ///< everything wanted has come; only the end is awaited
  Instant asked_at{};
  Instant accepted_at{};
  Instant last_byte_at{};
  bool peek = false;  ///< only to see what came instead of the file
  /// Where the last measurement of its pace began.
  Instant paced_at{};
  std::uint64_t paced_from = 0;

  std::uint64_t missing() const { return range.end - position; }
  /// Whether what is missing comes within the time of one answer, `trip`: so the next request can be sent
  /// already, and the line is never idle in between.
  bool ends_soon(Seconds trip, Instant now) const;
};

/// The requests under way, oldest first.
class Requests {
 public:
  /// After this long without a byte, one more connection is tried beside the silent one.
  static constexpr Seconds kSilent{3};

  void add(const Request& request) { list_.push_back(request); }
  /// Null when there is no such request; until the next add() or erase().
  Request* find(RequestId id);
  void erase(RequestId id);
  /// Gives all up that `which` holds for; what JavaScript has to do is added to `actions`.
  template <typename Which>
  void abort_if(Which which, std::vector<Action>& actions) {
    for (const Request& request : list_)
      if (which(request)) actions.push_back(action::Abort{request.id});
    std::erase_if(list_, which);
  }

  bool empty() const { return list_.empty(); }
  std::size_t size() const { return list_.size(); }
  const std::vector<Request>& list() const { return list_; }
  /// Those for this file that still bring something.
  std::size_t active(FileId file) const;
  /// When this one is given up if nothing comes: sooner when another one shows that all is well.
  Instant stalled_at(const Request& request) const;

 private:
  std::vector<Request> list_;
};

}  // namespace candor
