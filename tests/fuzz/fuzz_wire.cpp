// Anything as what JavaScript, another tab or a model's own files say. The first byte says as which.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "base/json.hpp"
#include "wire/wire.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace candor;
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  switch (data[0] % 6) {
    case 0:
      (void)wire::parse_event(text);
      break;
    case 1: {
      const auto config = wire::parse_model_config(text);
      if (config && (config->model_key.empty() || config->model_name.empty())) std::abort();
      break;
    }
    case 2: {
      // A graph that is refused says so; one that is not can be asked for a step.
      GenerationLoop loop(wire::parse_graph(text).value_or(GraphDescription{}));
      if (!json::parse(wire::layout_to_json(loop))) std::abort();
      if (!json::parse(wire::step_to_json(loop.begin({1}, {})))) std::abort();
      break;
    }
    case 3:
      (void)wire::parse_generation_options(text);
      (void)wire::parse_token_ids(text);
      (void)wire::parse_message_costs(text);
      break;
    case 4: {
      StateManager states;
      states.restore(text, instant_from_ms(1));
      (void)wire::update_download(states, "k", text, instant_from_ms(2));
      if (!json::parse(wire::storage_to_json(states.poll(instant_from_ms(3))))) std::abort();
      break;
    }
    default: {
      // What comes from outside is written in a form that is understood.
      std::string json;
      json::append_text(json, text);
      if (!json::parse(json)) std::abort();
    }
  }
  return 0;
}
