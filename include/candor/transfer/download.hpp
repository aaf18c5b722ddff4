#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "candor/base/error.hpp"
#include "candor/base/time.hpp"
#include "candor/io/action.hpp"
#include "candor/io/event.hpp"
#include "candor/transfer/byte_ranges.hpp"
#include "candor/transfer/file_transfer.hpp"
#include "candor/transfer/http_reply.hpp"
#include "candor/transfer/journal.hpp"
#include "candor/transfer/manifest.hpp"
#include "candor/transfer/recovery_policy.hpp"
#include "candor/transfer/transfer_plan.hpp"
#include "candor/transfer/transfer_sizes.hpp"

namespace candor {

/// Bytes in sum over all files of a download. Position is `on_disk`; it falls only when bytes were thrown
/// away.
struct TransferTotals {
  /// Sum of the sizes; absent while one is unknown.
  std::optional<std::uint64_t> size;
  /// Body bytes that came over the wire, repeated and useless ones included.
  std::uint64_t wire = 0;
  /// Bytes in place now.
  std::uint64_t on_disk = 0;
  /// Those of them that were here before this download began.
  std::uint64_t cached = 0;
  /// Those of them that are known to be right.
  std::uint64_t verified = 0;
  /// Those of them that were put through the checksum (verified ones included).
  std::uint64_t hashed = 0;
  /// Bytes that had a place and were thrown away since the start.
  std::uint64_t discarded = 0;
  /// Why, the last time; empty: never.
  std::string discarded_reason;
  std::uint32_t files_done = 0;
  std::uint32_t files = 0;
  /// Requests whose bodies are coming in now.
  unsigned connections = 0;

  /// New bytes in place from the network: what speed is made of.
  std::uint64_t fresh() const { return on_disk - cached; }
};

/// Fetches, stores, verifies and resumes the files of one model. No I/O, no clock: the same calls give the
/// same actions.
///
/// Every call returns the actions to perform, in order. Calls for requests or files that no longer matter do
/// nothing.
class Download {
 public:
  enum class State {
    kReady,      ///< constructed, not started
    kFetching,   ///< requests run, or are about to
    kVerifying,  ///< all bytes are on disk, the checksum is behind
    kWaiting,    ///< nothing runs until retry_at() or online()
    kPaused,     ///< by the visitor
    kAsking,     ///< failed; error() says whether retry() can help
    kCancelled,  ///< by the visitor; the bytes stay
    kDone        ///< every file is on disk and verified
  };

  struct Options {
    unsigned max_connections = 6;  ///< 1..6
    std::uint64_t seed = 0;        ///< of the jitter of waits
    /// Requests are numbered upwards from here; see next_request().
    RequestId first_request = 1;
    /// False: every file needs the network already (nothing stored survives), so no journal is written.
    bool persistent = true;
    bool online = true;
    TransferSizes sizes;
  };

  /// `journal`, `on_disk`: what the store said; a journal that cannot be used is ignored, see journal_note().
  Download(Manifest manifest, std::optional<std::string_view> journal,
           std::span<const event::StoredFile> on_disk, Options options);

  // What the store still has to take and what is here already is known from construction on: totals() and
  // missing().
  std::vector<Action> start(Instant now);

  std::vector<Action> on(const event::Opened& event, Instant now);
  std::vector<Action> on(const event::Journaled& event, Instant now);
  std::vector<Action> on(const event::StoreFailed& event, Instant now);
  std::vector<Action> on(const event::Head& event, Instant now);
  std::vector<Action> on(const event::End& event, Instant now);
  std::vector<Action> on(const event::FetchFailed& event, Instant now);
  /// The next bytes of a request's body were written at their place.
  std::vector<Action> received(RequestId request, std::span<const std::uint8_t> bytes, Instant now);
  /// Bytes read back; empty: the file ends at `offset`.
  std::vector<Action> hashed(FileId file, std::uint64_t offset, std::span<const std::uint8_t> bytes,
                             Instant now);
  std::vector<Action> tick(Instant now);
  std::vector<Action> online(Instant now);
  std::vector<Action> offline(Instant now);

  std::vector<Action> pause(Instant now);
  /// Goes on after pause().
  std::vector<Action> resume(Instant now);
  /// Another round after State::kAsking.
  std::vector<Action> retry(Instant now);
  /// Stops for good, keeps the bytes.
  std::vector<Action> cancel(Instant now);
  /// Throws away what is stored of a file that turned out to be unusable and fetches it again: for a file
  /// that passed its checksum (or has none) and that the runtime refuses.
  std::vector<Action> distrust(FileId file, Instant now);

  /// When to call tick(); extra ticks do nothing.
  std::optional<Instant> wake_at() const;

  State state() const { return state_; }
  /// Set in kWaiting and kAsking.
  const std::optional<Error>& error() const { return error_; }
  /// In kWaiting: when it goes on by itself.
  std::optional<Instant> retry_at() const;
  /// Failed attempts in a row without progress, 0..RecoveryPolicy::kMaxAttempts.
  unsigned attempts() const;

  const TransferTotals& totals() const { return totals_; }
  const std::vector<FileTransfer>& files() const { return files_; }
  const Manifest& manifest() const { return manifest_; }
  /// Bytes that still have to come; absent when a size is unknown.
  std::optional<std::uint64_t> missing() const;
  /// Why an existing journal was not used, wholly or in part; empty: it was, or there was none.
  const std::string& journal_note() const { return journal_note_; }
  /// Whether the request is one of this download's.
  bool owns(RequestId request) const { return request >= options_.first_request && request < next_request_; }
  RequestId next_request() const { return next_request_; }
  /// When the last byte came from the network; absent before the first.
  std::optional<Instant> last_byte_at() const { return last_byte_at_; }
  /// Whether bytes are expected: some request is under way.
  bool expecting() const { return !requests_.empty(); }

 private:
  struct Request {
    RequestId id = 0;
    FileId file = 0;
    ByteRange range;  ///< what is wanted of it; `end` falls when a later request takes over the rest
    std::uint64_t sent_end = 0;  ///< where the body that was accepted ends
    std::uint64_t position = 0;  ///< where the next byte goes
    bool ranged = false;
    bool accepted = false;
    bool drained = false;  ///< everything wanted has come; only the end is awaited
    Instant asked_at{};
    Instant accepted_at{};
    Instant last_byte_at{};
  };

  void restore(const Journal& journal, std::span<const event::StoredFile> on_disk);
  bool running() const;
  Instant stalled_at(const Request& request) const;
  unsigned flowing() const;
  void work(Instant now);
  bool comes_beside(const FileTransfer& file) const;
  std::optional<FileId> next_file(bool large_too) const;
  std::vector<ByteRange> unassigned(FileId file) const;
  void open(FileId file);
  void close(FileId file);
  void start_request(FileId file, Instant now);
  bool ends_soon(const Request& request, Instant now) const;
  bool split_request(Instant now);
  bool reading() const;
  void read_more();
  void settle(FileId file, Instant now);
  Request* find(RequestId id);
  void erase(RequestId id);
  void abort(RequestId id);
  template <typename Which>
  void abort_if(Which which);
  void abort_requests_of(FileId file, RequestId but = 0);
  void throw_away(FileId file, std::string reason);
  void fail_request(const Request& request, const Failure& failure, bool running_still, Instant now);
  void fail_file(FileId file, const Failure& failure, Instant now);
  void ask(Error error, Instant now);
  void stop(State state, Instant now);
  void go_on(Instant now);
  void write_journal_if_due(Instant now);
  void write_journal(Instant now);
  void conclude(Instant now);
  void refresh();
  std::vector<Action> take();

  Manifest manifest_;
  Options options_;
  MonotonicTime clock_;
  std::vector<FileTransfer> files_;
  std::vector<Journal::File> others_;  ///< of the journal, not of this manifest
  std::string journal_note_;
  std::uint64_t sequence_ = 0;

  State state_ = State::kReady;
  std::optional<Error> error_;
  bool online_ = true;
  std::optional<Instant> offline_since_;
  std::optional<Instant> hold_until_;  ///< no new request at all before
  Error hold_error_;
  TransferPlan plan_;
  std::vector<Request> requests_;  ///< oldest first
  RequestId next_request_;
  std::optional<Instant> last_byte_at_;
  std::optional<Instant> woken_;  ///< the last tick
  TransferTotals totals_;
  std::vector<std::uint64_t> seen_discarded_;
  std::uint64_t unjournaled_ = 0;
  bool journal_stale_ = false;
  Instant journaled_at_{};
  bool journaling_ = false;
  std::vector<Action> actions_;
};

}  // namespace candor
