#include "candor/transfer/file_version.hpp"

namespace candor {

SameVersion same_version(const FileVersion& a, const FileVersion& b) {
  const bool etags = !a.etag.empty() && !b.etag.empty();
  const bool times = !a.last_modified.empty() && !b.last_modified.empty();
  if (etags && a.etag == b.etag) return SameVersion::kYes;
  if (times) return a.last_modified == b.last_modified ? SameVersion::kYes : SameVersion::kNo;
  return etags ? SameVersion::kNo : SameVersion::kUnknown;
}

}  // namespace candor
