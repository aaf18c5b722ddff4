#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "candor/base/byte_ledger.hpp"
#include "candor/base/error.hpp"
#include "candor/base/time.hpp"
#include "candor/io/action.hpp"
#include "candor/io/event.hpp"
#include "candor/transfer/file_transfer.hpp"
#include "candor/transfer/journal.hpp"
#include "candor/transfer/journal_keeper.hpp"
#include "candor/transfer/manifest.hpp"
#include "candor/transfer/recovery_policy.hpp"
#include "candor/transfer/requests.hpp"
#include "candor/transfer/transfer_plan.hpp"
#include "candor/transfer/transfer_sizes.hpp"

namespace candor {

/// All files of a download in sum.
struct TransferTotals {
  ByteLedger bytes;
  /// Why bytes were thrown away, the last time; empty: never.
  std::string discarded_reason;
  std::uint32_t files_done = 0;
  std::uint32_t files = 0;
  /// Requests whose bodies are coming in now.
  unsigned connections = 0;
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
    std::vector<std::string> held{};  ///< paths that wait for release(), and count in all totals
  };

  /// `journal`, `on_disk`: what the store said. What is of another version than `manifest` is not used.
  Download(Manifest manifest, const Journal::Newest& journal, std::span<const event::StoredFile> on_disk,
           Options options);

  // What the store still has to take and what is here already is known from construction on: totals() and
  // missing().
  std::vector<Action> start(Instant now);

  /// Takes more files of the same source on, at any time: at once while it runs or is done, otherwise when it
  /// goes on. Those that are here already, and lists that Manifest would not take, change nothing.
  std::vector<Action> add(std::vector<ManifestFile> files, Instant now);

  /// What is held and not asked for: nothing else is missing.
  bool waits_for_release() const;
  /// Lets these go (a path that isn't held changes nothing).
  std::vector<Action> release(std::span<const std::string> paths, Instant now);

  std::vector<Action> on(const event::Opened& event, Instant now);
  std::vector<Action> on(const event::Journaled& event, Instant now);
  /// A journal that cannot be written ends nothing, unless the disk is full while bytes have still to come.
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
  /// A file turned out to be another one than the manifest says: what of the others is of that version, only
  /// a new list can tell.
  bool list_is_old() const { return list_is_old_; }
  /// Bytes that still have to come; absent when a size is unknown.
  std::optional<std::uint64_t> missing() const;
  /// Whether the request is one of this download's.
  bool owns(RequestId request) const { return request >= options_.first_request && request < next_request_; }
  RequestId next_request() const { return next_request_; }

 private:
  class Schedule;

  /// What only the scheduling of a file needs.
  struct Work {
    bool open = false;
    bool opening = false;
    bool held = false;
    bool doubted = false;  ///< a refusal was taken for one of too many connections, though none flowed
    std::optional<Instant> retry_at;
    std::optional<Error> error;  ///< of the last failure that still waits
    RequestId incident = 0;  ///< requests numbered below this belong to a failure that was counted already
  };

  void make_transfers();
  bool running() const;
  bool comes_beside(const FileTransfer& file) const;
  unsigned flowing() const;
  unsigned flowing_at(Instant now) const;
  void work(Instant now);
  bool is_barred() const;
  void open(FileId id);
  void close(FileId id);
  void start_request(FileId id, Instant now);
  bool split_request(Instant now);
  bool reading() const;
  void read_more(Instant now);
  void settle(FileId id, Instant now);
  void abort(RequestId id);
  void abort_requests_of(FileId id, RequestId but = 0);
  void accept(Request& request, const FileTransfer::Verdict& verdict, Instant now);
  void write_over(Request& request, std::span<const std::uint8_t> bytes, Instant now);
  void refuse(Request& request, std::span<const std::uint8_t> bytes, const Failure& failure, Instant now);
  void measure(Request& request, bool over, Instant now);
  void replace_slow(Instant now);
  void throw_away(FileId id, Instant now);
  void meet_other_version(const Request& request, Instant now);
  void fail_request(Request& request, const Failure& failure, bool running_still, Instant now);
  void fail_file(FileId id, const Failure& failure, Instant now);
  void ask(Error error, Instant now);
  void stop(State state, Instant now);
  void go_on(Instant now);
  void write_journal(Instant now);
  void conclude(Instant now);
  void refresh();
  std::vector<Action> take();

  Manifest manifest_;
  Options options_;
  MonotonicTime clock_;
  std::vector<FileTransfer> files_;
  std::vector<Work> work_;  ///< one for each file
  JournalKeeper journal_;

  State state_ = State::kReady;
  std::optional<Error> error_;
  bool list_is_old_ = false;
  bool online_ = true;
  std::optional<Instant> offline_since_;
  std::optional<Instant> hold_until_;  ///< no new request at all before
  Error hold_error_;
  TransferPlan plan_;
  Instant heard_at_ = instant_from_ms(-1e9);  ///< the last bytes of any body
  double pace_ = 0;  ///< the most that one connection brought lately, bytes per second
  Instant pace_at_{};
  Instant replace_after_{};
  unsigned replaced_ = 0;  ///< slow connections in a row
  Requests requests_;
  RequestId next_request_;
  std::optional<Instant> woken_;  ///< the last tick
  TransferTotals totals_;
  std::vector<std::uint64_t> seen_discarded_;
  std::vector<Action> actions_;
};

}  // namespace candor
