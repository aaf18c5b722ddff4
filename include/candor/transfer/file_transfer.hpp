#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "candor/base/byte_ledger.hpp"
#include "candor/transfer/block_hash.hpp"
#include "candor/transfer/byte_ranges.hpp"
#include "candor/transfer/file_version.hpp"
#include "candor/transfer/http_reply.hpp"
#include "candor/transfer/journal.hpp"
#include "candor/transfer/manifest.hpp"
#include "candor/transfer/recovery_policy.hpp"
#include "candor/transfer/transfer_sizes.hpp"

namespace candor {

/// One file on its way to the disk: which of its bytes are there, how far the checksum is, and what a reply
/// means for it. It decides and keeps the ledger; Download schedules and performs.
///
/// Invariant: the checksum covers exactly the bytes [0, hashed()) as they are on disk now. A write below
/// hashed() takes it back to the last mark before that write.
class FileTransfer {
 public:
  enum class State {
    kProbing,    ///< nothing of it has arrived yet; the first reply will tell what its server can do
    kFetching,   ///< some of it is here
    kVerifying,  ///< all of it is here, the checksum is behind
    kDone,       ///< all of it is here and verified
    kFailed      ///< needs the visitor
  };

  /// What a reply means.
  struct Verdict {
    enum class Kind {
      kAccept,  ///< the body is the bytes of `range`
      kWhole,   ///< the body is the whole file, whatever was asked for; no other request for it makes sense
      kPeek,    ///< far too short for the file: the first bytes of `range` may say what it is
      kOther,   ///< of another version than what is here, and no checksum would tell: must not be mixed with
                ///< it
      kFail     ///< see `failure`
    };
    Kind kind = Kind::kFail;
    ByteRange range;
    Failure failure;
  };

  /// What the checksum said.
  enum class Check {
    kPending,   ///< not all bytes have been through it
    kGood,      ///< verified; the state is kDone
    kSalvage,   ///< a damaged block was replaced; the rest, still on disk, is being tried without fetching it
                ///< again
    kDamaged,   ///< everything was thrown away: fetch again
    kHopeless,  ///< the server sends the same wrong bytes every time
  };

  FileTransfer(ManifestFile file, std::uint64_t seed, const TransferSizes& sizes = {});

  const ManifestFile& file() const { return file_; }
  State state() const;
  /// Absent until known.
  const std::optional<std::uint64_t>& size() const { return file_.size; }
  /// The end of the file, or the largest offset there is while the size is unknown.
  std::uint64_t end() const;

  ByteLedger ledger() const;
  std::uint64_t hashed() const { return done_ ? have_.total() : hashed_; }
  /// Why bytes were thrown away, the last time; empty: never.
  const std::string& discarded_reason() const { return discarded_reason_; }

  const ByteRanges& have() const { return have_; }
  bool complete() const { return file_.size && have_.total() == *file_.size; }
  /// The server sends ranges, as far as known.
  bool ranges_work() const { return ranges_work_; }
  RecoveryPolicy& policy() { return policy_; }
  const RecoveryPolicy& policy() const { return policy_; }

  /// Takes over what an earlier visit stored of this version of the file. `stored`: bytes of the file that
  /// are really on disk.
  void restore(const Journal::File& journal, std::uint64_t stored);
  Journal::File journal() const;
  /// The file was opened and is `stored` bytes long. Returns the size to cut it to, if it has to be cut.
  std::optional<std::uint64_t> opened(std::uint64_t stored);

  /// `asked`: the bytes asked for; `ranged`: by a Range header.
  Verdict judge(const HttpReply& reply, ByteRange asked, bool ranged);
  /// Bytes were written at `offset`. Returns how many of them were new.
  std::uint64_t received(std::uint64_t offset, std::span<const std::uint8_t> bytes);
  /// Bytes came that have no place in the file.
  void wasted(std::uint64_t bytes) { counts_.wasted += bytes; }
  /// Something that is not the file was written over `range`. `reason`: a sentence.
  void spoiled(ByteRange range, std::string reason);
  /// What begins at `offset` looks like something else than the file; empty: it doesn't.
  /// Bodies may come in pieces of any size, so the first ones are kept in mind.
  std::optional<Failure> stranger(std::uint64_t offset, std::span<const std::uint8_t> bytes);
  /// The body ended where the server says the file ends; settles an unknown size.
  void ended(std::uint64_t position);

  /// What has to be read back so that the checksum can go on; at most `limit` is its end. Empty while a read
  /// is under way.
  std::optional<ByteRange> next_read(std::uint64_t limit) const;
  void reading(ByteRange range);
  /// Bytes read back; empty: the disk has no more. Bytes that are no longer wanted are ignored.
  void read_back(std::uint64_t offset, std::span<const std::uint8_t> bytes);
  /// More lies on disk than belongs to the file: a wrong, longer body came before its size was known.
  bool overlong() const { return file_.size && disk_end_ > *file_.size; }
  bool is_reading() const { return reading_.has_value(); }
  /// The file was closed: an outstanding read will not be answered.
  void closed() { reading_.reset(); }

  /// Compares the checksum once everything went through it, and draws the consequences. Call after received()
  /// and read_back().
  Check check();

  /// Throws everything away. `reason`: a sentence.
  void discard(std::string reason);
  /// It is of another version on the server now: throws everything away, and takes what comes next for it.
  void changed(std::string reason);
  /// Only the visitor can help.
  void give_up() { given_up_ = true; }
  bool given_up() const { return given_up_; }
  /// Forgets what was learnt about damage, for another round that the visitor asked for.
  void start_over();

 private:
  using Hasher = std::optional<BlockHash>;
  /// What an earlier, wrong copy of the file looked like.
  struct Wrong {
    std::vector<std::string> marks;  ///< the checksum after every sizes_.mark bytes
    std::string digest;
    bool salvaged = false;
  };

  Hasher fresh_hasher() const;
  void hash(std::span<const std::uint8_t> bytes);
  void rewind_hash(std::uint64_t offset);
  std::string digest() const;
  bool belongs(const HttpReply& reply);
  Verdict judge_part(const HttpReply& reply, ByteRange asked);
  Verdict judge_whole(const HttpReply& reply, bool ranged);
  Verdict other_length(int status, std::optional<std::uint64_t> length, std::uint64_t first) const;
  Check compare();
  std::uint64_t drop(ByteRange range, std::string reason);

  TransferSizes sizes_;
  ManifestFile file_;
  bool size_given_;  ///< by the manifest; a size learnt from a reply is forgotten with its bytes
  ByteRanges have_;
  ByteRanges cached_;
  ByteLedger counts_;  ///< of its fields those that only grow
  std::string discarded_reason_;
  FileVersion version_;  ///< of what is here, or is to come
  bool ranges_work_ = true;
  bool done_ = false;
  bool given_up_ = false;
  RecoveryPolicy policy_;

  std::uint64_t disk_end_ = 0;  ///< length of the file on disk, at most
  Hasher hasher_;
  std::uint64_t hashed_ = 0;
  std::vector<BlockHash> marks_;  ///< the checksum after every sizes_.mark bytes
  std::optional<ByteRange> reading_;
  bool reading_stale_ = false;

  std::optional<Wrong> wrong_;
  std::optional<std::size_t> differs_;  ///< first mark that differs from the wrong copy's
  std::string head_;                    ///< the first bytes of the body that came last
  std::optional<ByteRanges> proven_;    ///< while salvaging: what was fetched anew
};

}  // namespace candor
