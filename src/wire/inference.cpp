#include "wire/inference_fields.hpp"

#include <limits>
#include <utility>

#include "candor/base/bytes.hpp"
#include "wire/wire.hpp"

namespace candor::wire {
namespace {

using json::Reader;
using json::Value;
using Kind = Value::Kind;

/// A file of the model, or nothing at all.
const Value& object_or_nothing(const Value* value) {
  static const Value nothing;
  return value != nullptr && value->is(Kind::kObject) ? *value : nothing;
}

// One token or several.
std::vector<TokenId> tokens_at(const Value& object, const char* key) {
  std::vector<TokenId> tokens;
  const Value* const value = json::find(object, key);
  if (TokenId one = 0; Reader::read(value, one)) {
    tokens.push_back(one);
  } else {
    Reader::read(value, tokens);
  }
  return tokens;
}

ModelShape read_shape(const Value& config) {
  ModelShape shape;
  std::optional<std::uint64_t> heads;
  std::optional<std::uint64_t> hidden;
  std::optional<std::uint64_t> positions;
  Reader f(config);
  f("model_type", shape.model_type);
  f("num_hidden_layers", shape.layers);
  f("num_attention_heads", heads);
  f("num_key_value_heads", shape.kv_heads);
  f("head_dim", shape.head_dim);
  f("hidden_size", hidden);
  f("max_position_embeddings", shape.context_length);
  f("n_positions", positions);
  f("vocab_size", shape.vocabulary);
  if (!shape.kv_heads) shape.kv_heads = heads;
  if (!shape.head_dim && hidden && heads && *heads > 0) shape.head_dim = *hidden / *heads;
  if (!shape.context_length) shape.context_length = positions;
  // No room for a question and an answer is no context at all.
  if (shape.context_length && *shape.context_length < 2) shape.context_length.reset();
  return shape;
}

// What a model says is held to what a page may ask for; the rest is as if it said nothing.
template <typename T>
void hold(std::optional<T>& value, T low, T high, bool low_too) {
  if (value && !((*value > low || (low_too && *value == low)) && *value <= high)) value.reset();
}

GenerationDefaults read_defaults(const Value& generation, const Value& config, std::vector<TokenId> eos) {
  constexpr double kLargest = std::numeric_limits<double>::max();
  GenerationDefaults defaults;
  // Any of them ends an answer: exporters forget one or the other.
  defaults.eos = std::move(eos);
  for (const Value* source : {&generation, &config, &object_or_nothing(json::find(config, "text_config"))})
    for (const TokenId token : tokens_at(*source, "eos_token_id")) defaults.eos.push_back(token);
  Reader f(generation);
  f("do_sample", defaults.sample);
  f("max_new_tokens", defaults.max_new_tokens);
  f("temperature", defaults.temperature);
  f("top_k", defaults.top_k);
  f("top_p", defaults.top_p);
  f("min_p", defaults.min_p);
  f("repetition_penalty", defaults.repetition_penalty);
  hold<std::uint32_t>(defaults.max_new_tokens, 0, 0xffffffff, false);
  hold(defaults.temperature, 0.0, kLargest, true);
  hold(defaults.top_p, 0.0, 1.0, false);
  hold(defaults.min_p, 0.0, 1.0, true);
  hold(defaults.repetition_penalty, 0.0, kLargest, false);
  return defaults;
}

/// An array, all of whose items are what they should be.
template <typename T>
std::optional<std::vector<T>> whole_array(std::string_view text) {
  const auto value = json::parse(text);
  std::optional<std::vector<T>> items(std::in_place);
  if (!value || !Reader::read(&*value, *items) || items->size() != value->items.size()) items.reset();
  return items;
}

}  // namespace

std::optional<GraphDescription> parse_graph(std::string_view text) {
  // Large and deep configurations are people's own affair, as long as the few numbers in them can be found.
  const auto value = json::parse(text, {.max_depth = 1'000});
  GraphFacts facts;
  if (!value || !Reader::read(&*value, facts)) return std::nullopt;
  const Value& config = object_or_nothing(facts.config);
  return GraphDescription{
      read_shape(config),
      read_defaults(object_or_nothing(facts.generation_config), config, std::move(facts.eos)),
      std::move(facts.inputs), std::move(facts.outputs)};
}

std::optional<GenerationOptions> parse_generation_options(std::string_view text) {
  return json::from_text<GenerationOptions>(text);
}

std::optional<std::vector<TokenId>> parse_token_ids(std::string_view text) {
  return whole_array<TokenId>(text);
}

std::optional<std::vector<MessageCost>> parse_message_costs(std::string_view text) {
  return whole_array<MessageCost>(text);
}

std::size_t messages_to_drop(const GenerationLoop& loop, std::string_view costs, double prompt_tokens,
                             double max_new_tokens) {
  const auto length = loop.context_length();
  const auto messages = parse_message_costs(costs);
  if (!length || !messages) return 0;
  return candor::messages_to_drop(*messages, bytes_from_double(prompt_tokens).value_or(0), *length,
                                  bytes_from_double(max_new_tokens));
}

std::string layout_to_json(const GenerationLoop& loop) {
  if (loop.error()) return json::text_from(Refusal{*loop.error()});
  return json::text_from(loop.layout());
}

std::string step_to_json(const GenerationStep& step) { return json::text_from(step); }

}  // namespace candor::wire
