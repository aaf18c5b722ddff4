#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "candor/base/time.hpp"
#include "candor/io/action.hpp"
#include "candor/io/event.hpp"
#include "candor/loader/loader_state.hpp"
#include "candor/loader/model_config.hpp"
#include "candor/progress/throttler.hpp"
#include "candor/transfer/recovery_policy.hpp"

namespace candor {

/// Brings one model from nothing to ready: a repository of files, and a session. No I/O, no clock: the same
/// calls give the same actions.
///
///     idle -load-> opening -> resolving -> transferring -> loading -> ready
///                     |                        ^
///                     +-- all is on disk ------+
///     any that runs -> failed -retry-> where it was;  -cancel, dispose-> idle;  -remove-> removing -> idle
///
/// Events that make no sense in the present state, or belong to requests, visits and sessions that are over,
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

  Snapshot snapshot(Instant now) const { return snapshot_of(data_, now); }

  /// The name of the model's folder in the store, the same on every visit; one segment of a path.
  std::string folder() const { return data_.repository.folder(); }

 private:
  // What the visitor does.
  void handle(const event::Load&, Instant now);
  void handle(const event::Pause&, Instant now);
  void handle(const event::Resume&, Instant now);
  void handle(const event::Retry&, Instant now);
  void handle(const event::Cancel&, Instant now);
  void handle(const event::Remove& event, Instant now);
  void handle(const event::Update&, Instant now);
  void handle(const event::Dispose&, Instant now);
  // What happens to the device and to the session.
  void handle(const event::Tick&, Instant now);
  void handle(const event::Online&, Instant now);
  void handle(const event::Offline&, Instant now);
  void handle(const event::Locked& event, Instant now);
  void handle(const event::Probed& event, Instant now);
  void handle(const event::StoreFailed& event, Instant now);
  void handle(const event::Removed& event, Instant now);
  void handle(const event::SessionProgress& event, Instant now);
  void handle(const event::SessionReady& event, Instant now);
  void handle(const event::SessionFailed& event, Instant now);
  void handle(const event::Examined& event, Instant now);
  void handle(const event::SessionLost& event, Instant now);
  void handle(const event::Answered& event, Instant now);
  void handle(const event::AnswerFailed& event, Instant now);
  // Everything else happens to the files.
  template <typename FileEvent>
  void handle(const FileEvent& event, Instant now);

  void files_moved(Instant now);
  void moved(loading::Idle&, Instant) {}
  void moved(loading::Opening& state, Instant now);
  void moved(loading::Resolving& state, Instant now);
  void moved(loading::Transferring& state, Instant now);
  void moved(loading::Loading&, Instant) {}
  void moved(loading::Ready& state, Instant now);
  void moved(loading::Failed&, Instant) {}
  void moved(loading::Removing& state, Instant now);

  void open(loading::Intent intent, Instant now);
  void resolve(loading::DevicePtr device, std::string distrusted, Instant now);
  bool load_from_disk(const loading::DevicePtr& device, Instant now);
  void resolved(const DeviceProfile& device, const std::string& distrusted, Instant now);
  void transfer(loading::ChoicePtr choice, Manifest files, std::shared_ptr<const Manifest> list,
                const std::string& distrusted, Instant now);
  void examine(loading::Transferring& state);
  bool take_external(loading::Transferring& state, const std::vector<std::string>& names, Instant now);
  void create_session(loading::ChoicePtr choice, bool fresh_list, Instant now);
  bool leave_webgpu(const loading::Choice& choice, ErrorCode code);
  void keep_timings();
  void try_again(Instant now);
  void end_session();
  void stop(Instant now);
  void removal_ended(std::optional<Error> error, loading::State next, Instant now);
  void fail(Error error, loading::Intent intent, Instant now);
  Repository::Conditions conditions(const DeviceProfile& device) const;
  void sync_progress(Instant now);
  void enter(loading::State state, Instant now);
  void pull();
  std::vector<Action> finish(Instant now);

  LoaderData data_;
  Throttler<char> throttler_;  // says when; the snapshot is made at delivery, so it is the latest
  SessionId sessions_ = 0;
  Ticket examinations_ = 0;
  std::optional<Instant> updated_;
  bool changed_ = false;
  bool changed_for_good_ = false;  // a final state: to be shown at once
  std::vector<Action> actions_;
  std::vector<Action> answers_;  // come last
};

}  // namespace candor
