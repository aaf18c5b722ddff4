#pragma once

#include <string>

namespace candor {

/// What a server says to tell the versions of a file apart, for files that no checksum pins. It is told in
/// replies and kept in the journal.
struct FileVersion {
  /// HttpReply::etag; empty when unknown.
  std::string etag;
  /// HttpReply::last_modified; empty when unknown.
  std::string last_modified;

  bool known() const { return !etag.empty() || !last_modified.empty(); }
  bool operator==(const FileVersion&) const = default;
};

enum class SameVersion { kYes, kNo, kUnknown };

/// Whether two replies of equal length are of the same version of a file.
///
/// Another ETag alone does not make another version: mirrors, and the servers of a pool, name a file by inode
/// or node. A file of the same time is the same then.
SameVersion same_version(const FileVersion& a, const FileVersion& b);

}  // namespace candor
