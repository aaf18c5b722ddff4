// Journals from a damaged or foreign disk. The checksum is put right, so that what lies behind it is reached.
#include <cstdio>
#include <cstdlib>

#include "candor/transfer/download.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace candor;
  std::string text(reinterpret_cast<const char*>(data), size);
  char seal[11];
  std::snprintf(seal, sizeof seal, "\n%08x\n", static_cast<unsigned>(crc32(text)));
  text += seal;
  if (const auto journal = Journal::parse(text)) {
    // What was understood is written in a form that is understood the same.
    const auto again = Journal::parse(journal->to_text());
    if (!again || again->to_text() != journal->to_text()) std::abort();
  }
  std::vector<ManifestFile> files(2);
  files[0].path = "a";
  files[0].size = 1'000;
  files[0].sha256 = std::string(64, 'a');
  files[1].path = "b";
  files[1].size = 0;
  auto manifest = Manifest::from_files(files, "c");
  const event::StoredFile disk[] = {{"a", 500}};
  const std::optional<std::string> texts[] = {std::nullopt, text};
  const Journal::Newest newest = Journal::newest(texts);
  if (newest.next_slot != 0) std::abort();
  Download download(std::get<Manifest>(manifest), newest, disk, {});
  // Never more than is on disk, never more than the file.
  if (download.totals().bytes.position > 500 || download.totals().bytes.verified > 0) std::abort();
  (void)download.start(instant_from_ms(0));
  return 0;
}
