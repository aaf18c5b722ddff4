#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace candor {

using TokenId = std::uint32_t;

/// Random numbers for sampling: PCG32 (XSH RR 64/32, O'Neill 2014, pcg-random.org), small and the same
/// everywhere.
class Pcg32 {
 public:
  explicit Pcg32(std::uint64_t seed);
  std::uint32_t next();
  /// Uniform in [0, 1), 53 bits.
  double uniform();

 private:
  std::uint64_t state_ = 0;
};

/// How the next token is chosen. The order is the one of Hugging Face Transformers: repetition penalty,
/// temperature, top-k, top-p, min-p. Values outside their range count as the nearest one inside.
struct SamplerOptions {
  double temperature = 0;   ///< 0: greedy, the most likely token
  std::uint32_t top_k = 0;  ///< keep the k most likely tokens; 0: all
  double top_p = 1;         ///< (0, 1]: keep the fewest tokens whose probabilities reach this sum; 1: all
  double min_p = 0;         ///< [0, 1]: drop tokens less likely than this share of the most likely; 0: none
  double repetition_penalty = 1;  ///< > 0, see Sampler::seen(); 1: none
  std::uint64_t seed = 0;
};

/// Chooses tokens from raw logits. The same seed and logits give the same tokens on every platform that
/// rounds exp() alike; greedy choices need no exp() and are equal everywhere. Ties go to the lowest id.
class Sampler {
 public:
  explicit Sampler(const SamplerOptions& options);

  /// The token is in the context now. Its logit is divided by the repetition penalty if positive and
  /// multiplied by it if negative, once however often it was seen (CTRL, Keskar et al. 2019).
  void seen(TokenId token);

  /// The next token. `logits` of one position, one per token of the vocabulary; changed by the penalty. Empty
  /// where there is nothing to choose from: no logits, NaN or +infinity among them, or all -infinity.
  std::optional<TokenId> next(std::span<float> logits);

 private:
  struct Candidate {
    float logit;
    TokenId id;
  };

  SamplerOptions options_;
  Pcg32 random_;
  std::vector<std::uint8_t> is_seen_;
  std::vector<TokenId> seen_;
  std::vector<Candidate> candidates_;  // kept between calls, so that a step allocates nothing

  TokenId sample(std::span<const float> logits, float best);
};

}  // namespace candor
