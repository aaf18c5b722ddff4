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

Error not_json(std::string_view what, std::string_view text) {
  // A web page here is what a wrong address or a captive portal sends.
  const bool page = !text.empty() && text.find('<') < 64;
  return {ErrorCode::kUnsupported,
          text::joined(what, page                               ? "webPage"
                             : text.size() > Manifest::kMaxJson ? "tooLong"
                                                                : "notJson"),
          true, std::string(text.substr(0, 200))};
}

// What no repository can have by accident.
bool leaves_folder(std::string_view path) {
  return path.starts_with('/') || text::joined("/", path, "/").find("/../") != std::string::npos;
}

Error bad_path(std::string_view path) { return refusal("badPath\t", path_fault(path), path.substr(0, 200)); }

// Beside a model people keep data sets, logs and checkpoints by the ten thousand.
bool may_be_needed(std::string_view path) {
  return path.find('/') == std::string_view::npos || path.find("onnx") != std::string_view::npos ||
         path.ends_with(".data") || path.ends_with(".bin");
}

// Takes a file of a list on, unless nothing could ever ask for it.
std::optional<Error> take(ManifestFile file, std::vector<ManifestFile>& files) {
  if (leaves_folder(file.path)) return bad_path(file.path);
  if (!path_fault(file.path).empty()) return std::nullopt;
  if (files.size() >= Manifest::kMaxFiles) return refusal(kList, "tooLong");
  if (!file.size) file.fault = "noSize";
  files.push_back(std::move(file));
  return std::nullopt;
}

std::optional<Error> check(const ManifestFile& file) {
  if (!path_fault(file.path).empty()) return bad_path(file.path);
  std::string_view fault = file.fault;
  if (file.size && *file.size > kMaxSafeBytes) fault = "badSize";
  if (!file.sha256.empty() && !is_hex(file.sha256, 64)) fault = "notSha256";
  if (!file.git_sha1.empty() && !is_hex(file.git_sha1, 40)) fault = "notSha1";
  if (fault.empty()) return std::nullopt;
  return refusal(kList, fault, file.path);
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

std::variant<Manifest, Error> Manifest::from_list(std::vector<ManifestFile> files, std::string_view commit) {
  if (files.empty()) return refusal(kList, "empty");
  Manifest manifest;
  manifest.files_ = std::move(files);
  for (ManifestFile& file : manifest.files_) {
    file.sha256 = to_lower(file.sha256);
    file.git_sha1 = to_lower(file.git_sha1);
  }
  manifest.commit_ = commit;
  manifest.whole_ = true;
  return manifest;
}

std::variant<Manifest, Error> Manifest::from_files(std::vector<ManifestFile> files, std::string_view commit) {
  auto made = from_list(std::move(files), commit);
  if (auto* manifest = std::get_if<Manifest>(&made)) {
    manifest->whole_ = false;
    if (auto fault = manifest->fault()) return std::move(*fault);
  }
  return made;
}

std::optional<Error> Manifest::fault() const {
  if (files_.size() > kMaxFiles) return refusal(kList, "tooLong");
  std::vector<std::string> seen;  // sorted
  std::uint64_t total = 0;
  for (const ManifestFile& file : files_) {
    if (auto error = check(file)) return error;
    // Some file systems ignore case, and there two such files would be one.
    std::string path = to_lower(file.path);
    const auto place = std::lower_bound(seen.begin(), seen.end(), path);
    if (place != seen.end() && *place == path) return refusal(kList, "fileTwice", file.path);
    seen.insert(place, std::move(path));
    total = saturating_add(total, file.size.value_or(0));
  }
  // A file that is also the folder of another one cannot be stored.
  for (const ManifestFile& file : files_) {
    const std::string folder = to_lower(file.path) + "/";
    const auto next = std::lower_bound(seen.begin(), seen.end(), folder);
    if (next != seen.end() && next->starts_with(folder)) return refusal(kList, "fileAndFolder", file.path);
  }
  if (total > kMaxTotal) return refusal(kList, "tooManyBytes");
  return std::nullopt;
}

std::optional<Error> Manifest::read_tree_page(std::string_view page, std::string_view resolve_base,
                                              std::vector<ManifestFile>& files) {
  constexpr std::string_view what = "hubList\t";
  const auto entries = json::parse(page, {.max_bytes = kMaxJson});
  if (!entries) return not_json(what, page);
  if (!entries->is(json::Value::Kind::kArray)) return refusal(what, "notList", page.substr(0, 200));
  for (const json::Value& entry : entries->items) {
    ManifestFile file;
    file.path = json::text_at(entry, "path");
    const bool is_file = json::text_at(entry, "type") == "file";
    if (!is_file || file.path.empty() || (!may_be_needed(file.path) && !leaves_folder(file.path))) continue;
    file.size = json::uint_at(entry, "size");
    if (const json::Value* lfs = json::find(entry, "lfs");
        lfs != nullptr && !lfs->is(json::Value::Kind::kNull)) {
      file.sha256 = json::text_at(*lfs, "oid");
      // Some servers write the algorithm in front.
      if (file.sha256.starts_with("sha256:")) file.sha256.erase(0, 7);
      const auto size = json::uint_at(*lfs, "size");
      if (size && file.size && *size != *file.size) file.fault = "twoSizes";
      if (file.sha256.empty()) file.fault = "noChecksum";
    } else {
      file.git_sha1 = json::text_at(entry, "oid");
    }
    file.url = text::joined(resolve_base, url_path(file.path));
    if (auto error = take(std::move(file), files)) return error;
  }
  return std::nullopt;
}

std::variant<Manifest, Error> Manifest::from_candor_json(std::string_view text, std::string_view folder_url,
                                                         std::string_view query) {
  constexpr std::string_view what = "candorJson\t";
  const auto root = json::parse(text, {.max_bytes = kMaxJson});
  if (!root) return not_json(what, text);
  if (json::uint_at(*root, "version") != 1U) return refusal(what, "unknownVersion");
  const json::Value* list = json::find(*root, "files", json::Value::Kind::kArray);
  if (list == nullptr) return refusal(what, "noList");
  std::vector<ManifestFile> files;
  for (const json::Value& entry : list->items) {
    ManifestFile file;
    file.path = json::text_at(entry, "path");
    file.size = json::uint_at(entry, "size");
    file.sha256 = json::text_at(entry, "sha256");
    if (file.sha256.empty() && json::find(entry, "sha256") != nullptr) file.fault = "notSha256";
    file.url = text::joined(folder_url, url_path(file.path), query);
    if (auto error = take(std::move(file), files)) return std::move(*error);
  }
  // Whatever its author calls it: files without a checksum are known to be the same only if nothing changed
  // in here.
  return from_list(std::move(files), sha256_of(text));
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
    for (const ManifestFile& file : files_)
      if (file.path == path) result.files_.push_back(file);
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
