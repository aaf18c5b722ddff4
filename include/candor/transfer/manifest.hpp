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

  bool has_hash() const { return !sha256.empty() || !git_sha1.empty(); }
};

/// The files of one model at one commit. Everything in it was checked: safe unique paths, sane sizes,
/// well-formed hashes.
class Manifest {
 public:
  static constexpr std::size_t kMaxFiles = 10'000;
  static constexpr std::size_t kMaxPath = 512;
  static constexpr std::size_t kMaxJson = 16U << 20U;
  static constexpr std::uint64_t kMaxTotal = 1ULL << 42U;  ///< 4 TiB, far above any disk a browser gives

  /// From the pages of the Hub's tree API, in order. `resolve_base`: what to put before a file's path, such
  /// as "https://huggingface.co/owner/name/resolve/<commit>/". Paths are percent-encoded in the URL.
  static std::variant<Manifest, Error> from_hub_tree(std::span<const std::string> pages,
                                                     std::string_view commit, std::string_view resolve_base);
  /// From a candor.json: {"version":1,"files":[{"path","size","sha256"}]}. `folder_url` ends with '/'.
  static std::variant<Manifest, Error> from_candor_json(std::string_view text, std::string_view folder_url);
  /// From files that were found by asking for each of them. Checks the same as the others.
  static std::variant<Manifest, Error> from_files(std::vector<ManifestFile> files, std::string_view commit);

  const std::vector<ManifestFile>& files() const { return files_; }
  /// Identity of this state of the source: a commit of the Hub, or a digest of what a folder said.
  const std::string& commit() const { return commit_; }
  /// The file with this path; nullptr when there is none.
  const ManifestFile* find(std::string_view path) const;
  /// The same source reduced to these paths, in this order; paths that it doesn't have are left out.
  Manifest only(std::span<const std::string> paths) const;
  /// Takes more files of the same source on; on an error it stays as it is.
  std::optional<Error> add(std::vector<ManifestFile> files);

 private:
  std::vector<ManifestFile> files_;
  std::string commit_;
};

/// Why a path may not be used below a model's folder, by the id of a part of a sentence; empty when it may.
std::string_view path_fault(std::string_view path);

/// A path as part of a URL: everything but unreserved characters and '/' percent-encoded.
std::string url_path(std::string_view path);

}  // namespace candor
