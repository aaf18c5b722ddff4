#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "candor/base/error.hpp"
#include "candor/inference/sampler.hpp"

namespace candor {

/// An input or output of a graph, as the runtime describes it.
struct TensorDescription {
  std::string name;
  std::string type;                                 ///< "float32", "float16", "int64", …
  std::vector<std::optional<std::uint64_t>> shape;  ///< absent: a symbolic dimension
};

/// What config.json says about a decoder. Absent: not said.
struct ModelShape {
  std::string model_type;
  std::optional<std::uint64_t> layers;          ///< num_hidden_layers
  std::optional<std::uint64_t> kv_heads;        ///< num_key_value_heads, else num_attention_heads
  std::optional<std::uint64_t> head_dim;        ///< head_dim, else hidden_size / num_attention_heads
  std::optional<std::uint64_t> context_length;  ///< max_position_embeddings, else n_positions
  std::optional<std::uint64_t> vocabulary;      ///< vocab_size
};

/// What generation_config.json (or, failing that, config.json) says about generating.
struct GenerationDefaults {
  std::vector<TokenId> eos;
  bool sample = false;  ///< do_sample
  std::optional<std::uint32_t> max_new_tokens;
  std::optional<double> temperature;
  std::optional<std::uint32_t> top_k;
  std::optional<double> top_p;
  std::optional<double> min_p;
  std::optional<double> repetition_penalty;
};

struct GraphDescription {
  ModelShape shape;
  GenerationDefaults defaults;
  std::vector<TensorDescription> inputs;
  std::vector<TensorDescription> outputs;
};

/// How the cache tensors of a graph are called and shaped.
struct CacheLayout {
  std::vector<std::string>
      inputs;  ///< past_key_values.0.key, past_key_values.0.value, past_key_values.1.key, …
  std::vector<std::string> outputs;     ///< present.0.key, … in the same order
  std::array<std::uint64_t, 4> dims{};  ///< batch 1, heads, past length 0, head size
  std::string type;                     ///< "float32" or "float16"
  bool position_ids = false;
  std::string logits;
  /// The shape of `num_logits_to_keep`, an int64 input: how many of the last positions get logits. Absent:
  /// the graph computes all of them.
  std::optional<std::vector<std::uint64_t>> logits_to_keep;
};

/// What the caller wants; absent values are the model's defaults. A temperature of 0 is greedy.
struct GenerationOptions {
  std::optional<std::uint32_t> max_new_tokens{};  ///< 0: the prompt is only read, and kept for the next one
  std::optional<double> temperature{};
  std::optional<std::uint32_t> top_k{};
  std::optional<double> top_p{};
  std::optional<double> min_p{};
  std::optional<double> repetition_penalty{};
  std::uint64_t seed = 0;  ///< the caller brings the randomness
  std::vector<std::string> stop{};
};

enum class FinishReason { kEos, kStop, kLength, kContext, kAbort };
const char* to_string(FinishReason reason);

namespace step {

/// Run the graph on these tokens after the first `past_length` of the cache, which may hold more: those are
/// cut off. attention_mask is ones of past_length + ids, position_ids count from past_length.
struct Run {
  std::vector<TokenId> input_ids;
  std::uint64_t past_length = 0;
  bool position_ids = false;
  bool logits = false;              ///< those of the last position are wanted; else logits() takes none
  std::uint64_t prompt_length = 0;  ///< while the prompt is read: how long it is in all
};
/// Decode these ids without special tokens and hand the text to text().
struct Decode {
  std::vector<TokenId> ids;
};
/// Show this, then call next(). Whole characters only; all pieces together are the final text.
struct Piece {
  std::string text;
};
struct Finish {
  FinishReason reason = FinishReason::kEos;
  std::vector<TokenId> ids;  ///< generated, without the end-of-sequence token
  std::string text;
  std::uint64_t prompt_length = 0;  ///< tokens
  std::uint64_t reused = 0;         ///< of them, what the cache had already
  std::uint64_t keep = 0;  ///< tokens of the cache that stay for the next prompt; the rest is cut off
};
struct Failed {
  Error error;
};

}  // namespace step

using GenerationStep = std::variant<step::Run, step::Decode, step::Piece, step::Finish, step::Failed>;

/// Decides each step of generating text with a decoder-only graph that keeps its keys and values in
/// `past_key_values.N.*` and `present.N.*`. The caller performs a step and answers by the matching method:
/// Run by logits(), Decode by text(), Piece by next(); Finish and Failed end the generation. A call that does
/// not answer the last step fails the generation.
///
/// What the cache holds stays from one generation to the next: a prompt is read from where it differs.
class GenerationLoop {
 public:
  static constexpr std::uint32_t kDefaultMaxNewTokens = 256;
  /// Tokens of a prompt in one run: the word to stop is heard between two.
  static constexpr std::uint64_t kPiece = 64;
  /// Bytes of logits in one run, where the graph computes those of every position.
  static constexpr std::uint64_t kLogitsBytes = 32U << 20U;
  /// Bytes of the cache that stay between two generations.
  static constexpr std::uint64_t kKeptBytes = 256U << 20U;
  /// ms without use after which they are given back, too.
  static constexpr std::uint64_t kKeptMs = 600'000;

  explicit GenerationLoop(const GraphDescription& graph);

  /// Why this graph can't be driven; empty when it can.
  const std::optional<Error>& error() const { return error_; }
  const CacheLayout& layout() const { return layout_; }
  /// Tokens of prompt and answer together; empty when the model does not say.
  std::optional<std::uint64_t> context_length() const { return shape_.context_length; }

  /// Begins a new generation; the one before, if any, is forgotten.
  GenerationStep begin(std::vector<TokenId> prompt, const GenerationOptions& options);
  /// The raw logits of the last position; may be changed in place.
  GenerationStep logits(std::span<float> logits);
  GenerationStep text(std::string_view decoded);
  GenerationStep next();
  /// Ends as soon as what is held back has been shown; allowed at any time.
  GenerationStep abort();
  /// The cache is empty, or not to be trusted.
  void forget() { cached_.clear(); }

 private:
  enum class Waiting { kNothing, kLogits, kText, kRebase, kNext };

  ModelShape shape_;
  GenerationDefaults defaults_;
  CacheLayout layout_;
  std::optional<Error> error_;

  Waiting waiting_ = Waiting::kNothing;
  std::optional<Sampler> sampler_;
  std::vector<std::string> stop_;
  std::uint64_t max_new_tokens_ = 0;
  std::vector<TokenId> prompt_;
  std::uint64_t reused_ = 0;
  std::vector<TokenId> cached_;   // what the cache holds
  std::vector<TokenId> running_;  // what the last run adds to it
  std::vector<TokenId> ids_;
  std::optional<FinishReason> finish_;

  // Decoding all tokens at each step would cost time in the square of the answer's length, so only a window
  // of the last ones is decoded.
  std::size_t window_ = 0;   // first id of the window
  std::string window_text_;  // what it decoded to the last time; the end of text_
  std::string text_;         // everything decoded so far
  std::size_t shown_ = 0;    // bytes of text_ that went out as pieces
  std::string piece_;        // waits for the window to be moved

  bool refuse(std::string message);
  void check(const GraphDescription& graph);
  bool check_inputs(const std::vector<TensorDescription>& inputs,
                    std::vector<const TensorDescription*>& cache);
  bool check_cache(const std::vector<const TensorDescription*>& cache);
  void check_outputs(const std::vector<TensorDescription>& outputs);
  GenerationStep fail(ErrorCode code, std::string message);
  std::uint64_t token_bytes() const;
  bool can_cut() const;
  GenerationStep read_on();
  GenerationStep run(std::vector<TokenId> ids, bool logits, std::uint64_t prompt_length);
  void merge(std::string_view decoded);
  std::size_t showable() const;
  GenerationStep show_or_go_on();
  GenerationStep go_on();
};

}  // namespace candor
