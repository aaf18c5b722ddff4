#include "candor/model/onnx_index.hpp"

#include <algorithm>
#include <string_view>
#include <utility>

#include "base/text.hpp"
#include "candor/base/bytes.hpp"

namespace candor {
namespace {

// Wire types.
constexpr unsigned kVarint = 0;
constexpr unsigned kFixed64 = 1;
constexpr unsigned kDelimited = 2;
constexpr unsigned kFixed32 = 5;

// ModelProto, GraphProto.
constexpr std::uint64_t kModelGraph = 7;
constexpr std::uint64_t kGraphInitializer = 5;
// TensorProto.
constexpr std::uint64_t kTensorType = 2;
constexpr std::uint64_t kTensorFloats = 4;
constexpr std::uint64_t kTensorName = 8;
constexpr std::uint64_t kTensorRaw = 9;
constexpr std::uint64_t kTensorExternal = 13;
constexpr std::uint64_t kTensorLocation = 14;
constexpr std::uint64_t kTypeFloat = 1;

void append_varint(std::string& out, std::uint64_t value) {
  for (; value >= 0x80; value >>= 7U) out += static_cast<char>((value & 0x7fU) | 0x80U);
  out += static_cast<char>(value);
}

void append_field(std::string& out, std::uint64_t field, std::string_view bytes) {
  append_varint(out, field << 3U | kDelimited);
  append_varint(out, bytes.size());
  out += bytes;
}

void append_entry(std::string& out, std::string_view key, std::string_view value) {
  std::string entry;
  append_field(entry, 1, key);
  append_field(entry, 2, value);
  append_field(out, kTensorExternal, entry);
}

/// The fields of a message that lies in memory.
struct Fields {
  std::string_view rest;
  std::uint64_t field = 0;
  std::uint64_t number = 0;     // of a varint
  std::string_view bytes = {};  // of a delimited field

  bool varint(std::uint64_t& value) {
    value = 0;
    for (unsigned shift = 0; shift < 64 && !rest.empty(); shift += 7) {
      const auto byte = static_cast<unsigned char>(rest.front());
      rest.remove_prefix(1);
      value |= std::uint64_t{byte & 0x7fU} << shift;
      if (byte < 0x80) return true;
    }
    return false;
  }
  /// False at the end, and where it can't be read.
  bool next() {
    std::uint64_t key = 0;
    if (!varint(key)) return false;
    field = key >> 3U;
    number = 0;
    bytes = {};
    std::uint64_t length = 0;
    switch (key & 7U) {
      case kVarint:
        return varint(number);
      case kFixed64:
        length = 8;
        break;
      case kFixed32:
        length = 4;
        break;
      default:
        if (!varint(length)) return false;
    }
    if (length > rest.size()) return false;
    bytes = rest.substr(0, static_cast<std::size_t>(length));
    rest.remove_prefix(bytes.size());
    return true;
  }
};

std::string_view beside(std::string_view name) {
  if (name.starts_with("./")) name.remove_prefix(2);
  return name;
}

}  // namespace

OnnxIndex::OnnxIndex(std::string name, std::uint64_t size) {
  files_.push_back({std::move(name), size});
  ends_[0] = size;
  if (size == 0) stop("empty");
}

void OnnxIndex::external(std::string name, std::uint64_t size) { files_.push_back({std::move(name), size}); }

std::optional<std::uint64_t> OnnxIndex::next() const {
  if (whole_ || !fault_.empty()) return std::nullopt;
  return position_;
}

void OnnxIndex::stop(const char* what) {
  if (!fault_.empty()) return;
  fault_ = text::joined(files_.front().name, " is no model: ", what, ".");
  model_ = graph_ = tensor_ = {};
  initializers_ = {};
  weight_bytes_ = 0;
}

std::string& OnnxIndex::kept() {
  return level_ == Level::kModel ? model_ : level_ == Level::kGraph ? graph_ : tensor_;
}

void OnnxIndex::add(std::span<const std::uint8_t> bytes) {
  if (bytes.empty() && next()) stop("cut off");
  while (!bytes.empty() && next()) {
    if (step_ == Step::kPayload) {
      const std::uint64_t left = std::min<std::uint64_t>(payload_, bytes.size());
      const auto part = static_cast<std::size_t>(left);
      kept().append(reinterpret_cast<const char*>(bytes.data()), part);
      bytes = bytes.subspan(part);
      position_ += left;
      payload_ -= left;
      if (payload_ == 0) step_ = Step::kKey;
    } else {
      ++position_;
      const std::uint64_t before = position_;
      byte(bytes.front());
      const std::uint64_t stepped_over = position_ - before;
      bytes = bytes.subspan(1);
      bytes = bytes.subspan(static_cast<std::size_t>(std::min<std::uint64_t>(stepped_over, bytes.size())));
    }
    if (model_.size() + graph_.size() + tensor_.size() > kMaxGraph) stop("too large a graph");
    close_levels();
  }
}

void OnnxIndex::byte(std::uint8_t value) {
  head_ += static_cast<char>(value);
  number_ |= std::uint64_t{value & 0x7fU} << shift_;
  if (value < 0x80) {
    shift_ = 0;
    varint_read();
    number_ = 0;
  } else if ((shift_ += 7) >= 64) {
    stop("too long a number");
  }
}

void OnnxIndex::varint_read() {
  if (step_ == Step::kKey) return key_read();
  if (step_ == Step::kLength) return length_read();
  if (level_ == Level::kTensor && field_ == kTensorType) is_float_ = number_ == kTypeFloat;
  kept() += std::exchange(head_, {});
  step_ = Step::kKey;
}

void OnnxIndex::key_read() {
  field_ = number_ >> 3U;
  switch (number_ & 7U) {
    case kVarint:
      step_ = Step::kValue;
      return;
    case kDelimited:
      step_ = Step::kLength;
      return;
    case kFixed64:
    case kFixed32:
      payload_ = (number_ & 7U) == kFixed64 ? 8 : 4;
      if (payload_ > end() - position_) return stop("cut off");
      kept() += std::exchange(head_, {});
      step_ = Step::kPayload;
      return;
    default:
      stop("not encoded as one");
  }
}

void OnnxIndex::length_read() {
  const std::uint64_t length = number_;
  if (length > end() - position_) return stop("a part longer than the whole");
  step_ = Step::kKey;
  const auto open = [&](Level level) {
    level_ = level;
    ends_[static_cast<std::size_t>(level)] = position_ + length;
    head_.clear();
  };
  if (level_ == Level::kModel && field_ == kModelGraph) {
    if (std::exchange(has_graph_, true)) return stop("two graphs");
    return open(Level::kGraph);
  }
  if (level_ == Level::kGraph && field_ == kGraphInitializer) {
    is_float_ = false;
    data_.reset();
    return open(Level::kTensor);
  }
  // Numbers that are packed as varints have no place of their own in the file; floats have.
  const bool weights = field_ == kTensorRaw || (field_ == kTensorFloats && is_float_);
  if (level_ == Level::kTensor && weights && length >= kMinExternal) {
    if (data_) return stop("values twice");
    data_ = position_;
    data_length_ = length;
    position_ += length;
    head_.clear();
    return;
  }
  kept() += std::exchange(head_, {});
  payload_ = length;
  if (length > 0) step_ = Step::kPayload;
}

void OnnxIndex::close_levels() {
  while (fault_.empty() && position_ == end() && !whole_) {
    if (step_ != Step::kKey || !head_.empty()) return stop("cut off");
    switch (level_) {
      case Level::kTensor:
        level_ = Level::kGraph;
        finish_tensor();
        break;
      case Level::kGraph:
        level_ = Level::kModel;
        break;
      case Level::kModel:
        if (!has_graph_) return stop("no graph");
        append_varint(model_, kModelGraph << 3U | kDelimited);
        append_varint(model_, graph_.size());
        graph_.insert(0, std::exchange(model_, {}));
        whole_ = true;
        break;
    }
  }
}

// What the tensor was read as becomes a field of the graph.
void OnnxIndex::finish_tensor() {
  Initializer found;
  bool external = false;
  std::optional<std::uint64_t> offset = 0;
  std::optional<std::uint64_t> length;
  std::string_view location;
  bool unreadable = false;
  Fields tensor{tensor_};
  while (tensor.next()) {
    if (tensor.field == kTensorName) found.name = tensor.bytes;
    if (tensor.field == kTensorLocation) external = tensor.number == 1;
    if (tensor.field != kTensorExternal) continue;
    std::string_view key;
    std::string_view value;
    for (Fields entry{tensor.bytes}; entry.next();) (entry.field == 1 ? key : value) = entry.bytes;
    if (key == "location") location = beside(value);
    if (key == "offset") offset = text::parse_uint(value);
    if (key == "length") length = text::parse_uint(value);
    if (key == "length" && !length) unreadable = true;
  }
  if (data_) {
    if (external) return stop("values twice");
    found.offset = *data_;
    found.length = data_length_;
    append_entry(tensor_, "location", files_.front().name);
    append_entry(tensor_, "offset", text::joined(found.offset));
    append_entry(tensor_, "length", text::joined(found.length));
    append_varint(tensor_, kTensorLocation << 3U | kVarint);
    append_varint(tensor_, 1);
  } else if (external) {
    const auto file =
        std::find_if(files_.begin() + 1, files_.end(), [&](const File& one) { return one.name == location; });
    if (file == files_.end()) return stop("weights in a file that is not there");
    if (unreadable || !offset || *offset > file->size || length.value_or(0) > file->size - *offset)
      return stop("weights outside their file");
    found.file = static_cast<std::size_t>(file - files_.begin());
    found.offset = *offset;
    found.length = length.value_or(file->size - *offset);
  }
  append_field(graph_, kGraphInitializer, std::exchange(tensor_, {}));
  if (!data_ && !external) return;
  if (initializers_.size() >= kMaxInitializers) return stop("too many tensors");
  weight_bytes_ = saturating_add(weight_bytes_, found.length);
  initializers_.push_back(std::move(found));
}

}  // namespace candor
