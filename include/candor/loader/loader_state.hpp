#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "candor/base/error.hpp"
#include "candor/base/time.hpp"
#include "candor/inference/session_driver.hpp"
#include "candor/io/snapshot.hpp"
#include "candor/loader/model_config.hpp"
#include "candor/model/device_profile.hpp"
#include "candor/model/variant_plan.hpp"
#include "candor/progress/eta_display.hpp"
#include "candor/progress/multi_file_aggregator.hpp"
#include "candor/progress/progress_tracker.hpp"
#include "candor/state/state_manager.hpp"
#include "candor/transfer/repository.hpp"

namespace candor {

/// The states of a ModelLoader. Each owns what only it has, so what a state doesn't have can't be touched.
namespace loading {

/// What was chosen for this device.
struct Choice {
  DeviceProfile device;
  VariantPlan plan;
};
/// It never changes, so states hand it on.
using ChoicePtr = std::shared_ptr<const Choice>;
using DevicePtr = std::shared_ptr<const DeviceProfile>;

/// What the next opening has to do differently, because of how the last one ended.
struct Intent {
  bool ask_source = false;  ///< what is on disk is of no use: its source may have something else by now
  /// How the paths begin of files that could not be read, and that no checksum vouches for.
  std::string distrusted{};
};

/// Nothing is under way.
struct Idle {
  LoadStatus status =
      LoadStatus::kIdle;  ///< kIdle, kPaused (by the visitor, or in an earlier visit) or kCancelled
  std::optional<LoadPhase> phase;
  ChoicePtr choice;          ///< what was under way, if anything was
  bool interrupted = false;  ///< the page was left in the middle of it
};

/// Other tabs are waited for, the device is probed, the journal read.
struct Opening {
  Intent intent;
  DevicePtr device;
  EtaDisplayRounder rounder;  ///< of what the tab that has the folder says
  EtaDisplay eta;
};

/// Which files are there?
struct Resolving {
  DevicePtr device;
  std::string distrusted;
};

/// The files come, or are verified.
struct Transferring {
  ChoicePtr choice;
  bool fresh_list = false;       ///< the files are those that the source named in this round
  std::uint64_t began_with = 0;  ///< bytes in place when this attempt began
  bool waits = false;            ///< for a time or the network; nothing is asked for
  /// What is cheap comes first, and is judged before the rest: what is held now.
  enum class Held { kNothing, kData, kWeights } held = Held::kNothing;
  std::optional<Ticket> examination;     ///< under way
  std::shared_ptr<const Manifest> list;  ///< all that the source has, while something is held
};

/// A session is being created.
struct Loading {
  ChoicePtr choice;
  bool fresh_list = false;
  SessionId session = 0;
  std::unique_ptr<SessionDriver> driver;
  std::optional<ProgressTracker> upload;  ///< the pace of the weights on their way to the runtime
};

/// The model answers.
struct Ready {
  ChoicePtr choice;
  SessionId session = 0;
  std::unique_ptr<SessionDriver> driver;
  std::optional<Newer> newer;
  bool answered = false;  ///< a chat ended as it should
};

/// The visitor is asked, or it is over.
struct Failed {
  Error error;
  std::uint64_t kept = 0;
  std::optional<LoadPhase> phase;
  ChoicePtr choice;  ///< what failed, where it was chosen already
  Intent intent;
  /// What a retry goes on with; nothing: with what is on disk.
  std::variant<std::monostate, Resolving, Transferring> back;
};

/// The files are taken away as soon as no other tab uses them.
struct Removing {
  std::vector<Ticket> tickets;
  bool load_after = false;
};

using State = std::variant<Idle, Opening, Resolving, Transferring, Loading, Ready, Failed, Removing>;

}  // namespace loading

/// All that a ModelLoader knows.
struct LoaderData {
  explicit LoaderData(ModelConfig model);

  ModelConfig config;
  Repository repository;
  StateManager records;
  PhaseTimings timings;  ///< of the last session on this device
  /// While the repository has a download.
  std::optional<MultiFileAggregator> progress;
  loading::State state;
  MonotonicTime time;
  std::optional<LoadPhase> phase;  ///< as of the last event
  Instant phase_began{};
  /// Bytes through the checksum, while that is all that is missing. A server that repeats what is here takes
  /// the checksum back, which throws nothing away: what is shown stays.
  std::uint64_t hashed = 0;
  std::uint64_t discarded = 0;
  std::optional<Instant> started;
  unsigned attempt = 1;
  bool online = true;
  /// Why WebGPU isn't used any more in this visit, as the id of a part of a sentence; empty: it is.
  std::string webgpu_fault;
  unsigned losses = 0;  ///< of the device or its memory, on WebGPU
};

// What follows from it. Asking changes nothing.

LoadStatus status_of(const LoaderData& loader);
std::optional<LoadPhase> phase_of(const LoaderData& loader);
/// Null before anything was chosen.
loading::ChoicePtr choice_of(const LoaderData& loader);
/// Something is under way that ends by itself.
bool is_running(LoadStatus status);
Allowed allowed_in(const LoaderData& loader);
/// Silence, while something is under way, is told after this long.
inline constexpr Millis kHeartbeat{1000};
/// What the visitor is shown at `now`.
Snapshot snapshot_of(const LoaderData& loader, Instant now);

}  // namespace candor
