// Models from a hostile source, in pieces whose sizes are hostile, too.
#include <algorithm>
#include <cstdlib>

#include "candor/model/onnx_index.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace candor;
  constexpr std::uint64_t kOther = 5000;
  if (size < 1) return 0;
  const std::size_t piece = 1 + data[0];
  const std::span file(data + 1, size - 1);
  OnnxIndex index("m.onnx", file.size());
  index.external("m.onnx_data", kOther);
  std::uint64_t last = 0;
  while (const auto at = index.next()) {
    if (*at < last) std::abort();
    last = *at;
    const std::size_t from = std::min(file.size(), static_cast<std::size_t>(*at));
    index.add(file.subspan(from, std::min(piece, file.size() - from)));
  }
  if (index.fault().empty() == index.graph().empty()) std::abort();
  std::uint64_t sum = 0;
  for (const auto& one : index.initializers()) {
    const std::uint64_t bytes = one.file == 0 ? file.size() : kOther;
    if (one.file > 1 || one.offset > bytes || one.length > bytes - one.offset) std::abort();
    sum += one.length;
  }
  if (sum != index.weight_bytes()) std::abort();
  if (index.graph().size() > file.size() + 200 * index.initializers().size()) std::abort();
  return 0;
}
