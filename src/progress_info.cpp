#include "candor/progress_info.hpp"

#include <cmath>
#include <utility>

#include "candor/bytes.hpp"
#include "json.hpp"

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
  if (status == "initiate") return Kind::initiate;
  if (status == "download") return Kind::download;
  if (status == "progress") return Kind::progress;
  if (status == "progress_total") return Kind::progress_total;
  if (status == "done") return Kind::done;
  if (status == "ready") return Kind::ready;
  return Kind::unknown;
}

RawNumber raw_number(const json::Value* value) {
  if (value == nullptr) return {};
  if (value->is_number()) return value->get<double>();
  if (value->is_string()) return value->get_ref<const std::string&>();
  return {};
}

template <typename T>
json::Value or_null(const std::optional<T>& value) {
  return value ? json::Value(*value) : json::Value(nullptr);
}

json::Value eta_json(const EtaDisplay& eta) {
  return {{"kind", to_string(eta.kind)}, {"low", eta.low}, {"high", eta.high}};
}

json::Value info_json(const ProgressInfo& info) {
  return {{"status", to_string(info.status)},
          {"name", info.name},
          {"file", info.file},
          {"progress", or_null(info.progress)},
          {"loaded", info.loaded},
          {"total", or_null(info.total)},
          {"speed", or_null(info.speed)},
          {"timeRemaining", or_null(info.time_remaining)},
          {"etaLow", or_null(info.eta_low)},
          {"etaHigh", or_null(info.eta_high)},
          {"stalledFor", info.stalled_for},
          {"network", info.network},
          {"cached", info.cached},
          {"verified", info.verified},
          {"discarded", info.discarded},
          {"fromCache", info.from_cache},
          {"error", or_null(info.error)}};
}

void add_display(json::Value& out, const EtaDisplay& eta, const Sparkline& sparkline) {
  out["eta"] = eta_json(eta);
  out["throughput"] = sparkline.bytes_per_second;
  out["secondsPerPoint"] = sparkline.seconds_per_point;
}

}  // namespace

std::string_view to_string(ProgressStatus status) {
  switch (status) {
    case ProgressStatus::initiate:
      return "initiate";
    case ProgressStatus::download:
      return "download";
    case ProgressStatus::paused:
      return "paused";
    case ProgressStatus::loading:
      return "loading";
    case ProgressStatus::done:
      return "done";
    case ProgressStatus::ready:
      return "ready";
    case ProgressStatus::failed:
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
  if (!value || !value->is_object()) return {};
  RawEvent raw;
  raw.status = json::string_at(*value, "status").value_or("");
  raw.name = json::string_at(*value, "name").value_or("");
  raw.file = json::string_at(*value, "file").value_or("");
  raw.progress = raw_number(json::find(*value, "progress"));
  raw.loaded = raw_number(json::find(*value, "loaded"));
  raw.total = raw_number(json::find(*value, "total"));
  raw.cached = json::bool_at(*value, "cached");
  const json::Value* files = json::find(*value, "files");
  if (files != nullptr && files->is_object()) {
    for (const auto& [file, counts] : files->items()) {
      raw.files.push_back(
          {file, raw_number(json::find(counts, "loaded")), raw_number(json::find(counts, "total"))});
    }
  }
  return parse(raw);
}

std::string to_json(const ProgressInfo& info) {
  json::Value out = info_json(info);
  add_display(out, info.eta_display, info.sparkline);
  return json::dump(out);
}

std::string to_json(const AggregateProgressInfo& info) {
  json::Value out = {{"status", to_string(info.status)},
                     {"overallProgress", or_null(info.overall_progress)},
                     {"filesCompleted", info.files_completed},
                     {"totalFiles", info.total_files},
                     {"currentFile", info.current_file},
                     {"totalDownloaded", info.total_downloaded},
                     {"totalSize", or_null(info.total_size)},
                     {"speed", or_null(info.speed)},
                     {"timeRemaining", or_null(info.time_remaining)},
                     {"etaLow", or_null(info.eta_low)},
                     {"etaHigh", or_null(info.eta_high)},
                     {"stalledFor", info.stalled_for},
                     {"network", info.network},
                     {"cached", info.cached},
                     {"verified", info.verified},
                     {"discarded", info.discarded},
                     {"error", or_null(info.error)}};
  add_display(out, info.eta_display, info.sparkline);
  json::Value files = json::Value::array();
  for (const ProgressInfo& file : info.files) files.push_back(info_json(file));
  out["files"] = std::move(files);
  return json::dump(out);
}

}  // namespace candor
