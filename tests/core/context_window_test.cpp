#include "candor/context_window.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace candor {
namespace {

using Role = MessageCost::Role;

const std::vector<MessageCost> kChat{{Role::system, 20}, {Role::user, 30},  {Role::other, 50},
                                     {Role::user, 10},   {Role::other, 40}, {Role::user, 10}};

TEST(ContextWindow, DropsNothingThatFits) {
  EXPECT_EQ(messages_to_drop(kChat, 200, 40), 0U);
  EXPECT_EQ(messages_to_drop({}, 200, 40), 0U);
}

TEST(ContextWindow, DropsWholeTurnsFromTheOldestAndKeepsTheSystemMessage) {
  // Without the first question and answer: 20 + 10 + 40 + 10.
  EXPECT_EQ(messages_to_drop(kChat, 120, 40), 2U);
  // One token less, and the second turn has to go too.
  EXPECT_EQ(messages_to_drop(kChat, 119, 40), 4U);
}

TEST(ContextWindow, AlwaysKeepsTheNewestMessage) {
  EXPECT_EQ(messages_to_drop(kChat, 1, 0), 4U);
  const std::vector<MessageCost> one{{Role::user, 1'000}};
  EXPECT_EQ(messages_to_drop(one, 10, 5), 0U);
}

TEST(ContextWindow, LeavesAnUnusualBeginningAloneWhenItFits) {
  const std::vector<MessageCost> chat{{Role::other, 5}, {Role::user, 5}};
  EXPECT_EQ(messages_to_drop(chat, 10, 0), 0U);
  EXPECT_EQ(messages_to_drop(chat, 9, 0), 1U);
}

}  // namespace
}  // namespace candor
