#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "candor/base/byte_ledger.hpp"
#include "candor/base/error.hpp"
#include "candor/base/time.hpp"
#include "candor/io/action.hpp"
#include "candor/io/event.hpp"
#include "candor/transfer/download.hpp"
#include "candor/transfer/journal.hpp"
#include "candor/transfer/manifest.hpp"
#include "candor/transfer/source_resolver.hpp"
#include "candor/transfer/transfer_sizes.hpp"

namespace candor {

/// The files of one model: their source, the folder that they lie in on this device, what its journal says,
/// and the download of those that are wanted. It knows nothing of what the files are for.
///
///     closed -open-> waiting -turn-> reading -journal-> open -list-> listing -answers-> open -fetch->
///     fetching
///
/// Only who has the turn may change what is in the folder, and answers of the store are heard only if they
/// belong to the visit that is current: those from before a turn that was given back meet a repository that
/// ignores them.
class Repository {
 public:
  enum class Stage {
    kClosed,
    kWaiting,  ///< for the turn; peer() is what the tab that has it says
    kReading,  ///< the turn is ours; the journal was asked for
    kOpen,     ///< what is on disk is known, see disk(), and after list() what the source has, see listed()
    kListing,  ///< the source is asked for its files, see resolver()
    kFetching  ///< there is a download, which may be over, see download()
  };
  /// What was found in the folder.
  struct Disk {
    Journal::Newest journal;
    std::vector<event::StoredFile> stored;
  };
  /// What the device and its network are like.
  struct Conditions {
    bool persistent = true;  ///< what is stored outlives the page
    bool online = true;
  };

  Repository(ModelSource source, std::uint64_t seed, TransferSizes sizes = {});

  /// The name of the folder in the store, the same on every visit; one segment of a path.
  std::string folder() const;
  const ModelSource& source() const { return source_; }

  Stage stage() const { return static_cast<Stage>(state_.index()); }
  const std::optional<event::Peer>& peer() const;
  const Disk& disk() const;
  const std::optional<Manifest>& listed() const;
  /// Of kListing, else null.
  const SourceResolver* resolver() const;
  /// Of kFetching, else null.
  const Download* download() const;
  /// Why the folder could not be read.
  const std::optional<Error>& error() const { return error_; }
  /// Another tab is using the folder, and is not waited for; see open_to_remove().
  bool busy() const { return busy_; }
  bool has_turn() const { return turn_ == Turn::kHeld; }
  /// Current since the last open().
  Visit visit() const { return visit_; }
  /// What is known of the bytes: those of the download or, before there is one, what an earlier visit or
  /// round said.
  ByteLedger bytes() const;
  /// Why bytes were thrown away, the last time; empty: never.
  const std::string& discarded_reason() const;

  /// An earlier visit says that so much is on disk, until the journal has spoken.
  void claim(std::uint64_t position, std::optional<std::uint64_t> total);

  /// Asks for the turn, unless it is ours, and then for the journal. A download from before is forgotten.
  void open();
  /// The same, to take the folder away: not waiting for other tabs.
  void open_to_remove();
  /// Takes everything away; event::Removed answers, or StoreFailed. For who was given the turn by
  /// open_to_remove().
  void remove_folder();
  /// Nothing is here any more.
  void forget();
  /// kOpen only. `candidates`: paths to ask for in a plain folder that has no list.
  void list(std::vector<std::string> candidates, Conditions conditions, Instant now);
  /// Downloads what of `files` is not on disk. For kOpen and, where the list is not waited for any more,
  /// kListing.
  /// Those of `held` wait for release().
  void fetch(Manifest files, std::vector<std::string> held, Conditions conditions, Instant now);
  void release(std::span<const std::string> paths, Instant now);
  /// More files of the same source, while there is a download.
  void add(std::vector<ManifestFile> files, Instant now);
  /// What fetch() would find: the bytes in place, and those that are missing (absent: a size is unknown).
  struct Outlook {
    std::uint64_t here = 0;
    std::optional<std::uint64_t> missing;
  };
  Outlook outlook(const Manifest& files) const;
  /// The journal has spoken, and no download follows: `here` bytes are on disk.
  void correct_claim(std::uint64_t here);
  /// The files of the folder as far as they are whole, for work without the network.
  Manifest whole_files() const;
  /// Other tabs may read the files from now on; for who had the turn.
  void share();
  /// Gives the turn back, or stops waiting for it. What is under way has been stopped. What was found stays
  /// to be shown.
  void close();

  /// Asks the source for its list beside all else, without the turn. One that doesn't answer is not asked
  /// again.
  void look(std::vector<std::string> candidates, Instant now);
  void stop_looking();
  /// What look() found; empty until then.
  const std::optional<Manifest>& seen() const { return seen_; }

  void pause(Instant now);
  void resume(Instant now);
  /// Another round after the resolver or the download failed.
  void retry(Instant now);
  /// Stops what is under way; the bytes stay.
  void cancel(Instant now);
  void distrust(FileId file, Instant now);

  // What happens outside. False: it belongs to something else, or to something that is over.
  bool on(const event::Locked& event);
  bool on(const event::Busy& event);
  bool on(const event::Peer& event);
  bool on(const event::Journal& event);
  bool on(const event::Opened& event, Instant now);
  bool on(const event::Journaled& event, Instant now);
  bool on(const event::StoreFailed& event, Instant now);
  bool on(const event::Head& event, Instant now);
  bool on(const event::Heard& event, Instant now);
  bool on(const event::Text& event, Instant now);
  bool on(const event::End& event, Instant now);
  bool on(const event::FetchFailed& event, Instant now);
  bool received(RequestId request, std::span<const std::uint8_t> bytes, Instant now);
  bool hashed(FileId file, std::uint64_t offset, std::span<const std::uint8_t> bytes, Instant now);
  void online(Instant now);
  void offline(Instant now);
  void tick(Instant now);

  std::optional<Instant> wake_at() const;
  /// When what waits goes on by itself; empty: nothing waits for a time.
  std::optional<Instant> retry_at() const;
  /// What is to be performed by now.
  std::vector<Action> take();

 private:
  enum class Turn { kNone, kAsked, kHeld, kShared };
  struct Closed {};
  struct Waiting {
    std::optional<event::Peer> peer;
  };
  struct Reading {};
  struct Open {
    Disk disk;
    std::optional<Manifest> list;
  };
  struct Listing {
    Disk disk;
    std::unique_ptr<SourceResolver> resolver;
  };
  struct Fetching {
    std::unique_ptr<Download> download;
  };
  /// Before there is a download, and of the rounds before it.
  struct Claim {
    std::uint64_t position = 0;
    std::optional<std::uint64_t> total;
    std::uint64_t discarded = 0;
    std::string reason;
  };

  template <typename Event>
  bool tell(const Event& event, Instant now);
  void begin(bool to_remove);
  void read();
  void absorb();
  void list_moved();
  void look_moved();
  Download::Options options(Conditions conditions) const;
  void add(std::vector<Action> actions);

  ModelSource source_;
  std::uint64_t seed_;
  TransferSizes sizes_;
  Turn turn_ = Turn::kNone;
  Visit visit_ = 0;
  bool to_remove_ = false;
  bool busy_ = false;
  std::optional<Error> error_;
  std::variant<Closed, Waiting, Reading, Open, Listing, Fetching> state_;
  Claim claim_;
  RequestId next_request_ = 1;
  std::unique_ptr<SourceResolver> looking_;
  RequestId next_look_;
  std::optional<Manifest> seen_;
  std::vector<Action> actions_;
};

}  // namespace candor
