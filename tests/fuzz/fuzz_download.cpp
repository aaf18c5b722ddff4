// Any order of events, with any numbers in them: the engine must stay within the file, and never call wrong
// bytes right.
#include <cstdlib>
#include <map>

#include "candor/transfer/download.hpp"

namespace {

using namespace candor;

class Input {
 public:
  Input(const std::uint8_t* data, std::size_t size) : data_(data), size_(size) {}
  bool done() const { return at_ >= size_; }
  std::uint8_t byte() { return done() ? 0 : data_[at_++]; }
  std::uint64_t number() { return std::uint64_t{byte()} << 8 | byte(); }

 private:
  const std::uint8_t* data_;
  std::size_t size_;
  std::size_t at_ = 0;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Input in(data, size);
  std::vector<ManifestFile> files(2);
  files[0].path = "a";
  files[0].size = 5'000;
  files[0].sha256 = std::string(64, 'a');  // nothing has this digest
  files[1].path = "b";
  files[1].size = 300;
  auto manifest = Manifest::from_files(files, "c");
  Download::Options options{.sizes = TransferSizes{}.scaled_down(1024)};
  Download download(std::get<Manifest>(manifest).only(std::vector<std::string>{"a"}), {}, {}, options);
  double now = 0;
  std::map<RequestId, action::Accept> accepted;
  const auto look = [&](const std::vector<Action>& actions) {
    for (const Action& action : actions) {
      if (const auto* accept = std::get_if<action::Accept>(&action)) {
        const std::uint64_t end = accept->file == 0 ? 5'000 : 300;
        if (accept->offset > end || accept->length > end - accept->offset) std::abort();
        accepted[accept->request] = *accept;
      }
      if (const auto* truncate = std::get_if<action::Truncate>(&action))
        if (truncate->size > (truncate->file == 0 ? 5'000U : 300U)) std::abort();
    }
    const TransferTotals& totals = download.totals();
    const ByteLedger& bytes_now = totals.bytes;
    if (bytes_now.position + bytes_now.discarded != bytes_now.kept + bytes_now.restored + bytes_now.fresh)
      std::abort();
    if (totals.bytes.position > 5'300 || totals.bytes.verified > 300 ||
        totals.bytes.fresh > totals.bytes.heard())
      std::abort();
    if (download.state() == Download::State::kDone) std::abort();
    if (download.attempts() > RecoveryPolicy::kMaxAttempts) std::abort();
    if (download.state() == Download::State::kAsking && !download.error()) std::abort();
  };
  look(download.start(instant_from_ms(now)));
  const std::vector<std::uint8_t> bytes(600, 7);
  while (!in.done()) {
    const std::uint8_t what = in.byte() % 16;
    const auto request = static_cast<RequestId>(in.byte());
    const auto file = static_cast<FileId>(in.byte() % 3);
    const std::uint64_t number = in.number();
    now += static_cast<double>(in.byte());
    const Instant at = instant_from_ms(now);
    const std::span<const std::uint8_t> some(bytes.data(), static_cast<std::size_t>(number % 600));
    switch (what) {
      case 0:
        look(download.on(event::Opened{1, file, number}, at));
        break;
      case 1:
        look(download.on(
            event::StoreFailed{
                1, number % 2 == 0 ? event::StoreFailed::Work::kJournal : event::StoreFailed::Work::kFile,
                file, number % 3 == 0 ? ErrorCode::kStorage : ErrorCode::kQuota, ""},
            at));
        break;
      case 2: {
        event::Head head{request, number % 2 == 0 ? 206 : static_cast<int>(number % 700), false, {}};
        const std::uint64_t first = in.number();
        const std::uint64_t last = in.number();
        head.headers = {{"content-range", "bytes " + std::to_string(first) + "-" + std::to_string(last) +
                                              "/" + (file == 0 ? "5000" : "300")},
                        {"etag", number % 5 == 0   ? "x"
                                 : number % 5 == 1 ? "y"
                                                   : ""}};
        if (number % 3 == 0) head.headers.clear();
        look(download.on(head, at));
        break;
      }
      case 3:
        look(download.on(event::End{request}, at));
        break;
      case 4:
        look(download.on(event::FetchFailed{request, ErrorCode::kNetwork, ""}, at));
        break;
      case 5:
        look(download.hashed(file, number, some, at));
        break;
      case 6:
        now += static_cast<double>(number);
        look(download.tick(instant_from_ms(now)));
        break;
      case 7:
        look(download.online(at));
        break;
      case 8:
        look(download.offline(at));
        break;
      case 9:
        look(download.pause(at));
        break;
      case 10:
        look(download.resume(at));
        break;
      case 11:
        look(download.retry(at));
        break;
      case 12:
        look(download.distrust(file, at));
        break;
      case 13:
        look(download.add(files, at));
        break;
      case 14:
        look(download.on(event::Journaled{}, at));
        break;
      default:
        look(download.received(request, some, at));
        break;
    }
  }
  return 0;
}
