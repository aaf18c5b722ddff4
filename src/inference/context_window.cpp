#include "candor/inference/context_window.hpp"

#include <algorithm>

#include "candor/base/bytes.hpp"

namespace candor {

std::size_t messages_to_drop(std::span<const MessageCost> messages, std::uint64_t prompt_tokens,
                             std::uint64_t context_length, std::optional<std::uint64_t> max_new_tokens) {
  std::uint64_t own = 0;
  for (const MessageCost& message : messages) own = saturating_add(own, message.tokens);
  const std::uint64_t count = messages.size();
  const std::uint64_t added =
      prompt_tokens > own && count > 0 ? (prompt_tokens - own + count - 1) / count : 0;
  const std::uint64_t limit = context_length / 4;
  std::uint64_t needed = saturating_add(prompt_tokens, std::min(max_new_tokens.value_or(limit), limit));

  std::size_t dropped = 0;
  bool begins_with_user = true;
  for (std::size_t i = 0; i + 1 < messages.size(); ++i) {
    const MessageCost& message = messages[i];
    if (message.role == MessageCost::Role::kSystem) continue;
    begins_with_user = begins_with_user || message.role == MessageCost::Role::kUser;
    if (needed <= context_length && begins_with_user) break;
    needed -= std::min(needed, saturating_add(message.tokens, added));
    begins_with_user = false;
    ++dropped;
  }
  return dropped;
}

}  // namespace candor
