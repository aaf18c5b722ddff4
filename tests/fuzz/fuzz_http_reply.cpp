// Reply heads from a hostile server: "name: value" lines, the first line being the status.
#include <cstdlib>
#include <string_view>

#include "candor/transfer/file_transfer.hpp"
#include "candor/transfer/http_reply.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace candor;
  std::string_view text(reinterpret_cast<const char*>(data), size);
  std::vector<std::pair<std::string, std::string>> headers;
  int status = 206;
  bool first = true;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (std::exchange(first, false)) {
      status = line.empty() ? 206 : 200 + line[0];
      continue;
    }
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos) continue;
    headers.emplace_back(line.substr(0, colon), line.substr(colon + 1));
  }
  const HttpReply reply = HttpReply::from(status, false, headers);
  if (reply.retry_after && !(reply.retry_after->count() >= 0)) std::abort();
  if (const auto& range = reply.content_range; range && range->first) {
    if (*range->last < *range->first || (range->total && *range->last >= *range->total)) std::abort();
  }
  ManifestFile entry;
  entry.path = "model.onnx";
  entry.size = 1'000;
  FileTransfer file(entry, 1);
  const FileTransfer::Verdict verdict = file.judge(reply, {100, 900}, true);
  // Whatever the server says, nothing is written outside of what was asked for, or of the file.
  if (verdict.kind == FileTransfer::Verdict::Kind::kAccept &&
      (verdict.range.first != 100 || verdict.range.end > 900 || verdict.range.length() == 0))
    std::abort();
  if (verdict.kind == FileTransfer::Verdict::Kind::kWhole && verdict.range != ByteRange{0, 1'000})
    std::abort();
  if (verdict.kind == FileTransfer::Verdict::Kind::kFail && error_of(verdict.failure).message.empty())
    std::abort();
  return 0;
}
