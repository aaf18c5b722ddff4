#include "candor/transfer/journal_keeper.hpp"

#include <algorithm>
#include <utility>

namespace candor {

JournalKeeper::JournalKeeper(const Journal::Newest& newest, std::span<const event::StoredFile> on_disk,
                             std::string commit, const TransferSizes& sizes)
    : commit_(std::move(commit)), pace_(sizes, newest.next_slot) {
  if (!newest.journal) return;
  const Journal& journal = *newest.journal;
  sequence_ = journal.sequence;
  for (const Journal::File& entry : journal.files) {
    const auto stored = std::find_if(on_disk.begin(), on_disk.end(),
                                     [&](const event::StoredFile& file) { return file.path == entry.path; });
    Stored other{entry, stored == on_disk.end() ? 0 : stored->size};
    // The next journal is of another commit, perhaps, and must not say so of what came before.
    std::string& of = other.entry.commit;
    if (of.empty()) of = journal.commit.empty() ? "unknown" : journal.commit;
    if (of == commit_) of.clear();
    others_.push_back(std::move(other));
  }
}

std::optional<JournalKeeper::Stored> JournalKeeper::take(const ManifestFile& file) {
  const auto other = std::find_if(others_.begin(), others_.end(),
                                  [&](const Stored& stored) { return stored.entry.path == file.path; });
  if (other == others_.end()) return std::nullopt;
  Stored stored = std::move(*other);
  others_.erase(other);
  if (is_same(file, stored.entry, commit_, commit_)) return stored;
  if (stored.entry.verified || !stored.entry.ranges.empty())
    pace_.overruled();
  else
    pace_.changed();
  return std::nullopt;
}

action::WriteJournal JournalKeeper::write(const std::vector<FileTransfer>& files, Instant now) {
  Journal journal;
  journal.sequence = ++sequence_;
  journal.commit = commit_;
  for (const Stored& other : others_) journal.files.push_back(other.entry);
  for (const FileTransfer& file : files) journal.files.push_back(file.journal());
  return {pace_.write(now), journal.to_text()};
}

}  // namespace candor
