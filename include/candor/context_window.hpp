#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace candor {

/// One message of a chat and the tokens it takes in the rendered prompt.
struct MessageCost {
  enum class Role { system, user, other };
  Role role = Role::other;
  std::uint64_t tokens = 0;
};

/// How many of the oldest messages to leave out, so that the rest and `reserve` tokens for the answer fit
/// into `context_length`. System messages stay and are not counted in the result. What remains begins with a
/// user's message, as chat templates ask, and the newest message always remains: if even that is too long, it
/// is for GenerationLoop to say so.
std::size_t messages_to_drop(std::span<const MessageCost> messages, std::uint64_t context_length,
                             std::uint64_t reserve);

}  // namespace candor
