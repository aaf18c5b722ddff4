#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace candor {

/// One message of a chat and the tokens of its content alone.
struct MessageCost {
  enum class Role { kSystem, kUser, kOther };
  Role role = Role::kOther;
  std::uint64_t tokens = 0;
};

/// How many of the oldest messages to leave out, so that the prompt and an answer fit into `context_length`.
/// System messages stay and are not counted in the result. What remains begins with a user's message, as
/// chat templates ask, and the newest message always remains: if even that is too long, it is for
/// GenerationLoop to say so.
/// @param prompt_tokens of all messages as the template renders them. What the template adds is taken to be
///   the same for each message, as it is in all templates we know.
/// @param max_new_tokens the answer's limit. Of the window, a quarter at most is kept free for the answer.
std::size_t messages_to_drop(std::span<const MessageCost> messages, std::uint64_t prompt_tokens,
                             std::uint64_t context_length, std::optional<std::uint64_t> max_new_tokens);

}  // namespace candor
