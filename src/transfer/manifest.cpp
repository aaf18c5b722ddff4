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

constexpr std::string_view kList = "list\t";

// `what` and its `fault` make a sentence.
Error refusal(std::string_view what, std::string_view fault, std::string_view detail = {}) {
  return {ErrorCode::kUnsupported, text::joined(what, fault), false, std::string(detail)};
}

std::variant<Manifest, Error> refuse(std::string_view what, std::string_view fault,
                                     std::string_view detail = {}) {
  return refusal(what, fault, detail);
}

Error not_json(std::string_view what, std::string_view text) {
  // A web page here is what a wrong address or a captive portal sends.
  const bool page = !text.empty() && text.find('<') < 64;
  return {ErrorCode::kUnsupported, text::joined(what, page ? "webPage" : "notJson"), true,
          std::string(text.substr(0, 200))};
}

// The last segment of what a source calls a path may be anything; only a path that passes is ever joined to a
// folder.
std::optional<Error> check(ManifestFile& file) {
  if (const std::string_view fault = path_fault(file.path); !fault.empty())
    return refusal("badPath\t", fault, std::string_view(file.path).substr(0, 200));
  if (file.size && *file.size > kMaxSafeBytes) return refusal(kList, "badSize", file.path);
  if (!file.sha256.empty() && !is_hex(file.sha256, 64)) return refusal(kList, "notSha256", file.path);
  if (!file.git_sha1.empty() && !is_hex(file.git_sha1, 40)) return refusal(kList, "notSha1", file.path);
  file.sha256 = to_lower(file.sha256);
  file.git_sha1 = to_lower(file.git_sha1);
  return std::nullopt;
}

}  // namespace

std::string_view path_fault(std::string_view path) {
  if (path.empty()) return "pathEmpty";
  if (path.size() > Manifest::kMaxPath) return "pathTooLong";
  if (path.front() == '/') return "pathAbsolute";
  for (const char c : path) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) return "pathControl";
    if (c == '\\') return "pathBackslash";
    if (c == ':') return "pathColon";
  }
  while (true) {
    const std::size_t slash = path.find('/');
    const std::string_view segment = path.substr(0, slash);
    if (segment.empty()) return "pathSegmentEmpty";
    if (segment == "." || segment == "..") return "pathLeaves";
    if (segment.size() > 255) return "pathSegmentTooLong";
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
  if (files.empty()) return refuse(kList, "empty");
  if (files.size() > kMaxFiles) return refuse(kList, "tooLong");
  std::vector<std::string> seen;  // sorted
  std::uint64_t total = 0;
  for (ManifestFile& file : files) {
    if (auto error = check(file)) return std::move(*error);
    // Some file systems ignore case, and there two such files would be one.
    std::string path = to_lower(file.path);
    const auto place = std::lower_bound(seen.begin(), seen.end(), path);
    if (place != seen.end() && *place == path) return refuse(kList, "fileTwice", file.path);
    seen.insert(place, std::move(path));
    total = saturating_add(total, file.size.value_or(0));
  }
  // A file that is also the folder of another one cannot be stored.
  for (const ManifestFile& file : files) {
    const std::string folder = to_lower(file.path) + "/";
    const auto next = std::lower_bound(seen.begin(), seen.end(), folder);
    if (next != seen.end() && next->starts_with(folder)) return refuse(kList, "fileAndFolder", file.path);
  }
  if (total > kMaxTotal) return refuse(kList, "tooManyBytes");
  Manifest manifest;
  manifest.files_ = std::move(files);
  manifest.commit_ = commit;
  return manifest;
}

std::variant<Manifest, Error> Manifest::from_hub_tree(std::span<const std::string> pages,
                                                      std::string_view commit,
                                                      std::string_view resolve_base) {
  constexpr std::string_view what = "hubList\t";
  std::vector<ManifestFile> files;
  for (const std::string& page : pages) {
    if (page.size() > kMaxJson) return refuse(what, "tooLong");
    const auto entries = json::parse(page);
    if (!entries) return not_json(what, page);
    if (!entries->is(json::Value::Kind::kArray))
      return refuse(what, "notList", std::string_view(page).substr(0, 200));
    for (const json::Value& entry : entries->items) {
      const auto type = json::string_at(entry, "type");
      if (!type) return refuse(what, "noType");
      if (*type != "file") continue;  // folders, and whatever else may come
      ManifestFile file;
      const auto path = json::string_at(entry, "path");
      const auto oid = json::string_at(entry, "oid");
      if (!path) return refuse(what, "noPath");
      file.path = *path;
      file.size = json::uint_at(entry, "size");
      if (!file.size) return refuse(what, "noSize", file.path);
      if (const json::Value* lfs = json::find(entry, "lfs");
          lfs != nullptr && !lfs->is(json::Value::Kind::kNull)) {
        const auto sha256 = json::string_at(*lfs, "oid");
        if (!sha256) return refuse(what, "noChecksum", file.path);
        // Some servers write the algorithm in front.
        file.sha256 = sha256->starts_with("sha256:") ? sha256->substr(7) : *sha256;
        if (const auto size = json::uint_at(*lfs, "size"); size && *size != *file.size)
          return refuse(what, "twoSizes", file.path);
        if (file.sha256.empty()) return refuse(what, "noChecksum", file.path);
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
      if (files.size() > kMaxFiles) return refuse(what, "tooLong");
    }
  }
  return from_files(std::move(files), commit);
}

std::variant<Manifest, Error> Manifest::from_candor_json(std::string_view text, std::string_view folder_url) {
  constexpr std::string_view what = "candorJson\t";
  if (text.size() > kMaxJson) return refuse(what, "tooLong");
  const auto root = json::parse(text);
  if (!root) return not_json(what, text);
  if (json::uint_at(*root, "version") != 1U) return refuse(what, "unknownVersion");
  const json::Value* list = json::find(*root, "files", json::Value::Kind::kArray);
  if (list == nullptr) return refuse(what, "noList");
  std::vector<ManifestFile> files;
  for (const json::Value& entry : list->items) {
    const auto path = json::string_at(entry, "path");
    if (!path) return refuse(what, "noPath");
    ManifestFile file;
    file.path = *path;
    file.size = json::uint_at(entry, "size");
    if (!file.size) return refuse(what, "noSize", file.path);
    if (json::find(entry, "sha256") != nullptr) {
      file.sha256 = json::text_at(entry, "sha256");
      if (file.sha256.empty()) return refuse(what, "notSha256", file.path);
    }
    file.url = text::joined(folder_url, url_path(file.path));
    files.push_back(std::move(file));
    if (files.size() > kMaxFiles) return refuse(what, "tooLong");
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
