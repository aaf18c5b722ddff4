#pragma once

#include <cstddef>
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
#include "candor/state/state_manager.hpp"

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
/// Empty text for none.
std::string snapshot_to_json(const std::optional<Snapshot>& snapshot);
/// CacheLayout, or {"error": …}.
std::string layout_to_json(const GenerationLoop& loop);
std::string step_to_json(const GenerationStep& step);
/// {"state": …} or {"error": …}.
std::string restored_to_json(const StateManager::Restored& restored);
/// The actions `persist` and `unpersist`, always an array.
std::string storage_to_json(const std::vector<StorageAction>& actions);

/// A moment as JavaScript has it: NaN for never.
double ms_or_nan(std::optional<Instant> instant);
/// A number of items or bytes from JavaScript: what can't be one is 0.
std::size_t count_from(double number);

/// What a message is worth to the core: ModelLoader::on() of it, or nothing where it is no event.
std::string on(ModelLoader& loader, std::string_view event, Instant now);
/// candor::messages_to_drop() for this model: none where its window is not known. Costs that can't be read
/// are no messages, numbers that make no sense are unknown.
std::size_t messages_to_drop(const GenerationLoop& loop, std::string_view costs, double prompt_tokens,
                             double max_new_tokens);
/// StateManager::update_download() of a ProgressInfo, an aggregate or a snapshot.
StateError update_download(StateManager& states, std::string_view model_key, std::string_view info,
                           Instant now);

}  // namespace candor::wire
