#include <algorithm>
#include <utility>

#include "base/text.hpp"
#include "candor/inference/runtime_error.hpp"
#include "candor/loader/model_loader.hpp"
#include "loader/choosing.hpp"
#include "loader/session_terms.hpp"

// ModelLoader's share in the session: what is judged before the weights come, its birth, its end, its engine.
namespace candor {
namespace {

using namespace loading;

// A graph without its weights is smaller than this, bytes.
constexpr std::uint64_t kSmallGraph = 16U << 20U;

}  // namespace

// --- what is cheap to judge ---

// All that is not held is here: asks what it is worth, once.
void ModelLoader::examine(Transferring& state) {
  if (state.examination) return;
  state.examination = ++examinations_;
  actions_.push_back(action::Examine{*state.examination, session_plan(data_.config, *state.choice),
                                     state.held == Transferring::Held::kData});
}

void ModelLoader::handle(const event::Examined& event, Instant now) {
  auto* state = std::get_if<Transferring>(&data_.state);
  if (!state || state->examination != event.examination) return;
  state->examination.reset();
  const Manifest& files = data_.repository.download()->manifest();
  if (event.fault.kind) {
    const ManifestFile* bad = files.find(event.fault.file);
    Intent intent;
    Error error = examination_error(event.fault, bad != nullptr && bad->has_hash());
    if (error.code == ErrorCode::kIntegrity) intent.distrusted = event.fault.file;
    data_.repository.pause(now);
    return fail(std::move(error), std::move(intent), now);
  }
  if (event.external && !take_external(*state, *event.external, now)) return;
  const GraphFiles& graph = state->choice->plan.graph();
  const ManifestFile* file = files.find(graph.graph);
  // A graph that may have its weights elsewhere says where.
  const bool apart = !graph.external_data.empty() || (file && file->size && *file->size <= kSmallGraph);
  if (state->held == Transferring::Held::kWeights && apart) {
    state->held = Transferring::Held::kData;
    data_.repository.release(std::span(&graph.graph, 1), now);
  } else {
    state->held = Transferring::Held::kNothing;
    state->list.reset();
    data_.repository.release(large_files(session_plan(data_.config, *state->choice)), now);
  }
  files_moved(now);
}

// What the graph names decides what is fetched of its data.
bool ModelLoader::take_external(Transferring& state, const std::vector<std::string>& names, Instant now) {
  const std::string& graph = state.choice->plan.graph().graph;
  std::vector<std::string> paths;
  std::vector<ManifestFile> files;
  for (const std::string& name : names) {
    std::string path = text::joined(std::string_view(graph).substr(0, graph.rfind('/') + 1), name);
    const ManifestFile* file = path_fault(path).empty() ? state.list->find(path) : nullptr;
    // Without a list nobody has asked for a name that no convention knows.
    const bool unlisted = !file && path_fault(path).empty() && !state.list->whole();
    if (!file && !unlisted) {
      data_.repository.pause(now);
      fail({ErrorCode::kNotFound,
            text::joined("dataMissing\t", text::file_name(graph), "\t", text::file_name(name)), false, path},
           {}, now);
      return false;
    }
    if (file) files.push_back(*file);
    if (unlisted) {
      ManifestFile asked;
      asked.path = path;
      asked.url = state.list->find(graph)->url;
      const std::string as_graph = url_path(graph);
      asked.url.replace(asked.url.rfind(as_graph), as_graph.size(), url_path(path));
      files.push_back(std::move(asked));
    }
    paths.push_back(std::move(path));
  }
  Choice choice = *state.choice;
  // What only the names let expect comes all the same; the session is not told of it.
  data_.repository.release(choice.plan.graph().external_data, now);
  choice.plan.set_external_data(paths);
  state.choice = std::make_shared<const Choice>(std::move(choice));
  data_.repository.add(std::move(files), now);
  return true;
}

// --- the session ---

void ModelLoader::create_session(ChoicePtr choice, bool fresh_list, Instant now) {
  data_.repository.share();
  pull();
  data_.progress->set_loading(now);
  auto driver = std::make_unique<SessionDriver>(data_.timings);
  driver->start(variant_id(choice->plan.variant()), choice->plan.weight_bytes(), now);
  actions_.push_back(action::CreateSession{++sessions_, session_plan(data_.config, *choice)});
  if (!fresh_list && data_.online && revalidation(data_.config) == Revalidate::kBackground)
    data_.repository.look(candidates(data_.config, choice->device), now);
  enter(Loading{std::move(choice), fresh_list, sessions_, std::move(driver), std::nullopt}, now);
}

void ModelLoader::handle(const event::SessionProgress& event, Instant now) {
  auto* state = std::get_if<Loading>(&data_.state);
  if (!state || event.session != state->session) return;
  state->driver->progress(event, now);
  if (state->driver->phase() == LoadPhase::kUpload) {
    if (!state->upload) state->upload.emplace(ProgressTracker::Options{});
    state->upload->update(state->driver->resident(), state->driver->weight_bytes(), now);
  }
  changed_ = true;
}

void ModelLoader::handle(const event::SessionReady& event, Instant now) {
  auto* state = std::get_if<Loading>(&data_.state);
  if (!state || event.session != state->session) return;
  state->driver->ready(now);
  data_.timings = state->driver->timings();
  data_.attempt = 1;
  data_.progress->complete(now);
  // The files are read; other tabs may change them.
  data_.repository.close();
  pull();
  keep_timings();
  Ready ready{std::move(state->choice), state->session, std::move(state->driver), std::nullopt, false};
  enter(std::move(ready), now);
  files_moved(now);
}

void ModelLoader::moved(Ready& state, Instant) {
  const auto& seen = data_.repository.seen();
  const Download* download = data_.repository.download();
  if (!seen || !download || state.newer) return;
  Error error;
  if (const ChoicePtr choice = choose(*seen, data_.config.variant, state.choice->device, error))
    state.newer = newer_than(*download, *seen, choice->plan.files());
  if (state.newer) changed_ = true;
}

void ModelLoader::keep_timings() {
  actions_.push_back(action::Persist{timings_key(data_.config.model_key), data_.timings.to_json()});
}

// Whether what the engine said ends its use in this visit. A device that is lost, or has no room, once may
// have been so by chance. What the page asked for by name is not replaced.
bool ModelLoader::leave_webgpu(const Choice& choice, ErrorCode code) {
  if (choice.plan.variant().execution_provider != ExecutionProvider::kWebGpu ||
      data_.config.variant.execution_provider || code == ErrorCode::kIntegrity)
    return false;
  const bool lost = code == ErrorCode::kDeviceLost;
  const bool full = code == ErrorCode::kOutOfMemory;
  if ((lost || full) && ++data_.losses < 2) return false;
  data_.webgpu_fault = lost ? "webGpuLostTwice" : full ? "webGpuFull" : "webGpuFailed";
  return true;
}

void ModelLoader::handle(const event::SessionFailed& event, Instant now) {
  auto* state = std::get_if<Loading>(&data_.state);
  if (!state || event.session != state->session) return;
  const std::string& bad = event.fault.file.empty() ? state->choice->plan.graph().graph : event.fault.file;
  const ManifestFile* file = data_.repository.download()->manifest().find(bad);
  Error error = session_error(event.fault, file != nullptr && file->has_hash());
  if (!event.fault.kind && leave_webgpu(*state->choice, error.code)) {
    const DeviceProfile device = without_webgpu(state->choice->device, data_.webgpu_fault);
    Error none;
    // The same weights, if the processor can take them.
    ChoicePtr choice = choose(data_.repository.download()->manifest(), data_.config.variant, device, none);
    if (choice) {
      // The processor has another build of the runtime, which may have to come first.
      end_session();
      data_.repository.close();
      return open({}, now);
    }
  }
  Intent intent;
  if (error.code == ErrorCode::kIntegrity) intent.distrusted = bad;
  intent.ask_source = error.code == ErrorCode::kUnsupported;
  const bool list_is_old = !state->fresh_list;
  end_session();
  // What cannot be loaded may have been replaced.
  if (intent.ask_source && list_is_old && data_.online) {
    data_.repository.close();
    return open(intent, now);
  }
  fail(std::move(error), intent, now);
}

void ModelLoader::handle(const event::SessionLost& event, Instant now) {
  const auto* loading = std::get_if<Loading>(&data_.state);
  const auto* ready = std::get_if<Ready>(&data_.state);
  if (!(loading && loading->session == event.session) && !(ready && ready->session == event.session)) return;
  const bool leave = leave_webgpu(*choice_of(data_), ErrorCode::kDeviceLost);
  end_session();
  if (leave) {
    data_.repository.close();
    return open({}, now);
  }
  fail({ErrorCode::kDeviceLost, "deviceLost", true, event.message}, {}, now);
}

void ModelLoader::handle(const event::Answered& event, Instant) {
  constexpr std::uint64_t kEnough = 8;
  auto* ready = std::get_if<Ready>(&data_.state);
  if (!ready || ready->session != event.session) return;
  ready->answered = true;
  if (event.tokens < kEnough || !event.tokens_per_second || !(*event.tokens_per_second > 0)) return;
  data_.timings.set_speed(*event.tokens_per_second);
  keep_timings();
  changed_ = true;
}

void ModelLoader::handle(const event::AnswerFailed& event, Instant now) {
  const auto* ready = std::get_if<Ready>(&data_.state);
  Error error{runtime_error(event.message), "noAnswer", true, event.message};
  actions_.push_back(action::RejectChat{event.chat, error});
  if (!ready || ready->session != event.session) return;
  const bool lost = runtime_is_dead(event.message);
  // What never gave an answer is not the engine for this model; what did may die once.
  const bool dies = ready->answered && error.code != ErrorCode::kOutOfMemory;
  const bool leave =
      (lost || !ready->answered) && leave_webgpu(*ready->choice, dies ? ErrorCode::kDeviceLost : error.code);
  if (!lost && !leave) return;
  end_session();
  if (leave) return open({}, now);
  error.message = "modelStopped";
  fail(std::move(error), {}, now);
}

void ModelLoader::handle(const event::StoreFailed& event, Instant now) {
  if (data_.repository.on(event, now)) return files_moved(now);
  // All is verified by now: only what the session needs of the files can still end the load.
  if (!std::holds_alternative<Loading>(data_.state) || event.visit != data_.repository.visit() ||
      event.work != event::StoreFailed::Work::kSession)
    return;
  end_session();
  Failure failure;
  failure.cause = Cause::kStorage;
  failure.detail = event.message;
  fail(error_of(failure), {}, now);
}

}  // namespace candor
