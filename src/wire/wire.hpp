#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "candor/inference/context_window.hpp"
#include "candor/inference/generation_loop.hpp"
#include "candor/io/action.hpp"
#include "candor/io/event.hpp"
#include "candor/io/snapshot.hpp"
#include "candor/loader/model_loader.hpp"

/// JSON on the border to JavaScript, as bindings.d.ts has it. Reading never fails hard: what is not an event,
/// a configuration or a graph is absent, and a number that makes no sense counts as unknown.
namespace candor::wire {

std::optional<Event> parse_event(std::string_view text);
std::optional<ModelConfig> parse_model_config(std::string_view text);
std::optional<GraphDescription> parse_graph(std::string_view text);
std::optional<GenerationOptions> parse_generation_options(std::string_view text);
/// An array of token ids.
std::optional<std::vector<TokenId>> parse_token_ids(std::string_view text);
/// An array of {role, tokens}.
std::optional<std::vector<MessageCost>> parse_message_costs(std::string_view text);

/// A JSON array; empty text for no actions.
std::string actions_to_json(const std::vector<Action>& actions);
std::string snapshot_to_json(const Snapshot& snapshot);
/// CacheLayout, or {"error": …}.
std::string layout_to_json(const GenerationLoop& loop);
std::string step_to_json(const GenerationStep& step);

}  // namespace candor::wire
