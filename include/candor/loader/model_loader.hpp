#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "candor/base/time.hpp"
#include "candor/inference/session_driver.hpp"
#include "candor/io/action.hpp"
#include "candor/io/event.hpp"
#include "candor/io/snapshot.hpp"
#include "candor/model/device_profile.hpp"
#include "candor/model/variant_plan.hpp"
#include "candor/progress/multi_file_aggregator.hpp"
#include "candor/progress/throttler.hpp"
#include "candor/state/state_manager.hpp"
#include "candor/transfer/download.hpp"
#include "candor/transfer/journal.hpp"
#include "candor/transfer/source_resolver.hpp"

namespace candor {

/// Whether a model that is whole on disk is asked for again.
enum class Revalidate {
  kDefault,  ///< kBackground; kNever for a commit, which cannot change
  kNever,
  kBackground,  ///< it loads from disk, and a newer version is looked for beside
  kBeforeLoad   ///< the list is asked for first, and what changed is fetched
};

/// What the core is told about one model when its loader is made.
struct ModelConfig {
  std::string model_key;
  std::string model_name;
  ModelSource source;
  VariantRequest variant;
  std::optional<std::string> record;   ///< saved under download_state_${modelKey}; hostile until checked
  std::optional<std::string> timings;  ///< saved under candor_timings_${modelKey}; hostile until checked
  Revalidate revalidate = Revalidate::kDefault;
  std::uint64_t seed = 0;  ///< of the jitter of waits
};

/// Brings one model from nothing to ready: what is on disk, where it comes from, which weights suit this
/// device, the download, the session, and what the visitor is shown meanwhile. No I/O, no clock: the same
/// calls give the same actions.
///
///     idle -load-> queued -> downloading <-pause/resume-> paused
///                     |           |
///                     +-----------+-> loading -> ready -(session lost)-> failed
///     failed -retry-> queued | downloading | loading;  any running -cancel-> cancelled;  any -remove-> idle
///
/// Events that make no sense in the present state, or belong to requests and files that no longer matter,
/// change nothing.
class ModelLoader {
 public:
  static constexpr unsigned kMaxAttempts = RecoveryPolicy::kMaxAttempts;

  explicit ModelLoader(ModelConfig config);

  std::vector<Action> on(const Event& event, Instant now);
  /// The next bytes of a request's body were written at their place.
  std::vector<Action> received(RequestId request, std::span<const std::uint8_t> bytes, Instant now);
  /// Bytes read back for action::Read; empty: the file ends at `offset`.
  std::vector<Action> hashed(FileId file, std::uint64_t offset, std::span<const std::uint8_t> bytes,
                             Instant now);

  /// When to send the next Tick; extra Ticks do nothing. A moment in the past means now.
  std::optional<Instant> wake_at() const;

  Snapshot snapshot(Instant now);

  /// The name of the model's folder in the store, the same on every visit; one segment of a path.
  std::string folder() const;

 private:
  enum class Stage {
    kIdle,
    kOpening,    ///< other tabs are waited for, the device is probed, the journal read
    kResolving,  ///< which files are there?
    kTransferring,
    kLoading,  ///< a session is being created
    kReady,
    kRemoving
  };
  struct FileLedger {
    std::uint64_t discarded = 0;
    bool done = false;
  };

  void handle(const event::Load&, Instant now);
  void handle(const event::Pause&, Instant now);
  void handle(const event::Resume&, Instant now);
  void handle(const event::Retry&, Instant now);
  void handle(const event::Cancel&, Instant now);
  void handle(const event::Remove&, Instant now);
  void handle(const event::Dispose&, Instant now);
  void handle(const event::Update&, Instant now);
  void handle(const event::Busy&, Instant now);
  void handle(const event::Heard&, Instant now);
  void handle(const event::AnswerFailed&, Instant now);
  void handle(const event::Tick&, Instant now);
  void handle(const event::Online&, Instant now);
  void handle(const event::Offline&, Instant now);
  void handle(const event::Locked&, Instant now);
  void handle(const event::Peer& event, Instant now);
  void handle(const event::Probed& event, Instant now);
  void handle(const event::Journal& event, Instant now);
  void handle(const event::Opened& event, Instant now);
  void handle(const event::Journaled& event, Instant now);
  void handle(const event::StoreFailed& event, Instant now);
  void handle(const event::Removed&, Instant now);
  void handle(const event::Head& event, Instant now);
  void handle(const event::Text& event, Instant now);
  void handle(const event::End& event, Instant now);
  void handle(const event::FetchFailed& event, Instant now);
  void handle(const event::SessionProgress& event, Instant now);
  void handle(const event::SessionReady&, Instant now);
  void handle(const event::SessionFailed& event, Instant now);
  void handle(const event::SessionLost& event, Instant now);

  void try_again(Instant now);
  void open(Instant now);
  void locked(Instant now);
  void unlock();
  void opened(Instant now);
  bool open_from_disk(Instant now);
  void resolve(Instant now);
  void resolver_moved(Instant now);
  void resolved(Instant now);
  void begin_transfer(std::unique_ptr<Download> download, Instant now);
  Download::Options download_options() const;
  void forget_download();
  void correct_claim(std::uint64_t here);
  void download_moved(Instant now);
  void sync_files(Instant now);
  void create_session(Instant now);
  void fail(Error error, Instant now);
  void stop_work(Instant now);
  void set_status(LoadStatus status, Instant now);
  void set_phase(std::optional<LoadPhase> phase, Instant now);

  void add(std::vector<Action> actions);
  std::vector<Action> finish(Instant now);
  std::uint64_t on_disk() const;
  bool running() const;
  Allowed allowed() const;

  ModelConfig config_;
  MonotonicTime time_;
  StateManager states_;
  Throttler<char> throttler_;  // says when; the snapshot is made at delivery, so it is the latest
  SessionDriver session_;

  Stage stage_ = Stage::kIdle;
  LoadStatus status_ = LoadStatus::kIdle;
  std::optional<LoadPhase> phase_;
  Instant phase_began_{};
  std::optional<Instant> started_;
  std::optional<Instant> updated_;
  std::optional<SnapshotError> error_;
  unsigned attempt_ = 1;
  std::uint64_t attempt_began_with_ = 0;  // bytes on disk
  bool online_ = true;
  bool load_after_removal_ = false;

  /// Whose is the folder? Only who has it may change what is in it: one download for all tabs.
  enum class Lock { kNone, kAsked, kHeld };
  Lock lock_ = Lock::kNone;
  event::Peer peer_;  // while asked
  EtaDisplayRounder peer_eta_;

  std::optional<DeviceProfile> device_;
  bool journal_read_ = false;
  Journal::Newest journal_;
  std::vector<event::StoredFile> stored_;
  RequestId next_request_ = 1;
  std::optional<SourceResolver> resolver_;
  std::optional<VariantPlan> plan_;
  std::unique_ptr<Download> download_;
  std::optional<MultiFileAggregator> progress_;
  std::vector<FileLedger> ledger_;
  bool complete_ = false;        // every file was verified in this visit
  bool distrust_graph_ = false;  // the runtime could not read it, and no checksum vouches for it
  bool ask_source_ = false;      // what is on disk is of no use: its source may have something else by now
  bool list_is_fresh_ = false;   // the files are those that the source named in this round

  // What an earlier visit said is on disk, until the journal has spoken.
  std::uint64_t claimed_ = 0;
  std::optional<std::uint64_t> claimed_total_;
  // Of earlier rounds, whose Download is gone.
  std::uint64_t discarded_before_ = 0;
  std::optional<std::string> discarded_reason_;

  bool changed_ = false;
  bool changed_for_good_ = false;  // a final state: to be shown at once
  std::vector<Action> actions_;
};

}  // namespace candor
