#include "candor/inference/generation_loop.hpp"

#include <algorithm>
#include <utility>

#include "base/text.hpp"

namespace candor {
namespace {

using text::joined;

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";  // U+FFFD, what decoders make of half a character

std::size_t without_half_character(std::string_view text) {
  while (text.size() >= kReplacement.size() &&
         text.substr(text.size() - kReplacement.size()) == kReplacement) {
    text.remove_suffix(kReplacement.size());
  }
  return text.size();
}

bool is_continuation(char byte) { return (static_cast<unsigned char>(byte) & 0xC0U) == 0x80; }

struct CacheName {
  std::size_t layer = 0;
  bool value = false;
};

// "<prefix>12.key"
std::optional<CacheName> cache_name(std::string_view name, std::string_view prefix) {
  if (name.substr(0, prefix.size()) != prefix) return std::nullopt;
  name.remove_prefix(prefix.size());
  const std::size_t dot = name.find('.');
  const auto layer = text::parse_uint(name.substr(0, dot));
  if (!layer || *layer > 0xFFFF || dot == std::string_view::npos) return std::nullopt;
  name.remove_prefix(dot);
  if (name != ".key" && name != ".value") return std::nullopt;
  return CacheName{static_cast<std::size_t>(*layer), name == ".value"};
}

std::string with_commas(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) {
    if (!text.empty()) text += ", ";
    text += name;
  }
  return text;
}

}  // namespace

const char* to_string(FinishReason reason) {
  switch (reason) {
    case FinishReason::kEos:
      return "eos";
    case FinishReason::kStop:
      return "stop";
    case FinishReason::kLength:
      return "length";
    case FinishReason::kContext:
      return "context";
    case FinishReason::kAbort:
      return "abort";
  }
  return "";
}

GenerationLoop::GenerationLoop(const GraphDescription& graph)
    : shape_(graph.shape), defaults_(graph.defaults) {
  check(graph);
}

bool GenerationLoop::refuse(std::string message) {
  error_ = Error{ErrorCode::kUnsupported, std::move(message), false, {}};
  return false;
}

void GenerationLoop::check(const GraphDescription& graph) {
  std::vector<const TensorDescription*> cache;
  if (graph.inputs.empty() && graph.outputs.empty()) {
    refuse("configUnreadable");
    return;
  }
  if (check_inputs(graph.inputs, cache) && check_cache(cache)) check_outputs(graph.outputs);
}

// What the graph asks for; its cache, by layers, goes to `cache`.
bool GenerationLoop::check_inputs(const std::vector<TensorDescription>& inputs,
                                  std::vector<const TensorDescription*>& cache) {
  std::vector<std::string> unknown;
  bool input_ids = false;
  for (const TensorDescription& input : inputs) {
    if (input.name == "input_ids") {
      input_ids = true;
    } else if (input.name == "position_ids") {
      layout_.position_ids = true;
    } else if (input.name == "num_logits_to_keep" && input.shape.size() <= 1) {
      layout_.logits_to_keep.emplace(input.shape.size(), 1);
    } else if (cache_name(input.name, "past_key_values.")) {
      cache.push_back(&input);
    } else if (input.name != "attention_mask") {
      unknown.push_back(input.name);
    }
  }
  if (!unknown.empty()) {
    return refuse(joined("unknownInputs\t", with_commas(unknown)));
  }
  if (!input_ids || cache.empty() || cache.size() % 2 != 0) return refuse("notTextModel");
  return true;
}

// How the cache is called and shaped.
bool GenerationLoop::check_cache(const std::vector<const TensorDescription*>& cache) {
  const std::size_t layers = cache.size() / 2;
  if (shape_.layers && *shape_.layers != layers) {
    return refuse(joined("cacheLayers\t", layers, "\t", *shape_.layers));
  }
  layout_.inputs.resize(cache.size());
  layout_.type = cache.front()->type;
  std::optional<std::uint64_t> heads = shape_.kv_heads;
  std::optional<std::uint64_t> head_dim = shape_.head_dim;
  for (const TensorDescription* input : cache) {
    const CacheName name = *cache_name(input->name, "past_key_values.");
    if (name.layer >= layers) return refuse(joined("cacheSkips\t", input->name));
    if (input->type != layout_.type || (input->type != "float32" && input->type != "float16")) {
      return refuse(joined("cacheType\t", input->name, "\t", input->type));
    }
    if (!input->shape.empty()) {
      if (input->shape.size() != 4) return refuse(joined("cacheDimensions\t", input->name));
      if (input->shape[1]) heads = input->shape[1];
      if (input->shape[3]) head_dim = input->shape[3];
    }
    layout_.inputs[2 * name.layer + (name.value ? 1 : 0)] = input->name;
  }
  if (!heads || !head_dim || *heads == 0 || *head_dim == 0) return refuse("cacheSizeUnknown");
  // The graph was exported from the model and is right; a configuration that differs belongs to another
  // model.
  if ((shape_.kv_heads && *shape_.kv_heads != *heads) || (shape_.head_dim && *shape_.head_dim != *head_dim))
    return refuse("cacheSizesDiffer");
  layout_.dims = {1, *heads, 0, *head_dim};
  return true;
}

// That it gives what it asks for, and logits.
void GenerationLoop::check_outputs(const std::vector<TensorDescription>& outputs) {
  layout_.outputs.resize(layout_.inputs.size());
  for (const TensorDescription& output : outputs) {
    if (output.name == "logits") {
      layout_.logits = output.name;
    } else if (const auto name = cache_name(output.name, "present.");
               name && name->layer < layout_.outputs.size() / 2) {
      layout_.outputs[2 * name->layer + (name->value ? 1 : 0)] = output.name;
    }
  }
  const auto is_missing = [](const std::string& name) { return name.empty(); };
  if (layout_.logits.empty() || std::any_of(layout_.outputs.begin(), layout_.outputs.end(), is_missing) ||
      std::any_of(layout_.inputs.begin(), layout_.inputs.end(), is_missing))
    refuse("outputsMissing");
}

GenerationStep GenerationLoop::fail(ErrorCode code, std::string message) {
  waiting_ = Waiting::kNothing;
  cached_.clear();
  return step::Failed{Error{code, std::move(message), false, {}}};
}

// Of one token in the cache.
std::uint64_t GenerationLoop::token_bytes() const {
  const std::uint64_t width = layout_.type == "float16" ? 2 : 4;
  // The model's files may say anything.
  return std::max<std::uint64_t>(1, width * layout_.inputs.size() *
                                        std::min<std::uint64_t>(layout_.dims[1], 0xFFFF) *
                                        std::min<std::uint64_t>(layout_.dims[3], 0xFFFF));
}

// WebGPU copies from and to multiples of 4 bytes.
bool GenerationLoop::can_cut() const { return layout_.type != "float16" || layout_.dims[3] % 2 == 0; }

GenerationStep GenerationLoop::begin(std::vector<TokenId> prompt, const GenerationOptions& options) {
  waiting_ = Waiting::kNothing;
  if (error_) return step::Failed{*error_};
  if (prompt.empty()) return fail(ErrorCode::kRuntime, "emptyPrompt");
  if (shape_.context_length && prompt.size() >= *shape_.context_length) {
    return fail(ErrorCode::kUnsupported,
                joined("chatTooLong\t", prompt.size(), "\t", *shape_.context_length));
  }
  for (const TokenId token : prompt) {
    if (shape_.vocabulary && token >= *shape_.vocabulary) {
      return fail(ErrorCode::kUnsupported, joined("foreignTokenizer\t", token, "\t", *shape_.vocabulary));
    }
  }

  // A model's own temperature, top-k, … are for sampling; only what the caller asks for makes a greedy model
  // sample.
  SamplerOptions sampling;
  const bool sample = defaults_.sample;
  sampling.temperature = options.temperature.value_or(sample ? defaults_.temperature.value_or(1) : 0);
  sampling.top_k = options.top_k.value_or(sample ? defaults_.top_k.value_or(50) : 0);
  sampling.top_p = options.top_p.value_or(sample ? defaults_.top_p.value_or(1) : 1);
  sampling.min_p = options.min_p.value_or(sample ? defaults_.min_p.value_or(0) : 0);
  sampling.repetition_penalty = options.repetition_penalty.value_or(defaults_.repetition_penalty.value_or(1));
  sampling.seed = options.seed;
  sampler_.emplace(sampling);
  for (const TokenId token : prompt) sampler_->seen(token);

  stop_ = options.stop;
  std::erase_if(stop_, [](const std::string& text) { return text.empty(); });
  max_new_tokens_ = options.max_new_tokens.value_or(
      std::max<std::uint32_t>(1, defaults_.max_new_tokens.value_or(kDefaultMaxNewTokens)));
  ids_.clear();
  finish_.reset();
  window_ = 0;
  window_text_.clear();
  text_.clear();
  shown_ = 0;
  piece_.clear();

  const auto same = std::mismatch(cached_.begin(), cached_.end(), prompt.begin(), prompt.end());
  std::size_t common = static_cast<std::size_t>(same.first - cached_.begin());
  // The last token is always read: its logits are wanted. But a prompt that is only read may be here already.
  const std::size_t most = prompt.size() - (max_new_tokens_ > 0 ? 1 : 0);
  common = std::min(common, most);
  if (common < cached_.size() && !can_cut()) common = 0;
  cached_.resize(common);
  reused_ = common;
  prompt_ = std::move(prompt);
  return read_on();
}

GenerationStep GenerationLoop::run(std::vector<TokenId> ids, bool logits, std::uint64_t prompt_length) {
  waiting_ = Waiting::kLogits;
  running_ = ids;
  return step::Run{std::move(ids), cached_.size(), layout_.position_ids, logits, prompt_length};
}

// The next piece of the prompt.
GenerationStep GenerationLoop::read_on() {
  const std::size_t left = prompt_.size() - cached_.size();
  if (left == 0) {
    finish_ = FinishReason::kLength;
    return go_on();
  }
  std::uint64_t piece = kPiece;
  if (!layout_.logits_to_keep && shape_.vocabulary.value_or(0) > kLogitsBytes / 4 / kPiece)
    piece = std::max<std::uint64_t>(8, kLogitsBytes / 4 / *shape_.vocabulary);
  const std::size_t count = std::min(left, static_cast<std::size_t>(piece));
  const auto from = prompt_.begin() + static_cast<std::ptrdiff_t>(cached_.size());
  return run({from, from + static_cast<std::ptrdiff_t>(count)}, count == left && max_new_tokens_ > 0,
             prompt_.size());
}

GenerationStep GenerationLoop::logits(std::span<float> logits) {
  if (waiting_ != Waiting::kLogits) return fail(ErrorCode::kRuntime, "outOfTurn");
  cached_.insert(cached_.end(), running_.begin(), running_.end());
  if (cached_.size() < prompt_.size() || max_new_tokens_ == 0) return read_on();
  const std::optional<TokenId> token = sampler_->next(logits);
  if (!token) return fail(ErrorCode::kRuntime, "noSenseNumbers");

  if (std::find(defaults_.eos.begin(), defaults_.eos.end(), *token) != defaults_.eos.end()) {
    finish_ = FinishReason::kEos;
    return show_or_go_on();
  }
  sampler_->seen(*token);
  ids_.push_back(*token);
  if (ids_.size() >= max_new_tokens_) {
    finish_ = FinishReason::kLength;
  } else if (shape_.context_length && prompt_.size() + ids_.size() >= *shape_.context_length) {
    finish_ = FinishReason::kContext;
  }
  waiting_ = Waiting::kText;
  return step::Decode{{ids_.begin() + static_cast<std::ptrdiff_t>(window_), ids_.end()}};
}

// Makes `decoded` the end of text_ where window_text_ was. What was shown cannot be taken back: a decoder
// that changes its mind about it is followed from there on only.
void GenerationLoop::merge(std::string_view decoded) {
  const std::size_t base = text_.size() - window_text_.size();
  const auto [old_end, new_end] =
      std::mismatch(window_text_.begin(), window_text_.end(), decoded.begin(), decoded.end());
  auto common = static_cast<std::size_t>(new_end - decoded.begin());
  while (common > 0 && common < decoded.size() && is_continuation(decoded[common])) --common;
  if (base + common < shown_) common = std::min(shown_ - base, decoded.size());
  while (common < decoded.size() && base + common == shown_ && is_continuation(decoded[common])) ++common;
  text_.resize(std::max(shown_, base + std::min(common, window_text_.size())));
  text_ += decoded.substr(common);
  window_text_ = decoded;
}

// How much of text_ is certain: no half character at its end, nothing that may become a stop string.
std::size_t GenerationLoop::showable() const {
  std::size_t end = without_half_character(text_);
  for (const std::string& stop : stop_) {
    for (std::size_t length = std::min(stop.size() - 1, text_.size() - shown_); length > 0; --length) {
      if (text_.compare(text_.size() - length, length, stop, 0, length) == 0) {
        end = std::min(end, text_.size() - length);
        break;
      }
    }
  }
  return std::max(end, shown_);
}

GenerationStep GenerationLoop::text(std::string_view decoded) {
  constexpr std::size_t kWindowMax = 48;
  constexpr std::size_t kWindowKeep = 16;

  if (waiting_ == Waiting::kRebase) {
    // From here on the window begins later. Its text may begin with half a character; only what follows
    // counts.
    window_text_ = decoded;
    return show_or_go_on();
  }
  if (waiting_ != Waiting::kText) return fail(ErrorCode::kRuntime, "outOfTurn");
  merge(decoded);

  std::size_t stop_at = std::string::npos;
  for (const std::string& stop : stop_) stop_at = std::min(stop_at, text_.find(stop, shown_));
  if (stop_at != std::string::npos) {
    text_.resize(stop_at);
    finish_ = FinishReason::kStop;
  }
  if (!finish_ && ids_.size() - window_ >= kWindowMax && without_half_character(text_) == text_.size()) {
    window_ = ids_.size() - kWindowKeep;
    waiting_ = Waiting::kRebase;
    return step::Decode{{ids_.begin() + static_cast<std::ptrdiff_t>(window_), ids_.end()}};
  }
  return show_or_go_on();
}

GenerationStep GenerationLoop::show_or_go_on() {
  const std::size_t end = finish_ ? text_.size() : showable();
  if (end == shown_) return go_on();
  std::string piece = text_.substr(shown_, end - shown_);
  shown_ = end;
  waiting_ = Waiting::kNext;
  return step::Piece{std::move(piece)};
}

GenerationStep GenerationLoop::go_on() {
  if (finish_) {
    waiting_ = Waiting::kNothing;
    if (const std::uint64_t most = kKeptBytes / token_bytes(); cached_.size() > most)
      cached_.resize(can_cut() ? static_cast<std::size_t>(most) : 0);
    return step::Finish{*finish_, ids_, text_, prompt_.size(), reused_, cached_.size()};
  }
  return run({ids_.back()}, true, 0);
}

GenerationStep GenerationLoop::next() {
  if (waiting_ != Waiting::kNext) return fail(ErrorCode::kRuntime, "outOfTurn");
  return go_on();
}

GenerationStep GenerationLoop::abort() {
  if (waiting_ != Waiting::kNothing && !finish_)
    text_.resize(std::max(shown_, without_half_character(text_)));
  finish_ = finish_.value_or(FinishReason::kAbort);
  return show_or_go_on();
}

}  // namespace candor
