// The core as JavaScript sees it: a list. bindings.d.ts says what each line means; names change here and
// nowhere else.

#include <emscripten/bind.h>
#include <emscripten/val.h>

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "candor/base/bytes.hpp"
#include "candor/inference/generation_loop.hpp"
#include "candor/loader/model_loader.hpp"
#include "candor/loader/watched_load.hpp"
#include "candor/model/onnx_index.hpp"
#include "candor/progress/multi_file_aggregator.hpp"
#include "candor/progress/progress_tracker.hpp"
#include "candor/progress/throttler.hpp"
#include "candor/state/state_manager.hpp"
#include "wire/buffer.hpp"
#include "wire/wire.hpp"

namespace {

using candor::instant_from_ms;
namespace wire = candor::wire;

class ModelLoader {
 public:
  explicit ModelLoader(const std::string& config)
      : loader_(wire::parse_model_config(config).value_or(candor::ModelConfig{})) {}
  std::string on(const std::string& event, double now) {
    return wire::on(loader_, event, instant_from_ms(now));
  }
  double buffer(double length) { return static_cast<double>(buffer_.address(wire::count_from(length))); }
  std::string received(double request, double length, double now) {
    return wire::actions_to_json(loader_.received(static_cast<candor::RequestId>(request),
                                                  buffer_.first(wire::count_from(length)),
                                                  instant_from_ms(now)));
  }
  std::string hashed(double file, double offset, double length, double now) {
    return wire::actions_to_json(
        loader_.hashed(static_cast<candor::FileId>(file), static_cast<std::uint64_t>(offset),
                       buffer_.first(wire::count_from(length)), instant_from_ms(now)));
  }
  double wake_at() const { return wire::ms_or_nan(loader_.wake_at()); }
  std::string snapshot(double now) { return wire::snapshot_to_json(loader_.snapshot(instant_from_ms(now))); }
  std::string folder() const { return loader_.folder(); }

 private:
  candor::ModelLoader loader_;
  wire::Buffer<std::uint8_t> buffer_;
};

class GenerationLoop {
 public:
  explicit GenerationLoop(const std::string& graph)
      : loop_(wire::parse_graph(graph).value_or(candor::GraphDescription{})) {}
  std::string layout() const { return wire::layout_to_json(loop_); }
  double messages_to_drop(const std::string& costs, double prompt_tokens, double max_new_tokens) const {
    return static_cast<double>(wire::messages_to_drop(loop_, costs, prompt_tokens, max_new_tokens));
  }
  std::string begin(const std::string& prompt, const std::string& options) {
    return wire::step_to_json(
        loop_.begin(wire::parse_token_ids(prompt).value_or(std::vector<candor::TokenId>{}),
                    wire::parse_generation_options(options).value_or(candor::GenerationOptions{})));
  }
  double buffer(double count) { return static_cast<double>(logits_.address(wire::count_from(count))); }
  std::string logits(double count) {
    return wire::step_to_json(loop_.logits(logits_.first(wire::count_from(count))));
  }
  std::string text(const std::string& decoded) { return wire::step_to_json(loop_.text(decoded)); }
  std::string next() { return wire::step_to_json(loop_.next()); }
  std::string abort() { return wire::step_to_json(loop_.abort()); }
  void forget() { loop_.forget(); }

 private:
  candor::GenerationLoop loop_;
  wire::Buffer<float> logits_;
};

class OnnxIndex {
 public:
  OnnxIndex(const std::string& name, double size)
      : index_(name, candor::bytes_from_double(size).value_or(0)) {}
  void external(const std::string& name, double size) {
    index_.external(name, candor::bytes_from_double(size).value_or(0));
  }
  double next() const {
    const auto at = index_.next();
    return at ? static_cast<double>(*at) : std::numeric_limits<double>::quiet_NaN();
  }
  double buffer(double length) { return static_cast<double>(buffer_.address(wire::count_from(length))); }
  void add(double length) { index_.add(buffer_.first(wire::count_from(length))); }
  std::string fault() const { return index_.fault(); }
  double graph() const {
    return static_cast<double>(reinterpret_cast<std::uintptr_t>(index_.graph().data()));
  }
  double graph_bytes() const { return static_cast<double>(index_.graph().size()); }
  double weight_bytes() const { return static_cast<double>(index_.weight_bytes()); }

 private:
  candor::OnnxIndex index_;
  wire::Buffer<std::uint8_t> buffer_;
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
  std::string snapshot(double now) const { return candor::to_json(tracker_.snapshot(instant_from_ms(now))); }

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
  std::string snapshot(double now) const { return candor::to_json(files_.snapshot(instant_from_ms(now))); }

 private:
  candor::MultiFileAggregator files_;
};

class WatchedLoad {
 public:
  WatchedLoad(const std::string& key, const std::string& name, const std::string& revision, bool cache_known)
      : load_({key, name, revision, cache_known}) {}
  void kept(const std::string& address) { load_.kept(address); }
  std::string event(const std::string& json, double now) {
    return wire::snapshot_to_json(load_.on(candor::TransformersEvent::from_json(json), instant_from_ms(now)));
  }
  std::string complete(double now) { return wire::snapshot_to_json(load_.complete(instant_from_ms(now))); }
  std::string fail(const std::string& error, double now) {
    return wire::snapshot_to_json(load_.fail(error, instant_from_ms(now)));
  }
  std::string tick(double now) { return wire::snapshot_to_json(load_.tick(instant_from_ms(now))); }
  double wake_at() const { return wire::ms_or_nan(load_.wake_at()); }
  std::string snapshot(double now) const {
    return wire::snapshot_to_json(load_.snapshot(instant_from_ms(now)));
  }

 private:
  candor::WatchedLoad load_;
};

class Throttler {
 public:
  explicit Throttler(double interval) : throttler_(candor::Millis(interval)) {}
  bool push(bool is_final, double now) {
    return throttler_.push(true, instant_from_ms(now), is_final).has_value();
  }
  bool poll(double now) { return throttler_.poll(instant_from_ms(now)).has_value(); }
  double wake_at() const { return wire::ms_or_nan(throttler_.wake_at()); }

 private:
  candor::Throttler<bool> throttler_;
};

class StateManager {
 public:
  std::string start(const std::string& key, const std::string& name, double now) {
    return said(states_.start_download(key, name, instant_from_ms(now)));
  }
  std::string update(const std::string& key, const std::string& info, double now) {
    return said(wire::update_download(states_, key, info, instant_from_ms(now)));
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
    return wire::restored_to_json(states_.restore(json, instant_from_ms(now)));
  }
  double subscribe(const std::string& key, emscripten::val fn) {
    return static_cast<double>(states_.subscribe(
        key, [fn](const candor::DownloadState& state) { fn(emscripten::val(candor::to_json(state))); }));
  }
  void unsubscribe(double id) { states_.unsubscribe(static_cast<candor::StateManager::SubscriptionId>(id)); }
  std::string poll(double now) { return wire::storage_to_json(states_.poll(instant_from_ms(now))); }
  double wake_at() const { return wire::ms_or_nan(states_.wake_at()); }

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
      .function("begin", &GenerationLoop::begin)
      .function("buffer", &GenerationLoop::buffer)
      .function("logits", &GenerationLoop::logits)
      .function("text", &GenerationLoop::text)
      .function("next", &GenerationLoop::next)
      .function("abort", &GenerationLoop::abort)
      .function("forget", &GenerationLoop::forget);

  class_<OnnxIndex>("OnnxIndex")
      .constructor<const std::string&, double>()
      .function("external", &OnnxIndex::external)
      .function("next", &OnnxIndex::next)
      .function("buffer", &OnnxIndex::buffer)
      .function("add", &OnnxIndex::add)
      .function("fault", &OnnxIndex::fault)
      .function("graph", &OnnxIndex::graph)
      .function("graphBytes", &OnnxIndex::graph_bytes)
      .function("weightBytes", &OnnxIndex::weight_bytes);

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

  class_<WatchedLoad>("WatchedLoad")
      .constructor<const std::string&, const std::string&, const std::string&, bool>()
      .function("kept", &WatchedLoad::kept)
      .function("handleEvent", &WatchedLoad::event)
      .function("complete", &WatchedLoad::complete)
      .function("fail", &WatchedLoad::fail)
      .function("tick", &WatchedLoad::tick)
      .function("wakeAt", &WatchedLoad::wake_at)
      .function("snapshot", &WatchedLoad::snapshot);

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
