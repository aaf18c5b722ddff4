#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "candor/base/time.hpp"
#include "candor/io/action.hpp"
#include "candor/io/event.hpp"
#include "candor/transfer/file_transfer.hpp"
#include "candor/transfer/journal.hpp"
#include "candor/transfer/journal_pace.hpp"
#include "candor/transfer/manifest.hpp"
#include "candor/transfer/transfer_sizes.hpp"

namespace candor {

/// The journal from one visit to the next: what the last one says of each file, until that is wanted, and the
/// writing of the next ones. The files of other variants stay in it.
class JournalKeeper {
 public:
  /// `commit`: of the manifest that the next journals are of. `on_disk`: what is really there.
  JournalKeeper(const Journal::Newest& newest, std::span<const event::StoredFile> on_disk, std::string commit,
                const TransferSizes& sizes);

  struct Stored {
    Journal::File entry;
    std::uint64_t bytes = 0;  ///< of the file that are on disk
  };
  /// The file is wanted now: what the journal said of it, if that is of the version that is meant. From now
  /// on the caller speaks for it.
  std::optional<Stored> take(const ManifestFile& file);

  JournalPace& pace() { return pace_; }
  const JournalPace& pace() const { return pace_; }
  /// The next journal, with everything that is known now.
  action::WriteJournal write(const std::vector<FileTransfer>& files, Instant now);

 private:
  std::string commit_;
  std::uint64_t sequence_ = 0;
  std::vector<Stored> others_;
  JournalPace pace_;
};

}  // namespace candor
