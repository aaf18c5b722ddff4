#include "candor/base/byte_ledger.hpp"

#include <gtest/gtest.h>

namespace candor {
namespace {

ByteLedger numbered(std::uint64_t from) {
  ByteLedger ledger;
  ledger.size = from;
  std::uint64_t next = from;
  for (std::uint64_t* field :
       {&ledger.position, &ledger.cached, &ledger.hashed, &ledger.verified, &ledger.kept, &ledger.restored,
        &ledger.fresh, &ledger.repeated, &ledger.wasted, &ledger.discarded})
    *field = ++next;
  return ledger;
}

TEST(ByteLedger, SumsUpEveryField) {
  ByteLedger sum = numbered(100);
  sum += numbered(1'000);
  EXPECT_EQ(sum.size, 1'100U);
  EXPECT_EQ(sum.position, 1'102U);
  EXPECT_EQ(sum.cached, 1'104U);
  EXPECT_EQ(sum.hashed, 1'106U);
  EXPECT_EQ(sum.verified, 1'108U);
  EXPECT_EQ(sum.kept, 1'110U);
  EXPECT_EQ(sum.restored, 1'112U);
  EXPECT_EQ(sum.fresh, 1'114U);
  EXPECT_EQ(sum.repeated, 1'116U);
  EXPECT_EQ(sum.wasted, 1'118U);
  EXPECT_EQ(sum.discarded, 1'120U);
}

TEST(ByteLedger, KnowsNoSizeAsSoonAsOneIsUnknown) {
  ByteLedger sum = numbered(100);
  sum += ByteLedger{};
  EXPECT_FALSE(sum.size);
  sum += numbered(100);
  EXPECT_FALSE(sum.size);
}

TEST(ByteLedger, HearsWhatIsOfNoUseToo) {
  ByteLedger ledger;
  ledger.fresh = 1;
  ledger.repeated = 20;
  ledger.wasted = 300;
  EXPECT_EQ(ledger.heard(), 321U);
}

}  // namespace
}  // namespace candor
