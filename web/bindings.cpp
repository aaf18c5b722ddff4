// The core as JavaScript sees it: a list. bindings.d.ts says what each line means; names change here and
// nowhere else.

#include <emscripten/bind.h>
#include <emscripten/val.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/json.hpp"
#include "candor/base/bytes.hpp"
#include "candor/inference/context_window.hpp"
#include "candor/inference/generation_loop.hpp"
#include "candor/loader/model_loader.hpp"
#include "candor/progress/multi_file_aggregator.hpp"
#include "candor/progress/progress_tracker.hpp"
#include "candor/progress/throttler.hpp"
#include "candor/state/state_manager.hpp"
#include "wire/wire.hpp"

namespace {

using candor::Instant;
using candor::instant_from_ms;
using candor::json::Object;

double or_nan(std::optional<Instant> instant) {
  return instant ? candor::to_ms(*instant) : std::numeric_limits<double>::quiet_NaN();
}

/// Bytes on their way in; the address changes with the size, so JavaScript asks for it each time.
template <typename T>
class Buffer {
 public:
  double resize(double count) {
    const auto size = static_cast<std::size_t>(count);
    if (size > items_.size()) items_ = std::vector<T>(size);
    return static_cast<double>(reinterpret_cast<std::uintptr_t>(items_.data()));
  }
  std::span<T> first(double count) {
    return std::span<T>(items_).first(std::min(items_.size(), static_cast<std::size_t>(count)));
  }

 private:
  std::vector<T> items_;
};

class ModelLoader {
 public:
  explicit ModelLoader(const std::string& config)
      : loader_(candor::wire::parse_model_config(config).value_or(candor::ModelConfig{})) {}
  std::string on(const std::string& event, double now) {
    const auto parsed = candor::wire::parse_event(event);
    return parsed ? candor::wire::actions_to_json(loader_.on(*parsed, instant_from_ms(now))) : std::string();
  }
  double buffer(double length) { return buffer_.resize(length); }
  std::string received(double request, double length, double now) {
    return candor::wire::actions_to_json(loader_.received(static_cast<candor::RequestId>(request),
                                                          buffer_.first(length), instant_from_ms(now)));
  }
  std::string hashed(double file, double offset, double length, double now) {
    return candor::wire::actions_to_json(loader_.hashed(static_cast<candor::FileId>(file),
                                                        static_cast<std::uint64_t>(offset),
                                                        buffer_.first(length), instant_from_ms(now)));
  }
  double wake_at() const { return or_nan(loader_.wake_at()); }
  std::string snapshot(double now) {
    return candor::wire::snapshot_to_json(loader_.snapshot(instant_from_ms(now)));
  }
  std::string folder() const { return loader_.folder(); }

 private:
  candor::ModelLoader loader_;
  Buffer<std::uint8_t> buffer_;
};

class GenerationLoop {
 public:
  explicit GenerationLoop(const std::string& graph)
      : loop_(candor::wire::parse_graph(graph).value_or(candor::GraphDescription{})) {}
  std::string layout() const { return candor::wire::layout_to_json(loop_); }
  double messages_to_drop(const std::string& costs, double prompt_tokens, double max_new_tokens) const {
    const auto length = loop_.context_length();
    if (!length) return 0;
    const auto messages =
        candor::wire::parse_message_costs(costs).value_or(std::vector<candor::MessageCost>{});
    return static_cast<double>(candor::messages_to_drop(messages,
                                                        candor::bytes_from_double(prompt_tokens).value_or(0),
                                                        *length, candor::bytes_from_double(max_new_tokens)));
  }
  std::string warm_up() const {
    const auto write = [](const candor::step::Run& run) {
      return candor::json::Text{candor::wire::step_to_json(run)};
    };
    return candor::json::array_of(loop_.warm_up(), write).json;
  }
  std::string begin(const std::string& prompt, const std::string& options) {
    return candor::wire::step_to_json(
        loop_.begin(candor::wire::parse_token_ids(prompt).value_or(std::vector<candor::TokenId>{}),
                    candor::wire::parse_generation_options(options).value_or(candor::GenerationOptions{})));
  }
  double buffer(double count) { return logits_.resize(count); }
  std::string logits(double count) { return candor::wire::step_to_json(loop_.logits(logits_.first(count))); }
  std::string text(const std::string& decoded) { return candor::wire::step_to_json(loop_.text(decoded)); }
  std::string next() { return candor::wire::step_to_json(loop_.next()); }
  std::string abort() { return candor::wire::step_to_json(loop_.abort()); }

 private:
  candor::GenerationLoop loop_;
  Buffer<float> logits_;
};

class ProgressTracker {
 public:
  ProgressTracker(const std::string& name, const std::string& file, double total)
      : tracker_({.name = name, .file = file, .total = candor::parse_bytes(total)}) {}
  void update(double loaded, double total, double now) {
    tracker_.update(candor::parse_bytes(loaded), candor::parse_bytes(total), instant_from_ms(now));
  }
  void event(const std::string& json, double now) {
    tracker_.handle_transformers_progress(candor::TransformersEvent::from_json(json), instant_from_ms(now));
  }
  void complete(double now) { tracker_.complete(instant_from_ms(now)); }
  void fail(const std::string& error, double now) { tracker_.fail(error, instant_from_ms(now)); }
  std::string snapshot(double now) { return candor::to_json(tracker_.snapshot(instant_from_ms(now))); }

 private:
  candor::ProgressTracker tracker_;
};

class MultiFileAggregator {
 public:
  void event(const std::string& json, double now) {
    files_.handle_file_progress(candor::TransformersEvent::from_json(json), instant_from_ms(now));
  }
  void complete(double now) { files_.complete(instant_from_ms(now)); }
  void fail(const std::string& error, double now) { files_.fail(error, instant_from_ms(now)); }
  std::string snapshot(double now) { return candor::to_json(files_.snapshot(instant_from_ms(now))); }

 private:
  candor::MultiFileAggregator files_;
};

class Throttler {
 public:
  explicit Throttler(double interval) : throttler_(candor::Millis(interval)) {}
  bool push(bool is_final, double now) {
    return throttler_.push(true, instant_from_ms(now), is_final).has_value();
  }
  bool poll(double now) { return throttler_.poll(instant_from_ms(now)).has_value(); }
  double wake_at() const { return or_nan(throttler_.wake_at()); }

 private:
  candor::Throttler<bool> throttler_;
};

class StateManager {
 public:
  std::string start(const std::string& key, const std::string& name, double now) {
    return said(states_.start_download(key, name, instant_from_ms(now)));
  }
  std::string update(const std::string& key, const std::string& info, double now) {
    const auto update = candor::DownloadUpdate::from_json(info);
    return said(update ? states_.update_download(key, *update, instant_from_ms(now))
                       : candor::StateError::kDamaged);
  }
  std::string complete(const std::string& key, double now) {
    return said(states_.complete_download(key, instant_from_ms(now)));
  }
  std::string fail(const std::string& key, const std::string& error, double now) {
    return said(states_.fail_download(key, error, instant_from_ms(now)));
  }
  std::string pause(const std::string& key, double now) {
    return said(states_.pause_download(key, instant_from_ms(now)));
  }
  std::string resume(const std::string& key, double now) {
    return said(states_.resume_download(key, instant_from_ms(now)));
  }
  std::string remove(const std::string& key, double now) {
    return said(states_.remove_download(key, instant_from_ms(now)));
  }
  std::string state(const std::string& key) const {
    const auto state = states_.state(key);
    return state ? candor::to_json(*state) : std::string();
  }
  std::string serialize(const std::string& key) const { return states_.serialize(key).value_or(""); }
  std::string restore(const std::string& json, double now) {
    const auto restored = states_.restore(json, instant_from_ms(now));
    Object out;
    if (restored.state) {
      out.add("state", candor::json::Text{candor::to_json(*restored.state)});
    } else {
      out.add("error", candor::to_string(restored.error));
    }
    return out.text().json;
  }
  double subscribe(const std::string& key, emscripten::val fn) {
    return static_cast<double>(states_.subscribe(
        key, [fn](const candor::DownloadState& state) { fn(emscripten::val(candor::to_json(state))); }));
  }
  void unsubscribe(double id) { states_.unsubscribe(static_cast<candor::StateManager::SubscriptionId>(id)); }
  std::string poll(double now) {
    const auto write = [](const candor::StorageAction& action) {
      const bool persist = action.kind == candor::StorageAction::Kind::kPersist;
      Object out;
      out.add("type", persist ? "persist" : "unpersist").add("key", action.key);
      if (persist) out.add("json", action.json);
      return out.text();
    };
    return candor::json::array_of(states_.poll(instant_from_ms(now)), write).json;
  }
  double wake_at() const { return or_nan(states_.wake_at()); }

 private:
  static std::string said(candor::StateError error) { return std::string(candor::to_string(error)); }
  candor::StateManager states_;
};

}  // namespace

EMSCRIPTEN_BINDINGS(candor) {
  using emscripten::class_;

  class_<ModelLoader>("ModelLoader")
      .constructor<const std::string&>()
      .function("on", &ModelLoader::on)
      .function("buffer", &ModelLoader::buffer)
      .function("received", &ModelLoader::received)
      .function("hashed", &ModelLoader::hashed)
      .function("wakeAt", &ModelLoader::wake_at)
      .function("snapshot", &ModelLoader::snapshot)
      .function("folder", &ModelLoader::folder);

  class_<GenerationLoop>("GenerationLoop")
      .constructor<const std::string&>()
      .function("layout", &GenerationLoop::layout)
      .function("messagesToDrop", &GenerationLoop::messages_to_drop)
      .function("warmUp", &GenerationLoop::warm_up)
      .function("begin", &GenerationLoop::begin)
      .function("buffer", &GenerationLoop::buffer)
      .function("logits", &GenerationLoop::logits)
      .function("text", &GenerationLoop::text)
      .function("next", &GenerationLoop::next)
      .function("abort", &GenerationLoop::abort);

  class_<ProgressTracker>("ProgressTracker")
      .constructor<const std::string&, const std::string&, double>()
      .function("update", &ProgressTracker::update)
      .function("handleTransformersProgress", &ProgressTracker::event)
      .function("complete", &ProgressTracker::complete)
      .function("fail", &ProgressTracker::fail)
      .function("snapshot", &ProgressTracker::snapshot);

  class_<MultiFileAggregator>("MultiFileAggregator")
      .constructor<>()
      .function("handleFileProgress", &MultiFileAggregator::event)
      .function("complete", &MultiFileAggregator::complete)
      .function("fail", &MultiFileAggregator::fail)
      .function("snapshot", &MultiFileAggregator::snapshot);

  class_<Throttler>("Throttler")
      .constructor<double>()
      .function("push", &Throttler::push)
      .function("poll", &Throttler::poll)
      .function("wakeAt", &Throttler::wake_at);

  class_<StateManager>("StateManager")
      .constructor<>()
      .function("startDownload", &StateManager::start)
      .function("updateDownload", &StateManager::update)
      .function("completeDownload", &StateManager::complete)
      .function("failDownload", &StateManager::fail)
      .function("pauseDownload", &StateManager::pause)
      .function("resumeDownload", &StateManager::resume)
      .function("removeDownload", &StateManager::remove)
      .function("state", &StateManager::state)
      .function("serialize", &StateManager::serialize)
      .function("restore", &StateManager::restore)
      .function("subscribe", &StateManager::subscribe)
      .function("unsubscribe", &StateManager::unsubscribe)
      .function("poll", &StateManager::poll)
      .function("wakeAt", &StateManager::wake_at);
}
