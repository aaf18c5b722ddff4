#include "candor/transfer/requests.hpp"

#include <gtest/gtest.h>

namespace candor {
namespace {

Instant at(double ms) { return instant_from_ms(ms); }

Request request(RequestId id, FileId file = 0) {
  Request made;
  made.id = id;
  made.file = file;
  made.range = {1'000, 2'000};
  made.position = 1'000;
  made.accepted = true;
  made.accepted_at = made.last_byte_at = at(1'000);
  return made;
}

TEST(Request, EndsSoonWhenTheRestComesBeforeAnAnswerWould) {
  Request one = request(1);
  one.position = 1'800;  // 800 bytes in 800 ms
  EXPECT_TRUE(one.ends_soon(Seconds{0.201}, at(1'800)));
  EXPECT_FALSE(one.ends_soon(Seconds{0.2}, at(1'800)));
  EXPECT_FALSE(one.ends_soon(Seconds{0}, at(1'800)));
  // The slower it came, the longer the rest takes.
  EXPECT_FALSE(one.ends_soon(Seconds{0.201}, at(1'900)));
  one.accepted = false;
  EXPECT_FALSE(one.ends_soon(Seconds{10}, at(1'800)));
}

TEST(Request, DoesNotTakeWhatLayReadyForARate) {
  Request one = request(1);
  one.position = 1'400;  // at once
  EXPECT_FALSE(one.ends_soon(Seconds{0.2}, at(1'001)));
  one.position = 1'600;
  EXPECT_TRUE(one.ends_soon(Seconds{0.2}, at(1'001)));
}

TEST(Requests, AreFoundAndGivenUpByNumberOrFile) {
  Requests requests;
  EXPECT_TRUE(requests.empty());
  for (RequestId id = 1; id <= 4; ++id) requests.add(request(id, id % 2));
  EXPECT_EQ(requests.find(3)->id, 3U);
  EXPECT_EQ(requests.find(5), nullptr);
  requests.find(2)->drained = true;
  EXPECT_EQ(requests.active(0), 1U);
  EXPECT_EQ(requests.active(1), 2U);
  requests.erase(3);
  EXPECT_EQ(requests.find(3), nullptr);
  std::vector<Action> actions;
  requests.abort_if([](const Request& r) { return r.file == 0; }, actions);
  ASSERT_EQ(actions.size(), 2U);
  EXPECT_EQ(std::get<action::Abort>(actions[0]).request, 2U);
  EXPECT_EQ(std::get<action::Abort>(actions[1]).request, 4U);
  ASSERT_EQ(requests.size(), 1U);
  EXPECT_EQ(requests.list()[0].id, 1U);
}

TEST(Requests, AreGivenUpSoonerWhereAnotherOneFlows) {
  Requests requests;
  requests.add(request(1));
  EXPECT_EQ(to_ms(requests.stalled_at(requests.list()[0])), 31'000);
  requests.add(request(2));
  requests.find(2)->last_byte_at = at(8'499);
  EXPECT_EQ(to_ms(requests.stalled_at(requests.list()[0])), 31'000);  // they may have stopped together
  requests.find(2)->last_byte_at = at(8'500);
  EXPECT_EQ(to_ms(requests.stalled_at(requests.list()[0])), 16'000);
  EXPECT_EQ(to_ms(requests.stalled_at(requests.list()[1])), 38'500);
  // One that brings nothing more shows nothing, and itself is not waited for.
  requests.find(2)->drained = true;
  EXPECT_EQ(to_ms(requests.stalled_at(requests.list()[0])), 31'000);
  EXPECT_EQ(to_ms(requests.stalled_at(requests.list()[1])), 13'500);
}

}  // namespace
}  // namespace candor
