#include "candor/state/state_manager.hpp"

#include <algorithm>
#include <utility>

#include "base/text.hpp"
#include "candor/base/bytes.hpp"
#include "state/download_state_fields.hpp"

namespace candor {
namespace {

constexpr std::size_t kMaxKeyBytes = 512;
constexpr std::size_t kMaxTextBytes = 4096;
constexpr std::uint64_t kMaxAttempts = 1'000'000;
constexpr double kMaxDateMs = 8.64e15;
// A record has a dozen short fields; anything much larger is not ours.
constexpr json::Limits kRecordLimits{.max_bytes = 64U << 10U, .max_depth = 4};

/// What is saved: the state and the version of its form.
struct Record {
  const DownloadState& state;
};
void fields(auto& f, json::Of<Record> auto& record) {
  fields(f, record.state);
  f("version", unsigned{StateManager::kSchemaVersion});
}

bool valid_key(std::string_view key) { return !key.empty() && key.size() <= kMaxKeyBytes; }

// At most kMaxTextBytes, cut between characters.
std::string shortened(std::string_view text) {
  if (text.size() <= kMaxTextBytes) return std::string(text);
  std::size_t end = kMaxTextBytes;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) --end;
  return std::string(text.substr(0, end));
}

std::optional<double> clamped(std::optional<double> value, double max) {
  // Written so that NaN fails the test.
  if (!value || !(*value >= 0)) return std::nullopt;
  return std::min(*value, max);
}

// A member that may be null or missing, but not of another type or out of range: `ok` turns false then.
std::optional<double> optional_number(const json::Value& record, const char* key, double max, bool& ok) {
  const json::Value* value = json::find(record, key);
  if (value == nullptr || value->is(json::Value::Kind::kNull)) return std::nullopt;
  const auto number = json::as_number(*value);
  if (!number || *number < 0 || *number > max) ok = false;
  return number;
}

std::optional<std::string> required_text(const json::Value& record, const char* key, std::size_t max) {
  auto text = json::string_at(record, key);
  if (text && text->size() > max) text.reset();
  return text;
}

// Empty when a field is missing, of a wrong type or out of range.
std::optional<DownloadState> read_state(const json::Value& record) {
  DownloadState state;
  bool ok = true;
  const auto key = required_text(record, "modelKey", kMaxKeyBytes);
  const auto name = required_text(record, "modelName", kMaxTextBytes);
  const auto status = download_status_from(json::text_at(record, "status"));
  const auto start = json::number_at(record, "startTime");
  const auto last = json::number_at(record, "lastUpdate");
  const auto bytes = json::uint_at(record, "bytesDownloaded");
  if (!key || key->empty() || !name || !status || !start || !last || !bytes) return std::nullopt;
  if (*start < 0 || *start > kMaxDateMs || *last < *start || *last > kMaxDateMs) return std::nullopt;
  state.model_key = *key;
  state.model_name = *name;
  state.status = *status;
  state.start_time = *start;
  state.last_update = *last;
  state.bytes_downloaded = *bytes;
  state.progress = optional_number(record, "progress", 100, ok);
  state.speed = optional_number(record, "speed", 1e15, ok);
  state.time_remaining = optional_number(record, "timeRemaining", 1e15, ok);
  const json::Value* total = json::find(record, "totalBytes");
  if (total != nullptr && !total->is(json::Value::Kind::kNull)) {
    state.total_bytes = json::as_uint(*total);
    if (!state.total_bytes || *state.total_bytes < *bytes) ok = false;
  }
  const json::Value* error = json::find(record, "error");
  if (error != nullptr && !error->is(json::Value::Kind::kNull)) {
    state.error = required_text(record, "error", kMaxTextBytes);
    if (!state.error) ok = false;
  }
  const json::Value* phase = json::find(record, "phase");
  if (phase != nullptr) {
    const auto text = required_text(record, "phase", kMaxKeyBytes);
    if (text) state.phase = *text;
    ok = ok && text.has_value();
  }
  const json::Value* attempt = json::find(record, "attempt");
  if (attempt != nullptr) {
    const auto number = json::as_uint(*attempt);
    if (number && *number >= 1 && *number <= kMaxAttempts) {
      state.attempt = static_cast<std::uint32_t>(*number);
    } else {
      ok = false;
    }
  }
  if (!ok) return std::nullopt;
  return state;
}

}  // namespace

std::string_view to_string(StateError error) {
  switch (error) {
    case StateError::kNone:
      return "";
    case StateError::kBadKey:
      return "badKey";
    case StateError::kUnknownModel:
      return "unknownModel";
    case StateError::kIllegalTransition:
      return "illegalTransition";
    case StateError::kDamaged:
      return "recordDamaged";
    case StateError::kForeign:
      return "recordForeign";
    case StateError::kFutureVersion:
      return "recordOfFuture";
    case StateError::kAlreadyActive:
      return "alreadyActive";
  }
  return "";
}

std::string StateManager::storage_key(std::string_view model_key) {
  return text::joined("download_state_", model_key);
}

const StateManager::Entry* StateManager::find(std::string_view model_key) const {
  for (const Entry& entry : entries_)
    if (entry.state.model_key == model_key) return &entry;
  return nullptr;
}
StateManager::Entry* StateManager::find(std::string_view model_key) {
  return const_cast<Entry*>(std::as_const(*this).find(model_key));
}

StateError StateManager::start_download(std::string_view model_key, std::string_view model_name,
                                        Instant now) {
  if (!valid_key(model_key)) return StateError::kBadKey;
  const Instant time = time_.advance(now);
  Entry* entry = find(model_key);
  if (entry != nullptr && entry->state.status == DownloadStatus::kDownloading)
    return StateError::kIllegalTransition;
  if (entry == nullptr || entry->state.status == DownloadStatus::kCompleted) {
    if (entry == nullptr) entry = &entries_.emplace_back();
    entry->state = DownloadState{};
    entry->state.model_key = std::string(model_key);
    entry->state.start_time = to_ms(time);
    entry->remove_at.reset();
    std::erase(removed_, model_key);
  } else if (entry->state.status == DownloadStatus::kFailed) {
    ++entry->state.attempt;
  }
  entry->state.model_name = shortened(model_name);
  entry->state.status = DownloadStatus::kDownloading;
  entry->state.error.reset();
  changed(*entry, time, true);
  return StateError::kNone;
}

StateError StateManager::update_download(std::string_view model_key, const DownloadUpdate& update,
                                         Instant now) {
  const Instant time = time_.advance(now);
  Entry* entry = find(model_key);
  if (entry == nullptr) return StateError::kUnknownModel;
  DownloadState& state = entry->state;
  if (state.status != DownloadStatus::kDownloading) return StateError::kIllegalTransition;
  state.progress = clamped(update.progress, 100);
  state.speed = clamped(update.speed, 1e15);
  state.time_remaining = clamped(update.time_remaining, 1e15);
  if (update.bytes_downloaded) state.bytes_downloaded = std::min(*update.bytes_downloaded, kMaxSafeBytes);
  state.total_bytes = update.total_bytes;
  // An over-count: then the total is not known.
  if (state.total_bytes && *state.total_bytes < state.bytes_downloaded) state.total_bytes.reset();
  state.phase = shortened(update.phase).substr(0, kMaxKeyBytes);
  changed(*entry, time, false);
  return StateError::kNone;
}

StateError StateManager::complete_download(std::string_view model_key, Instant now) {
  const Instant time = time_.advance(now);
  Entry* entry = find(model_key);
  if (entry == nullptr) return StateError::kUnknownModel;
  DownloadState& state = entry->state;
  if (state.status != DownloadStatus::kDownloading) return StateError::kIllegalTransition;
  state.status = DownloadStatus::kCompleted;
  state.progress = 100;
  state.speed.reset();
  state.time_remaining = 0;
  // Complete means that every byte is here.
  if (state.total_bytes) state.bytes_downloaded = *state.total_bytes;
  entry->remove_at = time + kCompletedLifetime;
  changed(*entry, time, true);
  return StateError::kNone;
}

StateError StateManager::fail_download(std::string_view model_key, std::string error, Instant now) {
  const Instant time = time_.advance(now);
  Entry* entry = find(model_key);
  if (entry == nullptr) return StateError::kUnknownModel;
  DownloadState& state = entry->state;
  if (state.status != DownloadStatus::kDownloading && state.status != DownloadStatus::kPaused) {
    return StateError::kIllegalTransition;
  }
  state.status = DownloadStatus::kFailed;
  state.error = shortened(error);
  state.speed.reset();
  state.time_remaining.reset();
  changed(*entry, time, true);
  return StateError::kNone;
}

StateError StateManager::pause_download(std::string_view model_key, Instant now) {
  const Instant time = time_.advance(now);
  Entry* entry = find(model_key);
  if (entry == nullptr) return StateError::kUnknownModel;
  DownloadState& state = entry->state;
  if (state.status != DownloadStatus::kDownloading) return StateError::kIllegalTransition;
  state.status = DownloadStatus::kPaused;
  state.speed.reset();
  state.time_remaining.reset();
  changed(*entry, time, true);
  return StateError::kNone;
}

StateError StateManager::resume_download(std::string_view model_key, Instant now) {
  Entry* entry = find(model_key);
  if (entry == nullptr) return StateError::kUnknownModel;
  const DownloadStatus status = entry->state.status;
  if (status != DownloadStatus::kPaused && status != DownloadStatus::kFailed)
    return StateError::kIllegalTransition;
  return start_download(model_key, std::string(entry->state.model_name), now);
}

StateError StateManager::remove_download(std::string_view model_key, Instant now) {
  time_.advance(now);
  if (find(model_key) == nullptr) return StateError::kUnknownModel;
  const std::string key(model_key);
  std::erase_if(entries_, [&](const Entry& entry) { return entry.state.model_key == key; });
  removed_.push_back(key);
  return StateError::kNone;
}

std::optional<DownloadState> StateManager::state(std::string_view model_key) const {
  const Entry* const entry = find(model_key);
  if (entry == nullptr) return std::nullopt;
  return entry->state;
}

StateManager::SubscriptionId StateManager::subscribe(std::string_view model_key, Subscriber subscriber) {
  const SubscriptionId id = next_id_++;
  subscriptions_.push_back({id, std::string(model_key), std::move(subscriber)});
  return id;
}

bool StateManager::unsubscribe(SubscriptionId id) {
  return std::erase_if(subscriptions_, [id](const Subscription& s) { return s.id == id; }) > 0;
}

void StateManager::changed(Entry& entry, Instant now, bool transition) {
  entry.state.last_update = std::max(to_ms(now), entry.state.start_time);
  entry.dirty = true;
  entry.urgent = entry.urgent || transition;
  undelivered_.push_back(entry.state);
  deliver();
}

void StateManager::deliver() {
  // A change made by a subscriber waits until everyone has heard of the current one: so all hear the same
  // order.
  if (delivering_) return;
  delivering_ = true;
  for (std::size_t i = 0; i < undelivered_.size(); ++i) {
    const DownloadState state = undelivered_[i];
    std::vector<SubscriptionId> ids;
    for (const Subscription& s : subscriptions_) {
      if (s.model_key == state.model_key) ids.push_back(s.id);
    }
    for (const SubscriptionId id : ids) {
      const auto it = std::find_if(subscriptions_.begin(), subscriptions_.end(),
                                   [id](const Subscription& s) { return s.id == id; });
      if (it == subscriptions_.end()) continue;  // removed by one that was called before
      const Subscriber call = it->subscriber;    // a copy: it may unsubscribe itself
      if (call) call(state);
    }
  }
  undelivered_.clear();
  delivering_ = false;
}

std::vector<StorageAction> StateManager::poll(Instant now) {
  const Instant time = time_.advance(now);
  std::vector<StorageAction> actions;
  std::erase_if(entries_, [&](const Entry& entry) {
    const bool over = entry.remove_at && time >= *entry.remove_at;
    if (over) removed_.push_back(entry.state.model_key);
    return over;
  });
  for (Entry& entry : entries_) {
    const std::string& key = entry.state.model_key;
    const bool due = entry.urgent || !entry.persisted || time >= *entry.persisted + kPersistInterval;
    if (entry.dirty && due) {
      entry.dirty = entry.urgent = false;
      entry.persisted = time;
      actions.push_back({StorageAction::Kind::kPersist, storage_key(key), *serialize(key)});
    }
  }
  for (const std::string& key : removed_)
    actions.push_back({StorageAction::Kind::kRemove, storage_key(key), {}});
  removed_.clear();
  return actions;
}

std::optional<Instant> StateManager::wake_at() const {
  if (!removed_.empty()) return time_.last();
  std::optional<Instant> first;
  const auto consider = [&first](Instant at) {
    if (!first || at < *first) first = at;
  };
  for (const Entry& entry : entries_) {
    if (entry.remove_at) consider(*entry.remove_at);
    if (!entry.dirty) continue;
    const bool now = entry.urgent || !entry.persisted;
    consider(now ? time_.last() : *entry.persisted + kPersistInterval);
  }
  return first;
}

std::optional<std::string> StateManager::serialize(std::string_view model_key) const {
  const Entry* const entry = find(model_key);
  if (entry == nullptr) return std::nullopt;
  return json::text_from(Record{entry->state});
}

StateManager::Restored StateManager::restore(std::string_view text, Instant now,
                                             std::optional<std::string_view> expected_key) {
  const Instant time = time_.advance(now);
  const auto record = json::parse(text, kRecordLimits);
  if (!record) return {std::nullopt, StateError::kDamaged, false};
  const json::Value* version = json::find(*record, "version");
  if (version == nullptr || json::find(*record, "modelKey") == nullptr)
    return {std::nullopt, StateError::kForeign, false};
  const auto number = json::as_uint(*version);
  if (!number || *number == 0) return {std::nullopt, StateError::kDamaged, false};
  if (*number > kSchemaVersion) return {std::nullopt, StateError::kFutureVersion, false};
  auto state = read_state(*record);
  if (!state) return {std::nullopt, StateError::kDamaged, false};
  if (expected_key && state->model_key != *expected_key) return {std::nullopt, StateError::kForeign, false};
  if (find(state->model_key) != nullptr) return {std::nullopt, StateError::kAlreadyActive, false};

  const bool interrupted = state->status == DownloadStatus::kDownloading;
  if (interrupted) state->status = DownloadStatus::kPaused;
  state->speed.reset();
  if (state->status != DownloadStatus::kCompleted) state->time_remaining.reset();
  // A clock that was set back since: nothing is newer than now.
  state->start_time = std::min(state->start_time, to_ms(time));
  state->last_update = std::min(state->last_update, to_ms(time));

  Entry& entry = entries_.emplace_back();
  entry.state = *state;
  if (state->status == DownloadStatus::kCompleted) {
    entry.remove_at = instant_from_ms(state->last_update) + kCompletedLifetime;
  }
  std::erase(removed_, state->model_key);
  undelivered_.push_back(*state);
  deliver();
  return {std::move(state), StateError::kNone, interrupted};
}

}  // namespace candor
