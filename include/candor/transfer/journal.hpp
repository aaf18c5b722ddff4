#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "candor/io/event.hpp"
#include "candor/transfer/byte_ranges.hpp"
#include "candor/transfer/manifest.hpp"

namespace candor {

/// What is on disk of one model: a small text beside its files, written only after the bytes it names were
/// flushed.
struct Journal {
  struct File {
    std::string path;
    std::optional<std::uint64_t> size;
    std::string sha256;
    std::string git_sha1;
    /// Of the replies that the ranges came from.
    FileVersion version;
    /// The whole file was checked against its hash (or, without a hash, has all its bytes).
    bool verified = false;
    /// Bytes that are really on disk.
    std::vector<ByteRange> ranges;
    /// The manifest that named the file, where it is another one than the journal's; else empty.
    std::string commit{};
  };
  struct Newest;

  /// Grows with every writing, over both places.
  std::uint64_t sequence = 0;
  /// Manifest::commit() of those files that have none of their own.
  std::string commit;
  std::vector<File> files;

  /// JSON and, on a second line, its checksum: a torn write does not pass for a journal.
  std::string to_text() const;
  /// From hostile text; empty for one that is cut, damaged, of another version or impossible.
  static std::optional<Journal> parse(std::string_view text);
  /// From the two places that journals are written to in turn: the whole one with the highest sequence, and
  /// the place that the next one goes to, which is never that one's.
  static Newest newest(std::span<const std::optional<std::string>> texts);

  const File* find(std::string_view path) const;
  /// Whether these paths can be used without any network: verified, and as long on disk as the journal says.
  bool complete(std::span<const std::string> paths, std::span<const event::StoredFile> on_disk) const;
  /// The files of the journal's own commit as a manifest without addresses, for work without network; those
  /// of another one may be of another version of the model. Empty when there are none.
  std::optional<Manifest> manifest() const;
};

struct Journal::Newest {
  /// Absent: there is none that is whole.
  std::optional<Journal> journal;
  unsigned next_slot = 0;  ///< 0 or 1
};

/// Whether what an earlier visit stored of a file is of the version that a manifest means: by its checksum,
/// without one by what the server said of the file, and where neither is known only if the manifest is the
/// same.
bool is_same(const ManifestFile& file, const Journal::File& entry, std::string_view manifest_commit,
             std::string_view journal_commit);

/// CRC-32 (IEEE 802.3) of a text.
std::uint32_t crc32(std::string_view text);

}  // namespace candor
