#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "candor/base/time.hpp"
#include "candor/state/download_state.hpp"

namespace candor {

/// Why a StateManager refused something.
enum class StateError {
  kNone,
  kBadKey,             ///< empty, or longer than 512 bytes
  kUnknownModel,       ///< no download under this key
  kIllegalTransition,  ///< e.g. completing what is paused
  kDamaged,            ///< not JSON, too large, or fields missing, of a wrong type or out of range
  kForeign,            ///< JSON, but not a record of ours, or one of another model
  kFutureVersion,      ///< written by a later version; left alone
  kAlreadyActive,      ///< restoring over a download that runs here
};

/// The id of a sentence; empty for `none`.
std::string_view to_string(StateError error);

/// What the caller must do with its storage.
struct StorageAction {
  enum class Kind { kPersist, kRemove };
  Kind kind = Kind::kPersist;
  std::string key;   ///< `download_state_${modelKey}`
  std::string json;  ///< empty for `remove`
};

/// The DownloadState of every model. Legal transitions only:
///
///     start:    (nothing) | paused | failed | completed -> downloading
///     pause:    downloading -> paused           resume:   paused | failed -> downloading
///     complete: downloading -> completed        fail:     downloading | paused -> failed
///     update:   downloading only                remove:   any -> (nothing)
///
/// An illegal one changes nothing and returns the reason. start() begins anew (position 0) after a completed
/// download and goes on from the known position otherwise, since bytes on disk stay; after a failure it
/// counts as the next attempt.
class StateManager {
 public:
  using Subscriber = std::function<void(const DownloadState&)>;
  using SubscriptionId = std::uint64_t;

  static constexpr int kSchemaVersion = 1;
  /// A completed download's record is removed this long after its completion.
  static constexpr Millis kCompletedLifetime{5000};
  /// Updates of one download are persisted at most this often; transitions always.
  static constexpr Millis kPersistInterval{500};

  StateError start_download(std::string_view model_key, std::string_view model_name, Instant now);
  StateError update_download(std::string_view model_key, const DownloadUpdate& update, Instant now);
  StateError complete_download(std::string_view model_key, Instant now);
  StateError fail_download(std::string_view model_key, std::string error, Instant now);
  StateError pause_download(std::string_view model_key, Instant now);
  StateError resume_download(std::string_view model_key, Instant now);
  StateError remove_download(std::string_view model_key, Instant now);

  std::optional<DownloadState> state(std::string_view model_key) const;

  /// Calls `subscriber` after every change of this model's state, in order. Subscribers may be added and
  /// removed and the manager may be used from within a call: one added then hears of later changes only, a
  /// removed one hears nothing more, and changes made there are delivered after the current one.
  SubscriptionId subscribe(std::string_view model_key, Subscriber subscriber);
  /// False when there is no such subscription (any more).
  bool unsubscribe(SubscriptionId id);

  /// What has to be stored or removed by now. A completed download is forgotten here when its time has come.
  std::vector<StorageAction> poll(Instant now);
  /// When poll() will next have something; a moment in the past means now, empty means never.
  std::optional<Instant> wake_at() const;

  /// The record of a model; empty when unknown.
  std::optional<std::string> serialize(std::string_view model_key) const;

  struct Restored {
    std::optional<DownloadState> state;    ///< what was taken over
    StateError error = StateError::kNone;  ///< why nothing was
    bool interrupted = false;              ///< it was downloading when its page was left
  };
  /// Takes over a record of an earlier visit. Nothing runs after a reload: "downloading" comes back as
  /// "paused", without speed and remaining time. `expected_key`: the model it was stored under, if known.
  Restored restore(std::string_view json, Instant now,
                   std::optional<std::string_view> expected_key = std::nullopt);

  static std::string storage_key(std::string_view model_key);

 private:
  struct Entry {
    DownloadState state;
    bool dirty = false;
    bool urgent = false;  // a transition: do not wait for the interval
    std::optional<Instant> persisted;
    std::optional<Instant> remove_at;
  };
  struct Subscription {
    SubscriptionId id;
    std::string model_key;
    Subscriber subscriber;
  };

  std::vector<Entry> entries_;
  std::vector<std::string> removed_;  // keys whose records must go
  std::vector<Subscription> subscriptions_;
  std::vector<DownloadState> undelivered_;
  SubscriptionId next_id_ = 1;
  bool delivering_ = false;
  MonotonicTime time_;

  const Entry* find(std::string_view model_key) const;
  Entry* find(std::string_view model_key);
  void changed(Entry& entry, Instant now, bool transition);
  void deliver();
};

}  // namespace candor
