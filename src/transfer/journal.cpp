#include "candor/transfer/journal.hpp"

#include <algorithm>

#include "base/json.hpp"
#include "base/text.hpp"
#include "candor/base/bytes.hpp"

namespace candor {
namespace {

constexpr std::uint64_t kVersion = 1;
constexpr std::size_t kMaxText = 4U << 20U;
// Far more pieces than a download ever has at once; a text with more is not ours.
constexpr std::size_t kMaxRanges = 4'096;

}  // namespace

std::uint32_t crc32(std::string_view text) {
  // Bit by bit: a table would be a larger part of the core than the time is of a journal's writing.
  std::uint32_t crc = 0xffffffffU;
  for (const char c : text) {
    crc ^= static_cast<unsigned char>(c);
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ (0xedb88320U & (0U - (crc & 1U)));
  }
  return ~crc;
}

std::string Journal::to_text() const {
  json::Array list;
  for (const File& file : files) {
    json::Object entry;
    entry.add("path", file.path);
    if (file.size) entry.add("size", *file.size);
    if (!file.sha256.empty()) entry.add("sha256", file.sha256);
    if (!file.git_sha1.empty()) entry.add("oid", file.git_sha1);
    if (!file.version.etag.empty()) entry.add("etag", file.version.etag);
    if (!file.version.last_modified.empty()) entry.add("lastModified", file.version.last_modified);
    if (!file.commit.empty()) entry.add("commit", file.commit);
    if (file.verified) entry.add("verified", true);
    json::Array ranges;
    for (const ByteRange& range : file.ranges) {
      ranges.add(json::text_of(range.first)).add(json::text_of(range.end));
    }
    list.add(entry.add("ranges", ranges.text()).text());
  }
  std::string text = json::Object()
                         .add("candorJournal", std::uint64_t{kVersion})
                         .add("sequence", sequence)
                         .add("commit", commit)
                         .add("files", list.text())
                         .text()
                         .json;
  text += '\n';
  text += text::in_hex(crc32({text.data(), text.size() - 1}), 8);
  text += '\n';
  return text;
}

std::optional<Journal> Journal::parse(std::string_view text) {
  if (text.size() > kMaxText) return std::nullopt;
  // The checksum stands on a line of its own behind the text it is of.
  if (text.size() < 10 || text.back() != '\n' || text[text.size() - 10] != '\n') return std::nullopt;
  const std::string_view body = text.substr(0, text.size() - 10);
  if (text.substr(text.size() - 9, 8) != text::in_hex(crc32(body), 8)) return std::nullopt;
  const auto root = json::parse(body, {.max_bytes = kMaxText, .max_depth = 8});
  if (!root) return std::nullopt;
  if (json::uint_at(*root, "candorJournal") != kVersion) return std::nullopt;
  Journal journal;
  journal.sequence = json::uint_at(*root, "sequence").value_or(0);
  journal.commit = json::text_at(*root, "commit");
  const json::Value* list = json::find(*root, "files", json::Value::Kind::kArray);
  if (list == nullptr || list->items.size() > Manifest::kMaxFiles) return std::nullopt;
  for (const json::Value& entry : list->items) {
    File file;
    file.path = json::text_at(entry, "path");
    if (!path_fault(file.path).empty() || journal.find(file.path) != nullptr) return std::nullopt;
    file.size = json::uint_at(entry, "size");
    file.sha256 = json::text_at(entry, "sha256");
    file.git_sha1 = json::text_at(entry, "oid");
    file.version = {json::text_at(entry, "etag"), json::text_at(entry, "lastModified")};
    file.commit = json::text_at(entry, "commit");
    file.verified = json::bool_at(entry, "verified").value_or(false);
    if (!file.sha256.empty() && !text::is_hex(file.sha256, 64)) return std::nullopt;
    if (!file.git_sha1.empty() && !text::is_hex(file.git_sha1, 40)) return std::nullopt;
    const json::Value* ranges = json::find(entry, "ranges", json::Value::Kind::kArray);
    if (ranges == nullptr || ranges->items.size() % 2 != 0 || ranges->items.size() > 2 * kMaxRanges)
      return std::nullopt;
    std::uint64_t before = 0;
    for (std::size_t i = 0; i < ranges->items.size(); i += 2) {
      const auto first = json::as_uint(ranges->items[i]);
      const auto end = json::as_uint(ranges->items[i + 1]);
      if (!first || !end || *first >= *end || *first < before || (file.size && *end > *file.size))
        return std::nullopt;
      before = *end;
      file.ranges.push_back({*first, *end});
    }
    if (file.verified) {
      const bool whole = file.size && (*file.size == 0 ? file.ranges.empty()
                                                       : file.ranges.size() == 1 &&
                                                             file.ranges[0] == ByteRange{0, *file.size});
      if (!whole) return std::nullopt;
    }
    journal.files.push_back(std::move(file));
  }
  return journal;
}

Journal::Newest Journal::newest(std::span<const std::optional<std::string>> texts) {
  Newest newest;
  for (std::size_t slot = 0; slot < texts.size(); ++slot) {
    if (!texts[slot]) continue;
    auto journal = parse(*texts[slot]);
    if (!journal || (newest.journal && journal->sequence <= newest.journal->sequence)) continue;
    newest.journal = std::move(*journal);
    newest.next_slot = slot == 0 ? 1 : 0;
  }
  return newest;
}

const Journal::File* Journal::find(std::string_view path) const {
  const auto it = std::find_if(files.begin(), files.end(), [&](const File& f) { return f.path == path; });
  return it == files.end() ? nullptr : &*it;
}

bool Journal::complete(std::span<const std::string> paths, std::span<const event::StoredFile> on_disk) const {
  return std::all_of(paths.begin(), paths.end(), [&](const std::string& path) {
    const File* file = find(path);
    return file != nullptr && file->verified &&
           std::any_of(on_disk.begin(), on_disk.end(), [&](const event::StoredFile& stored) {
             return stored.path == path && stored.size == file->size;
           });
  });
}

std::optional<Manifest> Journal::manifest() const {
  std::vector<ManifestFile> list;
  for (const File& file : files)
    if (file.commit.empty())
      list.push_back({file.path, file.size, file.sha256, file.git_sha1, {}, file.version});
  auto manifest = Manifest::from_files(std::move(list), commit);
  if (auto* ok = std::get_if<Manifest>(&manifest)) return std::move(*ok);
  return std::nullopt;
}

bool is_same(const ManifestFile& file, const Journal::File& entry, std::string_view manifest_commit,
             std::string_view journal_commit) {
  if (file.size && file.size != entry.size) return false;
  if (file.sha256 != entry.sha256 || file.git_sha1 != entry.git_sha1) return false;
  if (file.has_hash()) return true;
  const SameVersion same = same_version(file.version, entry.version);
  if (same != SameVersion::kUnknown) return same == SameVersion::kYes;
  return !manifest_commit.empty() &&
         manifest_commit == (entry.commit.empty() ? journal_commit : std::string_view(entry.commit));
}

}  // namespace candor
