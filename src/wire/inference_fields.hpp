#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "candor/inference/context_window.hpp"
#include "wire/snapshot_fields.hpp"

/// What bindings.d.ts calls GraphFacts, GenerationOptions, MessageCost, CacheLayout and GenerationStep.
namespace candor {

namespace wire {

/// A dimension that is no number is a symbolic one.
struct Dimensions {
  std::vector<std::optional<std::uint64_t>>& dimensions;
};
inline bool read_json(const json::Value* value, Dimensions& out) {
  return json::Reader::read(value, out.dimensions);
}

/// The model's own files are not of our making: they are judged apart from this list.
struct GraphFacts {
  const json::Value* config = nullptr;
  const json::Value* generation_config = nullptr;
  std::vector<TokenId> eos;
  std::vector<TensorDescription> inputs;
  std::vector<TensorDescription> outputs;
};
void fields(auto& f, json::Of<GraphFacts> auto& facts) {
  f("config", facts.config);
  f("generationConfig", facts.generation_config);
  f("eos", facts.eos);
  f("inputs", facts.inputs);
  f("outputs", facts.outputs);
}

/// Why a graph can't be used.
struct Refusal {
  const Error& error;
};
void fields(auto& f, json::Of<Refusal> auto& refusal) { f("error", in_full(refusal.error)); }

}  // namespace wire

void fields(auto& f, json::Of<MessageCost> auto& cost) {
  f("role", cost.role);
  f.required("tokens", cost.tokens);
}

void fields(auto& f, json::Of<TensorDescription> auto& tensor) {
  f("name", tensor.name);
  f("type", tensor.type);
  f("shape", wire::Dimensions{tensor.shape});
}

void fields(auto& f, json::Of<GenerationOptions> auto& options) {
  f.maybe("maxNewTokens", options.max_new_tokens);
  f.maybe("temperature", options.temperature);
  f.maybe("topK", options.top_k);
  f.maybe("topP", options.top_p);
  f.maybe("minP", options.min_p);
  f.maybe("repetitionPenalty", options.repetition_penalty);
  f.maybe("seed", options.seed);
  f.maybe("stop", options.stop);
}

void fields(auto& f, json::Of<CacheLayout> auto& layout) {
  f("inputs", layout.inputs);
  f("outputs", layout.outputs);
  f("dims", layout.dims);
  f("type", layout.type);
  f("positionIds", layout.position_ids);
  f("logits", layout.logits);
  f("logitsToKeep", layout.logits_to_keep);
}

namespace step {

using json::Of;

void fields(auto& f, Of<Run> auto& s) {
  f.type("run");
  f("inputIds", s.input_ids);
  f("pastLength", s.past_length);
  f("positionIds", s.position_ids);
  f("logits", s.logits);
  f("promptLength", s.prompt_length);
}
void fields(auto& f, Of<Decode> auto& s) {
  f.type("decode");
  f("ids", s.ids);
}
void fields(auto& f, Of<Piece> auto& s) {
  f.type("piece");
  f("text", s.text);
}
void fields(auto& f, Of<Finish> auto& s) {
  f.type("finish");
  f("reason", s.reason);
  f("tokens", s.ids.size());
  f("ids", s.ids);
  f("text", s.text);
  f("promptTokens", s.prompt_length);
  f("reusedTokens", s.reused);
  f("keep", s.keep);
  f("keepFor", GenerationLoop::kKeptMs);
}
void fields(auto& f, Of<Failed> auto& s) {
  f.type("error");
  f("error", wire::in_full(s.error));
}

}  // namespace step
}  // namespace candor
