#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "wire/names.hpp"

/// What bindings.d.ts calls CoreEvent and DeviceFacts.
namespace candor {

namespace wire {

/// One of a few codes. What is none of them leaves the default.
template <typename T, std::size_t N>
struct Among {
  T& code;
  std::array<ErrorCode, N> allowed;
};
template <typename T, std::size_t N>
Among<T, N> among(T& code, const ErrorCode (&allowed)[N]) {
  return {code, std::to_array(allowed)};
}
template <typename T, std::size_t N>
bool read_json(const json::Value* value, Among<T, N>& out) {
  ErrorCode code{};
  if (!json::Reader::read(value, code)) return false;
  const bool is_allowed = std::find(out.allowed.begin(), out.allowed.end(), code) != out.allowed.end();
  if (is_allowed) out.code = code;
  return is_allowed;
}

void fault_fields(auto& f, auto& fault) {
  f("kind", among(fault.kind, {ErrorCode::kUnsupported, ErrorCode::kIntegrity}));
  f("message", fault.message);
  f("file", fault.file);
  f("detail", fault.detail);
}

/// A status of HTTP: 0..999.
struct Status {
  int& status;
};
bool read_json(const json::Value* value, Status& out);

/// An object of texts.
struct Texts {
  std::vector<std::pair<std::string, std::string>>& texts;
};
bool read_json(const json::Value* value, Texts& out);

/// The text of a snapshot that another tab shows.
struct ShownElsewhere {
  event::Peer& peer;
};
bool read_json(const json::Value* value, ShownElsewhere& out);

/// What matters of that snapshot: some of its fields.
struct Shown {
  std::optional<LoadStatus> status;
  std::uint64_t total_downloaded = 0;
  std::optional<std::uint64_t> total_size;
  std::uint64_t verified = 0;
  std::optional<double> speed;
  std::optional<double> time_remaining;
  std::optional<double> eta_low;
  std::optional<double> eta_high;
  double stalled_for = 0;
};
void fields(auto& f, json::Of<Shown> auto& shown) {
  f("status", shown.status);
  f("totalDownloaded", shown.total_downloaded);
  f("totalSize", shown.total_size);
  f("verified", shown.verified);
  f("speed", shown.speed);
  f("timeRemaining", shown.time_remaining);
  f("etaLow", shown.eta_low);
  f("etaHigh", shown.eta_high);
  f("stalledFor", shown.stalled_for);
}

}  // namespace wire

/// DeviceFacts.
void fields(auto& f, json::Of<DeviceProfile> auto& device) {
  f("webgpu", device.webgpu);
  f("shaderF16", device.shader_f16);
  f("fallbackAdapter", device.fallback_adapter);
  f("maxBufferSize", device.max_buffer_size);
  f("maxStorageBufferBindingSize", device.max_storage_buffer_binding_size);
  f("subgroupMinSize", device.subgroup_min_size);
  f("adapter", device.adapter);
  f("deviceMemory", device.device_memory_gib);
  f("cores", device.cores);
  f("crossOriginIsolated", device.cross_origin_isolated);
  f("jspi", device.jspi);
  f("persistent", device.persistent);
  f("quota", device.quota);
  f("usage", device.usage);
  f("online", device.online);
}

namespace event {

using json::Of;

void fields(auto& f, Of<Load> auto&) { f.type("load"); }
void fields(auto& f, Of<Pause> auto&) { f.type("pause"); }
void fields(auto& f, Of<Resume> auto&) { f.type("resume"); }
void fields(auto& f, Of<Retry> auto&) { f.type("retry"); }
void fields(auto& f, Of<Cancel> auto&) { f.type("cancel"); }
void fields(auto& f, Of<Remove> auto& e) {
  f.type("remove");
  f("ticket", e.ticket);
}
void fields(auto& f, Of<Update> auto&) { f.type("update"); }
void fields(auto& f, Of<Dispose> auto&) { f.type("dispose"); }
void fields(auto& f, Of<Tick> auto&) { f.type("tick"); }
void fields(auto& f, Of<Online> auto&) { f.type("online"); }
void fields(auto& f, Of<Offline> auto&) { f.type("offline"); }
void fields(auto& f, Of<Locked> auto& e) {
  f.type("locked");
  f("visit", e.visit);
}
void fields(auto& f, Of<Busy> auto& e) {
  f.type("busy");
  f("visit", e.visit);
}
void fields(auto& f, Of<Peer> auto& e) {
  f.type("peer");
  f("visit", e.visit);
  f.required("text", wire::ShownElsewhere{e});
}
void fields(auto& f, Of<Probed> auto& e) {
  f.type("probed");
  f("visit", e.visit);
  f.required("device", e.device);
}
void fields(auto& f, Of<StoredFile> auto& file) {
  f.required("path", file.path);
  f.required("size", file.size);
}
void fields(auto& f, Of<Journal> auto& e) {
  f.type("journal");
  f("visit", e.visit);
  f("texts", e.texts);
  f("files", e.files);
}
void fields(auto& f, Of<Opened> auto& e) {
  f.type("opened");
  f("visit", e.visit);
  f.required("file", e.file);
  f.required("size", e.size);
}
void fields(auto& f, Of<Journaled> auto& e) {
  f.type("journaled");
  f("visit", e.visit);
}
void fields(auto& f, Of<StoreFailed> auto& e) {
  f.type("storeFailed");
  f("visit", e.visit);
  f("work", e.work);
  f("file", e.file);
  f("kind", wire::among(e.kind, {ErrorCode::kQuota, ErrorCode::kStorage}));
  f("message", e.message);
}
void fields(auto& f, Of<Removed> auto& e) {
  f.type("removed");
  f("visit", e.visit);
}
void fields(auto& f, Of<Head> auto& e) {
  f.type("head");
  f.required("request", e.request);
  f.required("status", wire::Status{e.status});
  f("redirected", e.redirected);
  f("headers", wire::Texts{e.headers});
}
void fields(auto& f, Of<Heard> auto& e) {
  f.type("heard");
  f.required("request", e.request);
}
void fields(auto& f, Of<Text> auto& e) {
  f.type("text");
  f.required("request", e.request);
  f("body", e.body);
}
void fields(auto& f, Of<End> auto& e) {
  f.type("end");
  f.required("request", e.request);
}
void fields(auto& f, Of<FetchFailed> auto& e) {
  f.type("fetchFailed");
  f.required("request", e.request);
  f("kind", wire::among(e.kind, {ErrorCode::kNetwork, ErrorCode::kAborted}));
  f("message", e.message);
}
void fields(auto& f, Of<SessionProgress> auto& e) {
  f.type("sessionProgress");
  f("session", e.session);
  f.required("stage", e.stage);
  f("loaded", e.loaded);
  f("total", e.total);
}
void fields(auto& f, Of<SessionReady> auto& e) {
  f.type("sessionReady");
  f("session", e.session);
}
void fields(auto& f, Of<SessionFailed> auto& e) {
  f.type("sessionFailed");
  f("session", e.session);
  wire::fault_fields(f, e.fault);
}
void fields(auto& f, Of<Examined> auto& e) {
  f.type("examined");
  f("examination", e.examination);
  wire::fault_fields(f, e.fault);
  f("external", e.external);
}
void fields(auto& f, Of<SessionLost> auto& e) {
  f.type("sessionLost");
  f("session", e.session);
  f("message", e.message);
}
void fields(auto& f, Of<Answered> auto& e) {
  f.type("answered");
  f("session", e.session);
  f("tokens", e.tokens);
  f("tokensPerSecond", e.tokens_per_second);
}
void fields(auto& f, Of<AnswerFailed> auto& e) {
  f.type("answerFailed");
  f("session", e.session);
  f.required("chat", e.chat);
  f("message", e.message);
}

}  // namespace event
}  // namespace candor
