#include "candor/transfer/file_transfer.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "candor/base/bytes.hpp"
#include "candor/transfer/sha1.hpp"
#include "candor/transfer/sha256.hpp"

namespace candor {
namespace {

// Longer than a Git LFS pointer and most error messages, and shorter than any model.
constexpr std::uint64_t kPeekLimit = 1024;
constexpr std::size_t kHead = 64;

bool is_page(std::string_view path) {
  const std::string lower = text::to_lower(path);
  return lower.ends_with(".html") || lower.ends_with(".htm");
}

bool is_text(std::string_view path) {
  return path.ends_with(".json") || path.ends_with(".jinja") || path.ends_with(".txt") ||
         path.ends_with(".md");
}

// A web page, or an error in JSON or XML; of others than these, `found` is empty.
struct Stranger {
  Cause cause = Cause::kNotAModel;
  std::string_view found{};
};
std::optional<Stranger> recognise(std::string_view head, std::string_view path) {
  if (head.starts_with("version https://git-lfs")) return Stranger{Cause::kOtherKind, "lfsPointer"};
  using namespace std::string_view_literals;
  for (const std::string_view mark : {"PK\3\4"sv, "\x1f\x8b\x08"sv, "7z\xbc\xaf"sv, "\3757zXZ"sv})
    if (head.starts_with(mark)) return Stranger{Cause::kOtherKind, "archive"};
  if (head.starts_with("\xef\xbb\xbf")) head.remove_prefix(3);
  while (!head.empty() && (head[0] == ' ' || head[0] == '\t' || head[0] == '\r' || head[0] == '\n'))
    head.remove_prefix(1);
  const std::string lower = text::to_lower(head);
  if (lower.starts_with("<!doctype html") || lower.starts_with("<html"))
    return is_page(path) ? std::nullopt : std::optional(Stranger{});
  if (lower.starts_with("<?xml") || lower.starts_with("<error>"))
    return path.ends_with(".xml") ? std::nullopt : std::optional(Stranger{Cause::kNotAModel, "xmlError"});
  // In weights a first word between quotes is no accident; in a file of JSON it must be this one.
  std::string json = lower;
  std::erase_if(json, [](char c) { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; });
  if (json.starts_with("{\"error") ||
      (!is_text(path) && json.starts_with("{\"") && json.find("\":") != std::string::npos))
    return Stranger{Cause::kNotAModel, "jsonError"};
  return std::nullopt;
}

FileTransfer::Verdict fail(Cause cause, int status, std::string detail) {
  return {FileTransfer::Verdict::Kind::kFail, {}, {cause, status, std::nullopt, std::move(detail)}};
}

}  // namespace

FileTransfer::FileTransfer(ManifestFile file, std::uint64_t seed, const TransferSizes& sizes)
    : sizes_(sizes),
      file_(std::move(file)),
      size_given_(file_.size.has_value()),
      version_(file_.version),
      policy_(seed, sizes.crumb),
      hasher_(fresh_hasher()) {}

FileTransfer::Hasher FileTransfer::fresh_hasher() const {
  if (!file_.sha256.empty()) return Sha256{};
  if (!file_.git_sha1.empty() && file_.size) return Sha1::git_blob(*file_.size);
  return std::nullopt;
}

std::uint64_t FileTransfer::end() const { return file_.size.value_or(kMaxSafeBytes); }

FileTransfer::State FileTransfer::state() const {
  if (given_up_) return State::kFailed;
  if (done_) return State::kDone;
  if (complete()) return State::kVerifying;
  return counts_.heard() == 0 && have_.total() == 0 ? State::kProbing : State::kFetching;
}

ByteLedger FileTransfer::ledger() const {
  ByteLedger ledger = counts_;
  ledger.size = file_.size;
  ledger.position = have_.total();
  ledger.cached = cached_.total();
  ledger.hashed = hashed();
  ledger.verified = done_ ? have_.total() : 0;
  return ledger;
}

void FileTransfer::restore(const Journal::File& journal, std::uint64_t stored) {
  if (journal.version.known()) version_ = journal.version;
  if (!file_.size) file_.size = journal.size;
  const std::uint64_t limit = std::min(stored, end());
  for (const ByteRange& range : journal.ranges) {
    const ByteRange kept{range.first, std::min(range.end, limit)};
    counts_.kept += have_.add(kept);
    cached_.add(kept);
  }
  // A file that was verified and is as long as it was is not read again; OPFS is private to this origin.
  done_ = journal.verified && file_.size && stored == *file_.size && complete();
}

Journal::File FileTransfer::journal() const {
  return {file_.path, file_.size, file_.sha256, file_.git_sha1, version_, done_, have_.ranges()};
}

std::optional<std::uint64_t> FileTransfer::opened(std::uint64_t stored) {
  if (drop({stored, kMaxSafeBytes}, "bytesGone") > 0) done_ = false;
  // While a wrong copy is being compared with, its bytes may still turn out to be good.
  const std::uint64_t wanted = have_.total() == 0 && !wrong_ ? 0 : end();
  disk_end_ = std::min(stored, wanted);
  if (stored > wanted) return wanted;
  return std::nullopt;
}

FileTransfer::Verdict FileTransfer::judge(const HttpReply& reply, ByteRange asked, bool ranged) {
  if (reply.status == 416 && ranged) {
    const auto& range = reply.content_range;
    if (range && range->total && file_.size && *range->total != *file_.size) return other_length(416, {}, 0);
    // The range lies within the file, so the server does not do ranges right. Without one it may.
    ranges_work_ = false;
    return fail(Cause::kHttp, 416, file_.path);
  }
  if (reply.status == 206) return judge_part(reply, asked);
  if (reply.status == 200) return judge_whole(reply, ranged);
  Failure failure = failure_of(reply);
  if (failure.detail.empty()) failure.detail = file_.path;
  return {Verdict::Kind::kFail, {}, std::move(failure)};
}

FileTransfer::Verdict FileTransfer::judge_part(const HttpReply& reply, ByteRange asked) {
  const auto& range = reply.content_range;
  if (reply.multipart) {
    ranges_work_ = false;
    return fail(Cause::kHttp, 206, file_.path);
  }
  std::optional<std::uint64_t> total = range ? range->total : std::nullopt;
  if (!range) {
    // Other origins may hide Content-Range from scripts, but not the length; never when it is there and
    // unreadable.
    const auto& length = reply.content_length;
    if (reply.content_range_unreadable || (length && *length > asked.length()))
      return fail(Cause::kHttp, 206, file_.path);
    if (length && !file_.size) total = asked.first + *length;
    if (length) asked.end = asked.first + *length;
  } else {
    if (range->total && file_.size && *range->total != *file_.size)
      return other_length(206, range->total, asked.first);
    if (!range->first || *range->first != asked.first) return fail(Cause::kHttp, 206, file_.path);
    asked.end = std::min(asked.end, *range->last + 1);
  }
  if (!belongs(reply)) return {Verdict::Kind::kOther, {}, {}};
  if (total && !file_.size) file_.size = total;
  return {Verdict::Kind::kAccept, asked, {}};
}

FileTransfer::Verdict FileTransfer::judge_whole(const HttpReply& reply, bool ranged) {
  // With a Range header nothing is compressed on the way, so the length is the file's.
  const bool length_fits = reply.content_length && file_.size && *reply.content_length == *file_.size;
  if (reply.html && !length_fits && !is_page(file_.path)) return fail(Cause::kNotAModel, 200, file_.path);
  if (ranged && reply.content_length && file_.size && !length_fits)
    return other_length(200, reply.content_length, 0);
  if (!belongs(reply)) return {Verdict::Kind::kOther, {}, {}};
  if (ranged) ranges_work_ = false;
  if (ranged && !file_.size) file_.size = reply.content_length;
  return {Verdict::Kind::kWhole, {0, end()}, {}};
}

// A reply of another length than the list's is of no use, and says nothing of what is here. Where a server
// gave the length, one of the two is of another version.
FileTransfer::Verdict FileTransfer::other_length(int status, std::optional<std::uint64_t> length,
                                                 std::uint64_t first) const {
  if (length && *length > 0 && *length <= kPeekLimit && first == 0 && *file_.size > kPeekLimit)
    return {Verdict::Kind::kPeek, {0, *length}, {}};
  if (size_given_) return fail(Cause::kChanged, status, file_.path);
  return {Verdict::Kind::kOther, {}, {}};
}

// Where a checksum decides, what the servers call the file is of no interest.
bool FileTransfer::belongs(const HttpReply& reply) {
  const FileVersion version{reply.etag, reply.last_modified};
  if (!file_.has_hash() && same_version(version_, version) == SameVersion::kNo) return false;
  policy_.same_version();
  if (version_.etag.empty()) version_.etag = version.etag;
  if (version_.last_modified.empty()) version_.last_modified = version.last_modified;
  return true;
}

std::uint64_t FileTransfer::received(std::uint64_t offset, std::span<const std::uint8_t> bytes) {
  if (bytes.empty()) return 0;
  const ByteRange range{offset, offset + bytes.size()};
  disk_end_ = std::max(disk_end_, range.end);
  const std::uint64_t added = have_.add(range);
  counts_.fresh += added;
  counts_.repeated += bytes.size() - added;
  if (proven_) proven_->add(range);
  if (reading_ && range.first < reading_->end && reading_->first < range.end) reading_stale_ = true;
  if (offset < hashed_) rewind_hash(offset);
  if (!reading_ && hashed_ >= range.first && hashed_ < range.end)
    hash(bytes.subspan(static_cast<std::size_t>(hashed_ - range.first)));
  return added;
}

void FileTransfer::spoiled(ByteRange range, std::string reason) {
  disk_end_ = std::max(disk_end_, range.end);
  drop(range, std::move(reason));
}

std::optional<Failure> FileTransfer::stranger(std::uint64_t offset, std::span<const std::uint8_t> bytes) {
  if (offset == 0) head_.clear();
  if (offset != head_.size() || offset >= kHead) return std::nullopt;
  const std::string_view more(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  head_ += more.substr(0, kHead - head_.size());
  const auto found = recognise(head_, file_.path);
  if (!found) return std::nullopt;
  return Failure{found->cause, 0, std::nullopt, file_.path, found->found};
}

void FileTransfer::ended(std::uint64_t position) {
  if (file_.size) return;
  drop({position, kMaxSafeBytes}, "fileShorter");
  file_.size = position;
}

void FileTransfer::hash(std::span<const std::uint8_t> bytes) {
  while (!bytes.empty()) {
    const std::uint64_t to_mark = sizes_.mark - hashed_ % sizes_.mark;
    const auto part = bytes.first(static_cast<std::size_t>(std::min<std::uint64_t>(bytes.size(), to_mark)));
    bytes = bytes.subspan(part.size());
    hashed_ += part.size();
    if (!hasher_) continue;
    hasher_->update(part);
    if (hashed_ % sizes_.mark != 0) continue;
    const std::size_t mark = marks_.size();
    marks_.push_back(*hasher_);
    if (wrong_ && !differs_ && mark < wrong_->marks.size() && wrong_->marks[mark] != hasher_->hex())
      differs_ = mark;
  }
}

void FileTransfer::rewind_hash(std::uint64_t offset) {
  if (offset >= hashed_) return;
  const std::uint64_t mark = offset / sizes_.mark;
  if (mark < marks_.size()) marks_.erase(marks_.begin() + static_cast<std::ptrdiff_t>(mark), marks_.end());
  hashed_ = marks_.size() * sizes_.mark;
  hasher_ = marks_.empty() ? fresh_hasher() : marks_.back();
  if (differs_ && *differs_ >= marks_.size()) differs_.reset();
}

std::string FileTransfer::digest() const { return hasher_ ? hasher_->hex() : std::string(); }

std::optional<ByteRange> FileTransfer::next_read(std::uint64_t limit) const {
  if (done_ || reading_ || !file_.has_hash()) return std::nullopt;
  const std::uint64_t front = std::min(have_.contiguous_end(hashed_), limit);
  if (front <= hashed_) return std::nullopt;
  return ByteRange{hashed_, std::min(front, hashed_ + sizes_.read)};
}

void FileTransfer::reading(ByteRange range) {
  reading_ = range;
  reading_stale_ = false;
}

void FileTransfer::read_back(std::uint64_t offset, std::span<const std::uint8_t> bytes) {
  if (!reading_) return;
  if (bytes.empty()) {
    reading_.reset();
    if (offset >= hashed_ && offset < end()) drop({offset, end()}, "bytesGone");
    return;
  }
  const std::uint64_t last = offset + bytes.size();
  if (!reading_stale_ && offset == hashed_ && last <= reading_->end) hash(bytes);
  if (last >= reading_->end) reading_.reset();
}

FileTransfer::Check FileTransfer::check() {
  if (done_) return Check::kGood;
  if (!file_.has_hash()) {
    hashed_ = have_.contiguous_end(0);
    if (!complete()) return Check::kPending;
    done_ = true;
    return Check::kGood;
  }
  if (differs_ && wrong_ && !wrong_->salvaged && file_.size && !complete()) {
    // The new copy and the wrong one agree up to the block before this mark, and not in it. If that block was
    // all that was wrong, then the rest of the old copy, which is still on disk, is good: reading it is
    // cheaper than fetching it.
    wrong_->salvaged = true;
    proven_ = have_;
    const ByteRange all{0, *file_.size};
    for (const ByteRange& gap : have_.gaps(all.end)) cached_.add(gap);
    counts_.restored += have_.add(all);
    return Check::kSalvage;
  }
  if (!complete() || hashed_ != *file_.size || reading_) return Check::kPending;
  return compare();
}

// All of it is here and went through the checksum.
FileTransfer::Check FileTransfer::compare() {
  const std::string found = digest();
  if (found == file_.sha256 || found == file_.git_sha1) {
    done_ = true;
    wrong_.reset();
    differs_.reset();
    proven_.reset();
    marks_ = {};
    policy_.settled();
    return Check::kGood;
  }
  if (proven_) {
    // More than that block was wrong. What was fetched anew stays, the rest has to come again after all.
    const ByteRanges keep = std::move(*proven_);
    proven_.reset();
    for (const ByteRange& gap : keep.gaps(*file_.size)) drop(gap, "fileDamagedTwice");
    return Check::kPending;
  }
  // An empty file cannot come better another time.
  const bool same = *file_.size == 0 || (wrong_ && wrong_->digest == found);
  Wrong wrong{{}, found, false};
  for (const BlockHash& mark : marks_) wrong.marks.push_back(mark.hex());
  discard(same ? "serverSendsDamage" : "fileDamaged");
  wrong_ = std::move(wrong);
  return same ? Check::kHopeless : Check::kDamaged;
}

std::uint64_t FileTransfer::drop(ByteRange range, std::string reason) {
  const std::uint64_t removed = have_.remove(range);
  cached_.remove(range);
  if (removed > 0) {
    counts_.discarded += removed;
    discarded_reason_ = std::move(reason);
  }
  rewind_hash(range.first);
  if (reading_) reading_stale_ = true;
  return removed;
}

void FileTransfer::discard(std::string reason) {
  drop({0, kMaxSafeBytes}, std::move(reason));
  done_ = false;
  version_ = file_.version;
  if (!size_given_) file_.size.reset();
  wrong_.reset();
  differs_.reset();
  proven_.reset();
}

void FileTransfer::changed(std::string reason) {
  discard(std::move(reason));
  version_ = {};
}

void FileTransfer::start_over() {
  policy_.asked();
  wrong_.reset();
  differs_.reset();
  given_up_ = false;
}

}  // namespace candor
