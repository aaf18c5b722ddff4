#include "candor/inference/context_window.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace candor {
namespace {

using Role = MessageCost::Role;

const std::vector<MessageCost> kChat{{Role::kSystem, 20}, {Role::kUser, 30},  {Role::kOther, 50},
                                     {Role::kUser, 10},   {Role::kOther, 40}, {Role::kUser, 10}};

TEST(ContextWindow, DropsNothingThatFits) {
  EXPECT_EQ(messages_to_drop(kChat, 160, 200, 40), 0U);
  EXPECT_EQ(messages_to_drop({}, 0, 200, 40), 0U);
}

TEST(ContextWindow, DropsWholeTurnsFromTheOldestAndKeepsTheSystemMessage) {
  // Without the first question and answer: 20 + 10 + 40 + 10, and 20 for the answer.
  EXPECT_EQ(messages_to_drop(kChat, 160, 100, 20), 2U);
  // One token less, and the second turn has to go too.
  EXPECT_EQ(messages_to_drop(kChat, 160, 99, 20), 4U);
}

TEST(ContextWindow, CountsWhatTheTemplateAddsToEachMessage) {
  // Six messages with five tokens each around them: 80 + 4 * 5 remain of 190.
  EXPECT_EQ(messages_to_drop(kChat, 190, 120, 20), 2U);
  EXPECT_EQ(messages_to_drop(kChat, 190, 119, 20), 4U);
}

TEST(ContextWindow, KeepsAQuarterFreeForAnAnswerAtMost) {
  EXPECT_EQ(messages_to_drop(kChat, 160, 214, std::nullopt), 0U);
  EXPECT_EQ(messages_to_drop(kChat, 160, 212, std::nullopt), 2U);
  EXPECT_EQ(messages_to_drop(kChat, 160, 214, 1'000'000), 0U);
  EXPECT_EQ(messages_to_drop(kChat, 160, 165, 5), 0U);
}

TEST(ContextWindow, AlwaysKeepsTheNewestMessage) {
  EXPECT_EQ(messages_to_drop(kChat, 160, 1, 0), 4U);
  const std::vector<MessageCost> one{{Role::kUser, 1'000}};
  EXPECT_EQ(messages_to_drop(one, 1'004, 10, 5), 0U);
}

TEST(ContextWindow, LeavesAnUnusualBeginningAloneWhenItFits) {
  const std::vector<MessageCost> chat{{Role::kOther, 5}, {Role::kUser, 5}};
  EXPECT_EQ(messages_to_drop(chat, 10, 10, 0), 0U);
  EXPECT_EQ(messages_to_drop(chat, 10, 9, 0), 1U);
}

TEST(ContextWindow, StaysWithinItsNumbers) {
  const std::uint64_t most = ~std::uint64_t{0};
  const std::vector<MessageCost> chat{{Role::kUser, most}, {Role::kOther, most}, {Role::kUser, 1}};
  EXPECT_EQ(messages_to_drop(chat, most, 100, most), 2U);
}

}  // namespace
}  // namespace candor
