#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "candor/base/error.hpp"
#include "candor/transfer/file_version.hpp"

namespace candor {

/// One file of a model, as its source describes it.
struct ManifestFile {
  /// Relative, '/' between segments; checked by Manifest, so that it cannot leave the model's folder.
  std::string path;
  /// Absent when the source does not say.
  std::optional<std::uint64_t> size;
  /// 64 hexadecimal digits in lower case, or empty.
  std::string sha256;
  /// The git object name (40 digits) of a small file that has no sha256, or empty.
  std::string git_sha1;
  /// Where to fetch it.
  std::string url;
  /// What the server said of it when it was asked whether it has the file; unknown for files that a list
  /// names.
  FileVersion version{};
  /// What is wrong with it in its list, the end of a sentence; empty: nothing. Only who needs the file minds.
  std::string_view fault{};

  bool has_hash() const { return !sha256.empty() || !git_sha1.empty(); }
};

/// The files of one model at one commit. Their paths cannot leave the model's folder; whatever else a list
/// says is judged for the files that are needed, see only() and fault(): people publish much beside a model.
class Manifest {
 public:
  static constexpr std::size_t kMaxFiles = 10'000;
  static constexpr std::size_t kMaxPath = 512;
  static constexpr std::size_t kMaxJson = 8U << 20U;
  /// Of all pages of one list.
  static constexpr std::size_t kMaxPages = 32U << 20U;
  static constexpr std::uint64_t kMaxTotal = 1ULL << 42U;  ///< 4 TiB, far above any disk a browser gives

  /// From the pages of the Hub's tree API, see read_tree_page().
  static std::variant<Manifest, Error> from_list(std::vector<ManifestFile> files, std::string_view commit);
  /// Adds those files of a page that a model may need to `files`. `resolve_base`: what to put before a file's
  /// path, such as "https://huggingface.co/owner/name/resolve/<commit>/". Paths are percent-encoded there.
  static std::optional<Error> read_tree_page(std::string_view page, std::string_view resolve_base,
                                             std::vector<ManifestFile>& files);
  /// From a candor.json: {"version":1,"files":[{"path","size","sha256"}]}. `folder_url` ends with '/',
  /// `query` is empty or begins with '?'.
  static std::variant<Manifest, Error> from_candor_json(std::string_view text, std::string_view folder_url,
                                                        std::string_view query = {});
  /// From files all of which are needed: the error is fault().
  static std::variant<Manifest, Error> from_files(std::vector<ManifestFile> files, std::string_view commit);

  const std::vector<ManifestFile>& files() const { return files_; }
  /// Whether it names all that the source has: without a list, files are only found by asking for them.
  bool whole() const { return whole_; }
  /// Identity of this state of the source: a commit of the Hub, or a digest of what a folder said.
  const std::string& commit() const { return commit_; }
  /// The file with this path; nullptr when there is none.
  const ManifestFile* find(std::string_view path) const;
  /// The same source reduced to these paths, in this order; paths that it doesn't have are left out, and
  /// those that it names twice are there twice.
  Manifest only(std::span<const std::string> paths) const;
  /// Why these files cannot be fetched and stored all together: unsafe or equal paths, sizes that cannot be
  /// real, malformed checksums. Empty: they can.
  std::optional<Error> fault() const;
  /// Takes more files of the same source on; on an error it stays as it is.
  std::optional<Error> add(std::vector<ManifestFile> files);

 private:
  std::vector<ManifestFile> files_;
  std::string commit_;
  bool whole_ = false;
};

/// Why a path may not be used below a model's folder, by the id of a part of a sentence; empty when it may.
std::string_view path_fault(std::string_view path);

/// A path as part of a URL: everything but unreserved characters and '/' percent-encoded.
std::string url_path(std::string_view path);

}  // namespace candor
