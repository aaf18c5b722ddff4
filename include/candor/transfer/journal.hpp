#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <variant>
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
    /// Of the replies that the ranges came from; empty when unknown.
    std::string etag;
    /// The whole file was checked against its hash (or, without a hash, has all its bytes).
    bool verified = false;
    /// Bytes that are really on disk.
    std::vector<ByteRange> ranges;
  };

  /// Grows with every writing.
  std::uint64_t sequence = 0;
  std::string commit;
  std::vector<File> files;

  /// JSON and, on a second line, its checksum: a torn write does not pass for a journal.
  std::string to_text() const;
  /// From hostile text. The alternative is the reason why it is ignored, a sentence.
  static std::variant<Journal, std::string> parse(std::string_view text);

  const File* find(std::string_view path) const;
  /// Whether these paths can be used without any network: verified, and as long on disk as the journal says.
  bool complete(std::span<const std::string> paths, std::span<const event::StoredFile> on_disk) const;
  /// The files as a manifest without addresses, for work without network. Empty when its paths are not
  /// acceptable.
  std::optional<Manifest> manifest() const;
};

/// CRC-32 (IEEE 802.3) of a text.
std::uint32_t crc32(std::string_view text);

}  // namespace candor
