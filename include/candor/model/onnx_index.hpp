#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace candor {

/// Where the weights of an .onnx file lie, found without reading them, and its graph with references in their
/// place: an ONNX Runtime that is given the small graph reads each tensor from the original files when it
/// needs it.
///
/// The file comes in pieces, each at next(), which steps over the weights. What is kept is the small graph
/// and the table; both stay below kMaxGraph and kMaxInitializers whatever the file claims. Field numbers are
/// those of onnx.proto (ONNX IR version 3 and later), the encoding that of Protocol Buffers.
class OnnxIndex {
 public:
  /// Shorter tensors stay in the graph: ONNX Runtime computes shapes with them before it reads weights.
  static constexpr std::uint64_t kMinExternal = 1024;
  static constexpr std::size_t kMaxGraph = std::size_t{256} << 20U;  ///< bytes
  static constexpr std::size_t kMaxInitializers = 1'000'000;

  /// What is not in the small graph: bytes of one of the files.
  struct Initializer {
    std::string name;
    std::size_t file = 0;  ///< 0: the graph itself; 1, 2, …: the external data in the order of external()
    std::uint64_t offset = 0;
    std::uint64_t length = 0;
  };

  /// `name`: of the file, as the small graph shall call it; `size`: its bytes.
  OnnxIndex(std::string name, std::uint64_t size);
  /// A file beside it that the graph may name. Before the first piece.
  void external(std::string name, std::uint64_t size);

  /// Offset of the byte that is needed next; empty: nothing more, the index is whole or faulty.
  std::optional<std::uint64_t> next() const;
  /// Bytes from next() on, any number; none: the file ends there.
  void add(std::span<const std::uint8_t> bytes);

  /// What is wrong with the file, for its maker; empty: nothing so far.
  const std::string& fault() const { return fault_; }
  /// The small graph, once the index is whole.
  const std::string& graph() const { return graph_; }
  const std::vector<Initializer>& initializers() const { return initializers_; }
  /// Bytes of all initializers.
  std::uint64_t weight_bytes() const { return weight_bytes_; }

 private:
  struct File {
    std::string name;
    std::uint64_t size = 0;
  };
  enum class Level { kModel, kGraph, kTensor };
  enum class Step { kKey, kLength, kValue, kPayload };

  void byte(std::uint8_t value);
  void varint_read();
  void key_read();
  void length_read();
  void close_levels();
  void finish_tensor();
  std::string& kept();
  std::uint64_t end() const { return ends_[static_cast<std::size_t>(level_)]; }
  void stop(const char* what);

  std::vector<File> files_;
  std::uint64_t position_ = 0;
  Level level_ = Level::kModel;
  std::uint64_t ends_[3] = {};  // where each level ends
  Step step_ = Step::kKey;
  std::string head_;  // key and length or value of the field that is being read
  std::uint64_t number_ = 0;
  unsigned shift_ = 0;
  std::uint64_t field_ = 0;
  std::uint64_t payload_ = 0;  // bytes of it that are still to be kept
  // Of the tensor that is being read.
  bool is_float_ = false;
  std::optional<std::uint64_t> data_;  // where its bytes begin, if they are left out
  std::uint64_t data_length_ = 0;

  bool has_graph_ = false;
  std::string model_;   // fields beside the graph
  std::string graph_;   // the graph's; at the end the whole
  std::string tensor_;  // the tensor's
  std::vector<Initializer> initializers_;
  std::uint64_t weight_bytes_ = 0;
  bool whole_ = false;
  std::string fault_;
};

}  // namespace candor
