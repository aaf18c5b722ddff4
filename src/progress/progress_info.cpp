#include "candor/progress/progress_info.hpp"

#include <cmath>
#include <utility>

#include "base/json.hpp"
#include "candor/base/bytes.hpp"

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

template <typename Info>
void add_uncertainty(json::Object& out, const Info& info) {
  out.add("etaLow", info.eta_low).add("etaHigh", info.eta_high).add("stalledFor", info.stalled_for);
}

template <typename Info>
void add_counts(json::Object& out, const Info& info) {
  out.add("network", info.network)
      .add("cached", info.cached)
      .add("verified", info.verified)
      .add("discarded", info.discarded);
}

/// A row of an aggregate: what is known of one file alone.
json::Object row_object(const ProgressInfo& info) {
  json::Object out;
  out.add("status", to_string(info.status))
      .add("name", info.name)
      .add("file", info.file)
      .add("progress", info.progress)
      .add("loaded", info.loaded)
      .add("total", info.total)
      .add("speed", info.speed)
      .add("timeRemaining", info.time_remaining);
  add_counts(out, info);
  out.add("fromCache", info.from_cache);
  return out;
}

void add_display(json::Object& out, const EtaDisplay& eta, const Sparkline& sparkline) {
  out.add("eta",
          json::Object().add("kind", to_string(eta.kind)).add("low", eta.low).add("high", eta.high).text())
      .add("throughput", json::array_of(sparkline.bytes_per_second))
      .add("secondsPerPoint", sparkline.seconds_per_point);
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

std::string to_json(const ProgressInfo& info) {
  json::Object out = row_object(info);
  add_uncertainty(out, info);
  out.add("error", info.error);
  add_display(out, info.eta_display, info.sparkline);
  return out.text().json;
}

std::string to_json(const AggregateProgressInfo& info) {
  json::Object out;
  out.add("status", to_string(info.status))
      .add("overallProgress", info.overall_progress)
      .add("filesCompleted", info.files_completed)
      .add("totalFiles", info.total_files)
      .add("currentFile", info.current_file)
      .add("totalDownloaded", info.total_downloaded)
      .add("totalSize", info.total_size)
      .add("speed", info.speed)
      .add("timeRemaining", info.time_remaining);
  add_uncertainty(out, info);
  add_counts(out, info);
  out.add("error", info.error);
  add_display(out, info.eta_display, info.sparkline);
  out.add("files",
          json::array_of(info.files, [](const ProgressInfo& file) { return row_object(file).text(); }));
  return out.text().json;
}

}  // namespace candor
