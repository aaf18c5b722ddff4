#include "transfer/schedule.hpp"

#include <algorithm>
#include <utility>

namespace candor {

Download::Schedule::Load Download::Schedule::load() const {
  Load load;
  for (FileId id = 0; id < download_.files_.size(); ++id) {
    if (!download_.work_[id].opening) continue;
    ++load.live;
    if (!download_.comes_beside(download_.files_[id])) ++load.busy;
  }
  bool silent = false;
  for (const Request& request : download_.requests_.list()) {
    if (request.drained) continue;
    ++load.live;
    // Where each connection is one too many, there is no overlap.
    if ((!download_.plan_.yielded() && request.ends_soon(download_.plan_.latency(), now_)) ||
        download_.comes_beside(download_.files_[request.file]))
      continue;
    ++load.busy;
    silent = silent || now_ >= request.last_byte_at + Requests::kSilent;
  }
  // One more is tried beside those that are silent.
  if (silent) --load.busy;
  return load;
}

unsigned Download::Schedule::target() const {
  std::uint64_t backlog = 0;
  for (const FileTransfer& file : download_.files_)
    if (file.file().has_hash() && file.state() != FileTransfer::State::kDone)
      backlog += file.have().contiguous_end(file.hashed()) - file.hashed();
  return backlog > download_.options_.sizes.backlog ? 1 : download_.plan_.target();
}

bool Download::Schedule::is_wanted(FileId id, bool large_too) const {
  const FileTransfer& file = download_.files_[id];
  const Work& work = download_.work_[id];
  if (file.state() == FileTransfer::State::kDone || file.given_up() || work.opening || work.held ||
      work.retry_at || !(large_too || download_.comes_beside(file)))
    return false;
  // One connection asks how the server is after a failure, which version it has, where there are no ranges,
  // and for what is not known yet.
  const bool alone =
      file.policy().attempts() > 0 || file.policy().disputed() || !file.ranges_work() || !file.size();
  if (alone && download_.requests_.active(id) > 0) return false;
  if (!file.size()) return true;
  if (work.open) return !unassigned(id).empty();
  // What is only to be read is opened when its turn has come: see next_read().
  return !file.complete() || !file.next_read(file.end());
}

std::optional<FileId> Download::Schedule::next_file(bool large_too) const {
  std::optional<FileId> best;
  // Of those with the fewest connections a large one: it takes longest.
  std::pair<std::size_t, bool> lowest;
  for (FileId id = 0; id < download_.files_.size(); ++id) {
    if (!is_wanted(id, large_too)) continue;
    const std::pair rank{download_.requests_.active(id), download_.comes_beside(download_.files_[id])};
    if (!best || rank < lowest) {
      best = id;
      lowest = rank;
    }
  }
  return best;
}

std::vector<ByteRange> Download::Schedule::unassigned(FileId id) const {
  ByteRanges taken = download_.files_[id].have();
  for (const Request& request : download_.requests_.list())
    if (request.file == id) taken.add({request.position, request.range.end});
  return taken.gaps(download_.files_[id].end());
}

Request Download::Schedule::request_for(FileId id) const {
  const FileTransfer& file = download_.files_[id];
  const TransferSizes& sizes = download_.options_.sizes;
  Request request;
  request.file = id;
  request.last_byte_at = request.asked_at = now_;
  const bool small =
      file.size() && *file.size() <= sizes.whole_file && file.have().total() == 0 && file.file().has_hash();
  // Of a range the length is told even where all other headers are hidden; texts come compressed without one.
  const std::string& path = file.file().path;
  request.ranged = file.ranges_work() && !small && (file.size() || path.find(".onnx") != std::string::npos);
  request.range = {0, file.end()};
  if (request.ranged && file.size()) {
    const std::vector<ByteRange> gaps = unassigned(id);
    std::uint64_t missing = 0;
    for (const ByteRange& gap : gaps) missing += gap.length();
    request.range = gaps.front();
    // No slivers: what would be left of a gap is taken along.
    const std::uint64_t size = download_.plan_.range_size(missing);
    if (request.range.length() >= size + sizes.smallest_range) request.range.end = request.range.first + size;
  }
  request.position = request.range.first;
  request.sent_end = request.range.end;
  return request;
}

bool Download::Schedule::splits(const Request& request) const {
  const FileTransfer& file = download_.files_[request.file];
  return request.accepted && !request.drained && !request.ends_soon(download_.plan_.latency(), now_) &&
         request.ranged && file.ranges_work() && file.size() && file.policy().attempts() == 0 &&
         !file.policy().disputed() && !download_.work_[request.file].retry_at &&
         request.missing() >= 2 * download_.options_.sizes.smallest_range;
}

// The longest one gives at least half of what is left, and keeps no more than it would be asked for now.
std::optional<Download::Schedule::Split> Download::Schedule::split() const {
  const Request* longest = nullptr;
  for (const Request& request : download_.requests_.list())
    if (splits(request) && (longest == nullptr || request.missing() > longest->missing())) longest = &request;
  if (longest == nullptr) return std::nullopt;
  const std::uint64_t keeps =
      std::min(longest->missing() / 2, download_.plan_.range_size(download_.files_[longest->file].end()));
  return Split{longest->id, longest->position + keeps};
}

Download::Schedule::Standing Download::Schedule::standing() const {
  bool all_done = true;
  bool all_here = true;
  bool opening = false;
  bool waiting = false;
  const Error* error = nullptr;
  const Error* failed = nullptr;
  for (FileId id = 0; id < download_.files_.size(); ++id) {
    const FileTransfer& file = download_.files_[id];
    const Work& work = download_.work_[id];
    all_done = all_done && file.state() == FileTransfer::State::kDone;
    all_here = all_here && file.complete();
    opening = opening || work.opening;
    waiting = waiting || work.retry_at.has_value();
    if (!work.error) continue;
    if (error == nullptr) error = &*work.error;
    if (file.given_up() && failed == nullptr) failed = &*work.error;
  }
  if (all_done) return {State::kDone, {}};
  if (!download_.requests_.empty() || opening || download_.reading())
    return {all_here ? State::kVerifying : State::kFetching, {}};
  if (download_.hold_until_) return {State::kWaiting, download_.hold_error_};
  if (waiting && error != nullptr) return {State::kWaiting, *error};
  if (failed != nullptr) return {State::kAsking, *failed};
  if (download_.waits_for_release()) return {State::kFetching, {}};
  return {download_.state_, download_.error_};
}

std::optional<Download::Schedule::Reading> Download::Schedule::next_read() const {
  for (FileId id = 0; id < download_.files_.size(); ++id) {
    const FileTransfer& file = download_.files_[id];
    if (file.given_up()) continue;
    // Not where a request is about to write: it brings those bytes itself.
    std::uint64_t limit = file.end();
    for (const Request& request : download_.requests_.list())
      if (request.file == id && !request.drained && request.position >= file.hashed())
        limit = std::min(limit, request.position);
    if (const auto range = file.next_read(limit)) return Reading{id, *range};
  }
  return std::nullopt;
}

}  // namespace candor
