// Lists of files from a hostile source, in both forms.
#include <cstdlib>

#include "candor/transfer/manifest.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace candor;
  const std::string page(reinterpret_cast<const char*>(data), size);
  std::vector<ManifestFile> files;
  if (Manifest::read_tree_page(page, "https://hub.test/", files)) files.clear();
  for (const auto& result :
       {Manifest::from_list(files, "commit"), Manifest::from_candor_json(page, "https://site.test/")}) {
    if (const auto* error = std::get_if<Error>(&result)) {
      if (error->message.empty()) std::abort();
      continue;
    }
    const auto& manifest = std::get<Manifest>(result);
    if (manifest.files().empty()) std::abort();
    if (manifest.fault()) continue;
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
