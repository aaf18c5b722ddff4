#include "candor/inference/sampler.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>

namespace candor {
namespace {

constexpr std::uint64_t kPcgMultiplier = 6364136223846793005ULL;
// Stream 54 of the generator, as in the author's demo program, whose output the test knows.
constexpr std::uint64_t kPcgIncrement = (54U << 1U) | 1U;

// NaN falls to the fallback.
double within(double value, double low, double high, double fallback) {
  if (value >= low && value <= high) return value;
  if (value < low) return low;
  return value > high ? high : fallback;
}

}  // namespace

Pcg32::Pcg32(std::uint64_t seed) {
  next();
  state_ += seed;
  next();
}

std::uint32_t Pcg32::next() {
  const std::uint64_t old = state_;
  state_ = old * kPcgMultiplier + kPcgIncrement;
  const auto shifted = static_cast<std::uint32_t>(((old >> 18U) ^ old) >> 27U);
  const auto rotation = static_cast<std::uint32_t>(old >> 59U);
  return (shifted >> rotation) | (shifted << ((32U - rotation) & 31U));
}

double Pcg32::uniform() {
  const std::uint64_t high = next() >> 5U;  // 27 bits
  const std::uint64_t low = next() >> 6U;   // 26 bits
  return static_cast<double>((high << 26U) | low) * 0x1p-53;
}

Sampler::Sampler(const SamplerOptions& options) : options_(options), random_(options.seed) {
  options_.temperature = within(options.temperature, 0, 1e6, 0);
  options_.top_p = within(options.top_p, 0, 1, 1);
  options_.min_p = within(options.min_p, 0, 1, 0);
  options_.repetition_penalty = within(options.repetition_penalty, 1e-3, 1e3, 1);
}

void Sampler::seen(TokenId token) {
  if (token >= is_seen_.size()) is_seen_.resize(std::size_t{token} + 1);
  if (is_seen_[token]) return;
  is_seen_[token] = 1;
  seen_.push_back(token);
}

std::optional<TokenId> Sampler::next(std::span<float> logits) {
  if (options_.repetition_penalty != 1) {
    const auto penalty = static_cast<float>(options_.repetition_penalty);
    for (const TokenId token : seen_) {
      if (token >= logits.size()) continue;
      float& logit = logits[token];
      logit = logit > 0 ? logit / penalty : logit * penalty;
    }
  }

  float best = -INFINITY;
  TokenId best_id = 0;
  for (std::size_t i = 0; i < logits.size(); ++i) {
    if (logits[i] > best) {
      best = logits[i];
      best_id = static_cast<TokenId>(i);
    } else if (std::isnan(logits[i])) {
      return std::nullopt;
    }
  }
  if (!std::isfinite(best)) return std::nullopt;
  return options_.temperature > 0 ? sample(logits, best) : best_id;
}

TokenId Sampler::sample(std::span<const float> logits, float best) {
  // A heap gives the candidates from the best down and only as many as are needed: the whole vocabulary is
  // never sorted. They gather at the back, where pop_heap puts them, best last.
  const auto worse = [](const Candidate& a, const Candidate& b) {
    return a.logit != b.logit ? a.logit < b.logit : a.id > b.id;
  };
  const auto weight = [&](float logit) {
    return std::exp((static_cast<double>(logit) - static_cast<double>(best)) / options_.temperature);
  };

  candidates_.clear();
  candidates_.reserve(logits.size());
  for (std::size_t i = 0; i < logits.size(); ++i) {
    candidates_.push_back({logits[i], static_cast<TokenId>(i)});
  }
  const std::size_t all = candidates_.size();
  const std::size_t limit = options_.top_k > 0 ? std::min<std::size_t>(options_.top_k, all) : all;
  std::make_heap(candidates_.begin(), candidates_.end(), worse);
  std::size_t ranked = 0;
  const auto best_weight = [&](std::size_t place) {
    for (; ranked <= place; ++ranked)
      std::pop_heap(candidates_.begin(), candidates_.end() - static_cast<std::ptrdiff_t>(ranked), worse);
    return weight(candidates_[all - 1 - place].logit);
  };

  double total = 0;
  if (limit < all) {
    for (std::size_t i = 0; i < limit; ++i) total += best_weight(i);
  } else {
    for (const Candidate& candidate : candidates_) total += weight(candidate.logit);
  }

  std::size_t count = limit;
  double kept = total;
  if (options_.top_p < 1 || options_.min_p > 0) {
    kept = 0;
    for (count = 0; count < limit; ++count) {
      const double next = best_weight(count);  // relative to the best, whose weight is 1
      if (count > 0 && (next < options_.min_p || kept >= options_.top_p * total)) break;
      kept += next;
    }
  }

  double point = random_.uniform() * kept;
  TokenId chosen = candidates_.back().id;
  for (std::size_t i = 0; i < count; ++i) {
    const Candidate& candidate = candidates_[all - 1 - i];
    const double share = weight(candidate.logit);
    if (share <= 0) continue;  // also when rounding carries the point past the end
    chosen = candidate.id;
    point -= share;
    if (point < 0) break;
  }
  return chosen;
}

}  // namespace candor
