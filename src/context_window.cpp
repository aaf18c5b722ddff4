#include "candor/context_window.hpp"

#include "candor/bytes.hpp"

namespace candor {

std::size_t messages_to_drop(std::span<const MessageCost> messages, std::uint64_t context_length,
                             std::uint64_t reserve) {
  std::uint64_t needed = reserve;
  for (const MessageCost& message : messages) needed = saturating_add(needed, message.tokens);

  std::size_t dropped = 0;
  bool begins_with_user = true;
  for (std::size_t i = 0; i + 1 < messages.size(); ++i) {
    const MessageCost& message = messages[i];
    if (message.role == MessageCost::Role::system) continue;
    begins_with_user = begins_with_user || message.role == MessageCost::Role::user;
    if (needed <= context_length && begins_with_user) break;
    needed -= message.tokens;
    begins_with_user = false;
    ++dropped;
  }
  return dropped;
}

}  // namespace candor
