// Lists of files from a hostile source, in both forms.
#include <array>
#include <cstdlib>

#include "candor/transfer/manifest.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace candor;
  const std::array<std::string, 1> page = {std::string(reinterpret_cast<const char*>(data), size)};
  for (const auto& result : {Manifest::from_hub_tree(page, "commit", "https://hub.test/"),
                             Manifest::from_candor_json(page[0], "https://site.test/")}) {
    if (const auto* error = std::get_if<Error>(&result)) {
      if (error->message.empty()) std::abort();
      continue;
    }
    const auto& manifest = std::get<Manifest>(result);
    if (manifest.files().empty()) std::abort();
    std::uint64_t total = 0;
    for (const ManifestFile& file : manifest.files()) {
      if (!path_fault(file.path).empty()) std::abort();
      if (!file.size) std::abort();
      total += *file.size;
      if (!file.sha256.empty() && file.sha256.size() != 64) std::abort();
    }
    if (total > Manifest::kMaxTotal) std::abort();
  }
  return 0;
}
