#include "candor/transfer/manifest.hpp"

#include <algorithm>

#include "base/json.hpp"
#include "base/text.hpp"
#include "candor/base/bytes.hpp"
#include "candor/transfer/sha256.hpp"

namespace candor {
namespace {

using text::is_hex;
using text::to_lower;

constexpr std::string_view kList = "The model's list of files";

// `what` and its `fault` make a sentence.
Error refusal(std::string_view what, std::string_view fault, std::string_view detail = {}) {
  return {ErrorCode::kUnsupported, text::joined(what, fault, "."), false, std::string(detail)};
}

std::variant<Manifest, Error> refuse(std::string_view what, std::string_view fault,
                                     std::string_view detail = {}) {
  return refusal(what, fault, detail);
}

Error not_json(std::string_view what, std::string_view text) {
  // A web page here is what a wrong address or a captive portal sends.
  const bool page = !text.empty() && text.find('<') < 64;
  return {ErrorCode::kUnsupported,
          text::joined(what, page ? " is a web page, not a list of files." : " is not readable JSON."), true,
          std::string(text.substr(0, 200))};
}

// The last segment of what a source calls a path may be anything; only a path that passes is ever joined to a
// folder.
std::optional<Error> check(ManifestFile& file) {
  if (const std::string_view fault = path_fault(file.path); !fault.empty())
    return refusal("The model's list of files has a path that cannot be used: it ", fault,
                   std::string_view(file.path).substr(0, 200));
  if (file.size && *file.size > kMaxSafeBytes)
    return refusal(kList, " has a size that cannot be real", file.path);
  if (!file.sha256.empty() && !is_hex(file.sha256, 64))
    return refusal(kList, " has a checksum that is not a SHA-256", file.path);
  if (!file.git_sha1.empty() && !is_hex(file.git_sha1, 40))
    return refusal(kList, " has an object name that is not a SHA-1", file.path);
  file.sha256 = to_lower(file.sha256);
  file.git_sha1 = to_lower(file.git_sha1);
  return std::nullopt;
}

}  // namespace

std::string_view path_fault(std::string_view path) {
  if (path.empty()) return "is empty";
  if (path.size() > Manifest::kMaxPath) return "is too long";
  if (path.front() == '/') return "is absolute";
  for (const char c : path) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) return "has a control character";
    if (c == '\\') return "has a backslash";
    if (c == ':') return "has a colon";
  }
  while (true) {
    const std::size_t slash = path.find('/');
    const std::string_view segment = path.substr(0, slash);
    if (segment.empty()) return "has an empty segment";
    if (segment == "." || segment == "..") return "has a segment that leaves the folder";
    if (segment.size() > 255) return "has a segment that is too long";
    if (slash == std::string_view::npos) return {};
    path.remove_prefix(slash + 1);
  }
}

std::string url_path(std::string_view path) {
  constexpr char digits[] = "0123456789ABCDEF";
  std::string result;
  for (const char c : path) {
    const bool unreserved = text::is_plain(c) || c == '.' || c == '~' || c == '/';
    if (unreserved) {
      result += c;
    } else {
      result += '%';
      result += digits[static_cast<unsigned char>(c) >> 4];
      result += digits[static_cast<unsigned char>(c) & 15];
    }
  }
  return result;
}

std::variant<Manifest, Error> Manifest::from_files(std::vector<ManifestFile> files, std::string_view commit) {
  if (files.empty()) return refuse(kList, " is empty");
  if (files.size() > kMaxFiles) return refuse(kList, " is too long to be real");
  std::vector<std::string> seen;  // sorted
  std::uint64_t total = 0;
  for (ManifestFile& file : files) {
    if (auto error = check(file)) return std::move(*error);
    // Some file systems ignore case, and there two such files would be one.
    std::string path = to_lower(file.path);
    const auto place = std::lower_bound(seen.begin(), seen.end(), path);
    if (place != seen.end() && *place == path) return refuse(kList, " names the same file twice", file.path);
    seen.insert(place, std::move(path));
    total = saturating_add(total, file.size.value_or(0));
  }
  // A file that is also the folder of another one cannot be stored.
  for (const ManifestFile& file : files) {
    const std::string folder = to_lower(file.path) + "/";
    const auto next = std::lower_bound(seen.begin(), seen.end(), folder);
    if (next != seen.end() && next->starts_with(folder))
      return refuse(kList, " names the same path as a file and as a folder", file.path);
  }
  if (total > kMaxTotal) return refuse(kList, " describes more bytes than can be real");
  Manifest manifest;
  manifest.files_ = std::move(files);
  manifest.commit_ = commit;
  return manifest;
}

std::variant<Manifest, Error> Manifest::from_hub_tree(std::span<const std::string> pages,
                                                      std::string_view commit,
                                                      std::string_view resolve_base) {
  constexpr std::string_view what = "The model's list of files from the Hub";
  std::vector<ManifestFile> files;
  for (const std::string& page : pages) {
    if (page.size() > kMaxJson) return refuse(what, " is too long to be real");
    const auto entries = json::parse(page);
    if (!entries) return not_json(what, page);
    if (!entries->is(json::Value::Kind::kArray))
      return refuse(what, " is not a list", std::string_view(page).substr(0, 200));
    for (const json::Value& entry : entries->items) {
      const auto type = json::string_at(entry, "type");
      if (!type) return refuse(what, " has an entry without a type");
      if (*type != "file") continue;  // folders, and whatever else may come
      ManifestFile file;
      const auto path = json::string_at(entry, "path");
      const auto oid = json::string_at(entry, "oid");
      if (!path) return refuse(what, " has a file without a path");
      file.path = *path;
      file.size = json::uint_at(entry, "size");
      if (!file.size) return refuse(what, " has a file without a usable size", file.path);
      if (const json::Value* lfs = json::find(entry, "lfs");
          lfs != nullptr && !lfs->is(json::Value::Kind::kNull)) {
        const auto sha256 = json::string_at(*lfs, "oid");
        if (!sha256) return refuse(what, " has a large file without a checksum", file.path);
        // Some servers write the algorithm in front.
        file.sha256 = sha256->starts_with("sha256:") ? sha256->substr(7) : *sha256;
        if (const auto size = json::uint_at(*lfs, "size"); size && *size != *file.size)
          return refuse(what, " gives two sizes for one file", file.path);
        if (file.sha256.empty()) return refuse(what, " has a large file without a checksum", file.path);
      } else if (oid) {
        file.git_sha1 = *oid;
      }
      if (!path_fault(file.path).empty()) {
        // A strange name elsewhere in a repository must not keep us from the files that we need; but one that
        // tries to leave the folder is no accident.
        return *check(file);
      }
      file.url = text::joined(resolve_base, url_path(file.path));
      files.push_back(std::move(file));
      if (files.size() > kMaxFiles) return refuse(what, " is too long to be real");
    }
  }
  return from_files(std::move(files), commit);
}

std::variant<Manifest, Error> Manifest::from_candor_json(std::string_view text, std::string_view folder_url) {
  constexpr std::string_view what = "The model's candor.json";
  if (text.size() > kMaxJson) return refuse(what, " is too long to be real");
  const auto root = json::parse(text);
  if (!root) return not_json(what, text);
  if (json::uint_at(*root, "version") != 1U)
    return refuse(what, " is of a version that this page does not know");
  const json::Value* list = json::find(*root, "files", json::Value::Kind::kArray);
  if (list == nullptr) return refuse(what, " has no list of files");
  std::vector<ManifestFile> files;
  for (const json::Value& entry : list->items) {
    const auto path = json::string_at(entry, "path");
    if (!path) return refuse(what, " has a file without a path");
    ManifestFile file;
    file.path = *path;
    file.size = json::uint_at(entry, "size");
    if (!file.size) return refuse(what, " has a file without a usable size", file.path);
    if (json::find(entry, "sha256") != nullptr) {
      file.sha256 = json::text_at(entry, "sha256");
      if (file.sha256.empty()) return refuse(what, " has a checksum that is not a SHA-256", file.path);
    }
    file.url = text::joined(folder_url, url_path(file.path));
    files.push_back(std::move(file));
    if (files.size() > kMaxFiles) return refuse(what, " is too long to be real");
  }
  // Whatever its author calls it: files without a checksum are known to be the same only if nothing changed
  // in here.
  return from_files(std::move(files), sha256_of(text));
}

const ManifestFile* Manifest::find(std::string_view path) const {
  const auto it =
      std::find_if(files_.begin(), files_.end(), [&](const ManifestFile& f) { return f.path == path; });
  return it == files_.end() ? nullptr : &*it;
}

Manifest Manifest::only(std::span<const std::string> paths) const {
  Manifest result;
  result.commit_ = commit_;
  for (const std::string& path : paths)
    if (const ManifestFile* file = find(path)) result.files_.push_back(*file);
  return result;
}

std::optional<Error> Manifest::add(std::vector<ManifestFile> files) {
  std::vector<ManifestFile> all = files_;
  for (ManifestFile& file : files) all.push_back(std::move(file));
  auto extended = from_files(std::move(all), commit_);
  if (Error* error = std::get_if<Error>(&extended)) return std::move(*error);
  *this = std::move(std::get<Manifest>(extended));
  return std::nullopt;
}

}  // namespace candor
