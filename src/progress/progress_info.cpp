#include "candor/progress/progress_info.hpp"

#include <cmath>
#include <utility>

#include "candor/base/bytes.hpp"
#include "progress/progress_fields.hpp"

namespace candor {
namespace {

// A decimal number and nothing else. Hand-written, because strtod follows the locale and floating-point
// from_chars is missing in Emscripten's older libc++.
std::optional<double> decimal(std::string_view text) {
  constexpr std::size_t kMaxDigits = 32;
  if (text.empty() || text.size() > kMaxDigits) return std::nullopt;
  double value = 0;
  double scale = 0;  // 0 before the point, then 0.1, 0.01, ...
  bool digits = false;
  for (const char c : text) {
    if (c >= '0' && c <= '9') {
      digits = true;
      const double digit = c - '0';
      if (scale > 0) {
        value += digit * scale;
        scale /= 10;
      } else {
        value = value * 10 + digit;
      }
    } else if (c == '.' && scale == 0) {
      scale = 0.1;
    } else {
      return std::nullopt;
    }
  }
  if (!digits) return std::nullopt;
  return value;
}

std::optional<std::uint64_t> parse_total(const RawNumber& raw) {
  auto total = parse_bytes(raw);
  if (total && *total == 0) total.reset();
  return total;
}

TransformersEvent::Kind kind_of(std::string_view status) {
  using Kind = TransformersEvent::Kind;
  if (status == "initiate") return Kind::kInitiate;
  if (status == "download") return Kind::kDownload;
  if (status == "progress") return Kind::kProgress;
  if (status == "progress_total") return Kind::kProgressTotal;
  if (status == "done") return Kind::kDone;
  if (status == "ready") return Kind::kReady;
  return Kind::kUnknown;
}

RawNumber raw_number(const json::Value* value) {
  if (value == nullptr) return {};
  if (value->is(json::Value::Kind::kNumber)) return value->number;
  if (value->is(json::Value::Kind::kString)) return value->text;
  return {};
}

}  // namespace

std::string_view to_string(ProgressStatus status) {
  switch (status) {
    case ProgressStatus::kInitiate:
      return "initiate";
    case ProgressStatus::kDownload:
      return "download";
    case ProgressStatus::kPaused:
      return "paused";
    case ProgressStatus::kLoading:
      return "loading";
    case ProgressStatus::kDone:
      return "done";
    case ProgressStatus::kReady:
      return "ready";
    case ProgressStatus::kFailed:
      return "failed";
  }
  return "initiate";
}

std::optional<double> parse_number(const RawNumber& raw) {
  std::optional<double> value;
  if (const auto* number = std::get_if<double>(&raw)) value = *number;
  if (const auto* text = std::get_if<std::string>(&raw)) value = decimal(*text);
  if (!value || !std::isfinite(*value) || *value < 0) return std::nullopt;
  return value;
}

std::optional<std::uint64_t> parse_bytes(const RawNumber& raw) {
  const auto number = parse_number(raw);
  return number ? bytes_from_double(*number) : std::nullopt;
}

TransformersEvent TransformersEvent::parse(const RawEvent& raw) {
  TransformersEvent event;
  event.kind = kind_of(raw.status);
  event.name = raw.name;
  event.file = raw.file.empty() ? raw.name : raw.file;
  if (event.file.empty()) event.file = "unknown";
  event.progress = parse_number(raw.progress);
  event.loaded = parse_bytes(raw.loaded);
  event.total = parse_total(raw.total);
  event.cached = raw.cached;
  event.files.reserve(raw.files.size());
  for (const RawEvent::File& file : raw.files) {
    if (!file.file.empty())
      event.files.push_back({file.file, parse_bytes(file.loaded), parse_total(file.total)});
  }
  return event;
}

TransformersEvent TransformersEvent::from_json(std::string_view text) {
  const auto value = json::parse(text, {.max_bytes = 4U << 20U, .max_depth = 16});
  if (!value || !value->is(json::Value::Kind::kObject)) return {};
  RawEvent raw;
  raw.status = json::text_at(*value, "status");
  raw.name = json::text_at(*value, "name");
  raw.file = json::text_at(*value, "file");
  raw.progress = raw_number(json::find(*value, "progress"));
  raw.loaded = raw_number(json::find(*value, "loaded"));
  raw.total = raw_number(json::find(*value, "total"));
  raw.cached = json::bool_at(*value, "cached");
  const auto files = json::items_at(*value, "files", json::Value::Kind::kObject);
  raw.files = std::vector<RawEvent::File>(files.size());
  for (std::size_t i = 0; i < files.size(); ++i) {
    raw.files[i].file = files[i].name;
    raw.files[i].loaded = raw_number(json::find(files[i], "loaded"));
    raw.files[i].total = raw_number(json::find(files[i], "total"));
  }
  return parse(raw);
}

std::string to_json(const ProgressInfo& info) { return json::text_from(info); }

std::string to_json(const AggregateProgressInfo& info) { return json::text_from(info); }

}  // namespace candor
