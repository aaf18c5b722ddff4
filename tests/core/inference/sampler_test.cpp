#include "candor/inference/sampler.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <map>
#include <set>
#include <vector>

namespace candor {
namespace {

std::map<TokenId, int> draw(const SamplerOptions& options, const std::vector<float>& logits, int times) {
  Sampler sampler(options);
  std::map<TokenId, int> counts;
  for (int i = 0; i < times; ++i) {
    std::vector<float> copy = logits;
    const auto token = sampler.next(copy);
    EXPECT_TRUE(token.has_value());
    ++counts[token.value_or(0)];
  }
  return counts;
}

// Softmax of logits / temperature.
std::vector<double> probabilities(const std::vector<float>& logits, double temperature) {
  std::vector<double> p;
  double sum = 0;
  for (const float logit : logits) sum += p.emplace_back(std::exp(static_cast<double>(logit) / temperature));
  for (double& value : p) value /= sum;
  return p;
}

TEST(Pcg32, GivesTheNumbersOfItsAuthorsDemonstration) {
  Pcg32 random(42);
  for (const std::uint32_t expected :
       {0xa15c02b7U, 0x7b47f409U, 0xba1d3330U, 0x83d2f293U, 0xbfa4784bU, 0xcbed606eU}) {
    EXPECT_EQ(random.next(), expected);
  }
}

TEST(Pcg32, StaysInTheUnitInterval) {
  Pcg32 random(7);
  double sum = 0;
  for (int i = 0; i < 100'000; ++i) {
    const double value = random.uniform();
    ASSERT_GE(value, 0);
    ASSERT_LT(value, 1);
    sum += value;
  }
  EXPECT_NEAR(sum / 100'000, 0.5, 0.005);
}

TEST(Sampler, IsGreedyAtTemperatureZero) {
  Sampler sampler({});
  std::vector<float> logits{0.5F, -1, 3.25F, 3.2F};
  EXPECT_EQ(sampler.next(logits), 2U);
}

TEST(Sampler, BreaksTiesByTheLowestId) {
  Sampler sampler({});
  std::vector<float> logits{1, 4, 2, 4, 4};
  EXPECT_EQ(sampler.next(logits), 1U);
}

TEST(Sampler, FindsNothingInNumbersThatMakeNoSense) {
  constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
  constexpr float kInf = std::numeric_limits<float>::infinity();
  for (const double temperature : {0.0, 1.0}) {
    for (std::vector<float> logits :
         std::vector<std::vector<float>>{{}, {kNan, 1}, {1, kNan}, {1, kInf}, {-kInf, -kInf}}) {
      Sampler sampler({.temperature = temperature});
      EXPECT_FALSE(sampler.next(logits).has_value());
    }
  }
}

TEST(Sampler, NeverChoosesAMaskedToken) {
  constexpr float kInf = std::numeric_limits<float>::infinity();
  const auto counts = draw({.temperature = 5}, {-kInf, 0, -kInf, 0.5F, -kInf}, 2'000);
  EXPECT_EQ(counts.size(), 2U);
  EXPECT_TRUE(counts.count(1) && counts.count(3));
}

TEST(Sampler, FollowsTheSoftmax) {
  const std::vector<float> logits{0, 1, 2, -1, 0.5F};
  const auto expected = probabilities(logits, 0.8);
  const auto counts = draw({.temperature = 0.8, .seed = 3}, logits, 100'000);
  for (TokenId id = 0; id < logits.size(); ++id) {
    EXPECT_NEAR(counts.count(id) ? counts.at(id) / 1e5 : 0, expected[id], 0.006) << id;
  }
}

TEST(Sampler, GivesTheSameTokensForTheSameSeed) {
  const std::vector<float> logits{0, 1, 2, -1, 0.5F};
  const auto sequence = [&](std::uint64_t seed) {
    Sampler sampler({.temperature = 1, .seed = seed});
    std::vector<TokenId> tokens;
    for (int i = 0; i < 50; ++i) {
      auto copy = logits;
      tokens.push_back(sampler.next(copy).value_or(99));
    }
    return tokens;
  };
  EXPECT_EQ(sequence(11), sequence(11));
  EXPECT_NE(sequence(11), sequence(12));
}

TEST(Sampler, KeepsTheTopK) {
  const auto counts = draw({.temperature = 3, .top_k = 2}, {0, 5, 4, 3, 2, 1}, 1'000);
  EXPECT_EQ(counts.size(), 2U);
  EXPECT_TRUE(counts.count(1) && counts.count(2));
}

TEST(Sampler, KeepsTheFewestTokensThatReachTopP) {
  // Probabilities .5, .3, .15, .05: the sum .7 is reached with the second.
  const std::vector<float> logits{std::log(0.05F), std::log(0.5F), std::log(0.15F), std::log(0.3F)};
  auto counts = draw({.temperature = 1, .top_p = 0.7}, logits, 20'000);
  EXPECT_EQ(counts.size(), 2U);
  EXPECT_NEAR(counts[1] / 2e4, 0.5 / 0.8, 0.015);
  EXPECT_NEAR(counts[3] / 2e4, 0.3 / 0.8, 0.015);
  EXPECT_EQ(draw({.temperature = 1, .top_p = 0.001}, logits, 100).size(), 1U);
  EXPECT_EQ(draw({.temperature = 1, .top_p = 0}, logits, 100).size(), 1U);
  EXPECT_EQ(draw({.temperature = 1, .top_p = 0.9501}, logits, 20'000).size(), 4U);
}

TEST(Sampler, DropsTokensBelowMinP) {
  // Relative to the best: .1, 1, .3, .6.
  const std::vector<float> logits{std::log(0.05F), std::log(0.5F), std::log(0.15F), std::log(0.3F)};
  auto counts = draw({.temperature = 1, .min_p = 0.25}, logits, 20'000);
  EXPECT_EQ(counts.size(), 3U);
  EXPECT_EQ(counts.count(0), 0U);
  EXPECT_NEAR(counts[2] / 2e4, 0.15 / 0.95, 0.01);
  EXPECT_EQ(draw({.temperature = 1, .min_p = 1}, logits, 100).size(), 1U);
}

TEST(Sampler, DividesPositiveAndMultipliesNegativeLogitsOfSeenTokensOnce) {
  Sampler sampler({.repetition_penalty = 2});
  sampler.seen(1);
  sampler.seen(1);
  sampler.seen(3);
  sampler.seen(1'000'000);  // beyond the vocabulary
  std::vector<float> logits{2.5F, 4, -0.5F, -1};
  EXPECT_EQ(sampler.next(logits), 0U);
  EXPECT_EQ(logits, (std::vector<float>{2.5F, 2, -0.5F, -2}));
}

TEST(Sampler, TakesOptionsOutsideTheirRangeAsTheNearestInside) {
  constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
  Sampler greedy({.temperature = kNan, .top_p = kNan, .min_p = kNan, .repetition_penalty = kNan});
  std::vector<float> logits{0, 2, 1};
  EXPECT_EQ(greedy.next(logits), 1U);
  Sampler negative({.temperature = -1});
  EXPECT_EQ(negative.next(logits), 1U);
  EXPECT_EQ(draw({.temperature = 1, .top_k = 10, .top_p = 2, .min_p = -1}, {0, 0.1F, 0.2F}, 1'000).size(),
            3U);
}

TEST(Sampler, AgreesWithSortingTheWholeOfALargeVocabulary) {
  std::vector<float> logits(30'000);
  Pcg32 random(5);
  for (float& logit : logits) logit = static_cast<float>(random.uniform() * 12 - 6);
  const SamplerOptions options{.temperature = 0.7, .top_k = 12, .top_p = 0.8, .min_p = 0.05, .seed = 1};
  std::vector<TokenId> order(logits.size());
  for (TokenId i = 0; i < order.size(); ++i) order[i] = i;
  std::sort(order.begin(), order.end(), [&](TokenId a, TokenId b) { return logits[a] > logits[b]; });
  std::vector<double> weights;
  double total = 0;
  for (std::size_t i = 0; i < 12; ++i) {
    const double gap = static_cast<double>(logits[order[i]]) - static_cast<double>(logits[order[0]]);
    total += weights.emplace_back(std::exp(gap / 0.7));
  }
  std::set<TokenId> nucleus;
  double sum = 0;
  for (std::size_t i = 0; i < 12 && sum < 0.8 * total && weights[i] >= 0.05; ++i) {
    nucleus.insert(order[i]);
    sum += weights[i];
  }
  std::set<TokenId> seen;
  for (const auto& [token, count] : draw(options, logits, 300)) seen.insert(token);
  EXPECT_EQ(seen, nucleus);
}

}  // namespace
}  // namespace candor
