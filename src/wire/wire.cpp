#include "wire/wire.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <span>
#include <utility>

#include "base/json.hpp"
#include "candor/base/bytes.hpp"

namespace candor::wire {
namespace {

using json::Value;

// --- reading ---

using json::text_at;
using Kind = Value::Kind;

bool flag_at(const Value& object, const char* key) { return json::bool_at(object, key).value_or(false); }

std::optional<std::uint32_t> u32_at(const Value& object, const char* key) {
  const auto number = json::uint_at(object, key);
  if (!number || *number > 0xFFFFFFFFULL) return std::nullopt;
  return static_cast<std::uint32_t>(*number);
}

Visit visit_at(const Value& object) { return u32_at(object, "visit").value_or(0); }
SessionId session_at(const Value& object) { return u32_at(object, "session").value_or(0); }

DeviceProfile read_device(const Value& value) {
  DeviceProfile device;
  device.webgpu = flag_at(value, "webgpu");
  device.shader_f16 = flag_at(value, "shaderF16");
  device.fallback_adapter = flag_at(value, "fallbackAdapter");
  device.max_buffer_size = json::uint_at(value, "maxBufferSize");
  device.max_storage_buffer_binding_size = json::uint_at(value, "maxStorageBufferBindingSize");
  device.adapter = text_at(value, "adapter");
  device.device_memory_gib = json::number_at(value, "deviceMemory");
  device.cores = u32_at(value, "cores");
  device.cross_origin_isolated = flag_at(value, "crossOriginIsolated");
  device.persistent = flag_at(value, "persistent");
  device.quota = json::uint_at(value, "quota");
  device.usage = json::uint_at(value, "usage");
  device.online = json::bool_at(value, "online").value_or(true);
  device.jspi = flag_at(value, "jspi");
  return device;
}

ErrorCode read_code(const Value& value, const char* key, std::initializer_list<ErrorCode> allowed,
                    ErrorCode fallback) {
  const std::string name = text_at(value, key);
  for (const ErrorCode code : allowed) {
    if (name == to_string(code)) return code;
  }
  return fallback;
}

event::StoreFailed::Work read_work(std::string_view name) {
  using Work = event::StoreFailed::Work;
  return name == "journal"   ? Work::kJournal
         : name == "remove"  ? Work::kRemove
         : name == "session" ? Work::kSession
                             : Work::kFile;
}

std::optional<Event> read_head(const Value& value) {
  const auto request = u32_at(value, "request");
  const auto status = json::uint_at(value, "status");
  if (!request || !status || *status > 999) return std::nullopt;
  event::Head head{*request, static_cast<int>(*status), flag_at(value, "redirected"), {}};
  for (const Value& header : json::items_at(value, "headers", Kind::kObject)) {
    if (header.is(Kind::kString)) head.headers.emplace_back(header.name, header.text);
  }
  return head;
}

event::Journal read_journal(const Value& value) {
  event::Journal journal;
  journal.visit = visit_at(value);
  const auto texts = json::items_at(value, "texts");
  for (std::size_t i = 0; i < std::min(texts.size(), journal.texts.size()); ++i)
    if (texts[i].is(Kind::kString)) journal.texts[i] = texts[i].text;
  for (const Value& file : json::items_at(value, "files")) {
    const auto path = json::string_at(file, "path");
    const auto size = json::uint_at(file, "size");
    if (path && size) journal.files.push_back({*path, *size});
  }
  return journal;
}

// Of another tab, which may be of another version of this program, or none of ours.
std::optional<Event> read_peer(const Value& value) {
  const auto shown = json::parse(text_at(value, "text"));
  if (!shown) return std::nullopt;
  event::Peer peer;
  peer.visit = visit_at(value);
  peer.on_disk = json::uint_at(*shown, "totalDownloaded").value_or(0);
  peer.verified = json::uint_at(*shown, "verified").value_or(0);
  peer.total = json::uint_at(*shown, "totalSize");
  peer.speed = json::amount_at(*shown, "speed");
  peer.stalled_for = json::amount_at(*shown, "stalledFor").value_or(0);
  const std::string status = text_at(*shown, "status");
  peer.stopped = status == "paused" || status == "failed";
  if (const auto seconds = json::amount_at(*shown, "timeRemaining")) {
    peer.eta = EtaEstimate{*seconds, std::min(json::amount_at(*shown, "etaLow").value_or(*seconds), *seconds),
                           std::max(json::amount_at(*shown, "etaHigh").value_or(*seconds), *seconds)};
  }
  return peer;
}

std::optional<Event> read_session_progress(const Value& value) {
  constexpr std::array<std::string_view, 4> kStages{"runtime", "create", "upload", "warmup"};
  const std::string stage = text_at(value, "stage");
  for (std::size_t i = 0; i < kStages.size(); ++i) {
    if (stage != kStages[i]) continue;
    return event::SessionProgress{session_at(value), static_cast<event::SessionStage>(i),
                                  json::uint_at(value, "loaded").value_or(0), json::uint_at(value, "total")};
  }
  return std::nullopt;
}

template <typename T>
std::optional<Event> with_request(const Value& value, T event) {
  const auto request = u32_at(value, "request");
  if (!request) return std::nullopt;
  event.request = *request;
  return event;
}

// Any of these is one token or several.
std::vector<TokenId> read_tokens(const Value* value) {
  std::vector<TokenId> tokens;
  const auto add = [&](const Value& one) {
    const auto token = json::as_uint(one);
    if (token && *token <= 0xFFFFFFFFULL) tokens.push_back(static_cast<TokenId>(*token));
  };
  if (value != nullptr && value->is(Kind::kArray)) {
    for (const Value& one : value->items) add(one);
  } else if (value != nullptr) {
    add(*value);
  }
  return tokens;
}

std::vector<TensorDescription> read_tensors(std::span<const Value> values) {
  std::vector<TensorDescription> tensors(values.size());
  for (std::size_t i = 0; i < values.size(); ++i) {
    TensorDescription& tensor = tensors[i];
    tensor.name = text_at(values[i], "name");
    tensor.type = text_at(values[i], "type");
    const std::span<const Value> shape = json::items_at(values[i], "shape");
    tensor.shape = std::vector<std::optional<std::uint64_t>>(shape.size());
    std::transform(shape.begin(), shape.end(), tensor.shape.begin(), json::as_uint);
  }
  return tensors;
}

ModelShape read_shape(const Value& config) {
  ModelShape shape;
  shape.model_type = text_at(config, "model_type");
  shape.layers = json::uint_at(config, "num_hidden_layers");
  const auto heads = json::uint_at(config, "num_attention_heads");
  shape.kv_heads = json::uint_at(config, "num_key_value_heads");
  if (!shape.kv_heads) shape.kv_heads = heads;
  shape.head_dim = json::uint_at(config, "head_dim");
  const auto hidden = json::uint_at(config, "hidden_size");
  if (!shape.head_dim && hidden && heads && *heads > 0) shape.head_dim = *hidden / *heads;
  shape.context_length = json::uint_at(config, "max_position_embeddings");
  if (!shape.context_length) shape.context_length = json::uint_at(config, "n_positions");
  shape.vocabulary = json::uint_at(config, "vocab_size");
  return shape;
}

// --- writing ---

using json::Object;
using json::Text;

Text error_text(const Error& error, std::uint64_t kept, std::optional<double> retry_in) {
  return Object()
      .add("code", to_string(error.code))
      .add("message", error.message)
      .add("retryable", error.retryable)
      .add("kept", kept)
      .add("detail", error.detail)
      .add("retryIn", retry_in)
      .text();
}

Text file_text(const SnapshotFile& file, const std::string& name) {
  return Object()
      .add("status", to_string(file.status))
      .add("name", name)
      .add("file", file.file)
      .add("progress", file.progress)
      .add("loaded", file.loaded)
      .add("total", file.total)
      .add("cached", file.cached)
      .add("speed", file.speed)
      .add("timeRemaining", file.time_remaining)
      .text();
}

Text snapshot_text(const Snapshot& shown) {
  Object out;
  out.add("modelKey", shown.model_key)
      .add("modelName", shown.model_name)
      .add("status", to_string(shown.status))
      .add("phase", shown.phase ? std::optional(to_string(*shown.phase)) : std::nullopt)
      .add("progress", shown.progress)
      .add("totalDownloaded", shown.total_downloaded)
      .add("totalSize", shown.total_size)
      .add("network", shown.network)
      .add("cached", shown.cached)
      .add("verified", shown.verified)
      .add("resident", shown.resident)
      .add("speed", shown.speed)
      .add("timeRemaining", shown.time_remaining)
      .add("etaLow", shown.eta_low)
      .add("etaHigh", shown.eta_high)
      .add("eta", Object()
                      .add("kind", to_string(shown.eta.kind))
                      .add("low", shown.eta.low)
                      .add("high", shown.eta.high)
                      .text())
      .add("stalledFor", shown.stalled_for)
      .add("phaseElapsed", shown.phase_elapsed)
      .add("phaseLastTime", shown.phase_last_time)
      .add("discarded", shown.discarded)
      .add("discardedReason", shown.discarded_reason)
      .add("filesCompleted", shown.files_completed)
      .add("totalFiles", shown.total_files)
      .add("currentFile", shown.current_file)
      .add("files",
           json::array_of(shown.files,
                          [&](const SnapshotFile& file) { return file_text(file, shown.model_name); }))
      .add("throughput", json::array_of(shown.throughput));
  if (shown.variant) {
    out.add("variant", Object()
                           .add("dtype", shown.variant->dtype)
                           .add("executionProvider", to_string(shown.variant->execution_provider))
                           .add("reason", shown.variant->reason)
                           .text());
  } else {
    out.add("variant", nullptr);
  }
  if (shown.newer) {
    out.add("newer", Object().add("bytes", shown.newer->bytes).text());
  } else {
    out.add("newer", nullptr);
  }
  out.add("persistent", shown.persistent)
      .add("elsewhere", shown.elsewhere)
      .add("attempt", shown.attempt)
      .add("maxAttempts", shown.max_attempts);
  if (shown.error) {
    out.add("error", error_text(shown.error->error, shown.error->kept, shown.error->retry_in));
  } else {
    out.add("error", nullptr);
  }
  return out
      .add("can", Object()
                      .add("pause", shown.can.pause)
                      .add("resume", shown.can.resume)
                      .add("cancel", shown.can.cancel)
                      .add("retry", shown.can.retry)
                      .add("remove", shown.can.remove)
                      .add("update", shown.can.update)
                      .text())
      .add("goesOn", shown.goes_on)
      .add("startTime", shown.start_time)
      .add("lastUpdate", shown.last_update)
      .text();
}

Text plan_text(const SessionPlan& plan) {
  return Object()
      .add("executionProvider", to_string(plan.execution_provider))
      .add("dtype", plan.dtype)
      .add("graph", plan.graph)
      .add("externalData", json::array_of(plan.external_data))
      .add("config", plan.config)
      .add("generationConfig", plan.generation_config)
      .add("tokenizer", plan.tokenizer)
      .add("tokenizerConfig", plan.tokenizer_config)
      .add("chatTemplate", plan.chat_template)
      .add("threads", plan.threads)
      .add("runtime", to_string(plan.runtime))
      .text();
}

struct ActionWriter {
  Text operator()(const action::Probe& a) const { return named("probe").add("visit", a.visit).text(); }
  Text operator()(const action::Lock& a) const {
    return named("lock").add("visit", a.visit).add("folder", a.folder).add("toRemove", a.to_remove).text();
  }
  Text operator()(const action::Share&) const { return named("share").text(); }
  Text operator()(const action::Unlock&) const { return named("unlock").text(); }
  Text operator()(const action::ReadJournal&) const { return named("readJournal").text(); }
  Text operator()(const action::UseFolder& a) const {
    return named("useFolder").add("visit", a.visit).add("folder", a.folder).text();
  }
  Text operator()(const action::Fetch& a) const {
    Object out = named("fetch");
    out.add("request", a.request).add("url", a.url);
    if (a.range) {
      const auto last = a.range->last;
      out.add("range", json::Array()
                           .add(json::text_of(a.range->first))
                           .add(last ? json::text_of(*last) : Text{"null"})
                           .text());
    } else {
      out.add("range", nullptr);
    }
    return out.add("body", a.body == action::Body::kText ? "text" : "stream").add("limit", a.limit).text();
  }
  Text operator()(const action::Accept& a) const {
    return named("accept")
        .add("request", a.request)
        .add("file", a.file)
        .add("offset", a.offset)
        .add("length", a.length)
        .text();
  }
  Text operator()(const action::Abort& a) const { return named("abort").add("request", a.request).text(); }
  Text operator()(const action::Open& a) const {
    return named("open").add("file", a.file).add("path", a.path).text();
  }
  Text operator()(const action::Truncate& a) const {
    return named("truncate").add("file", a.file).add("size", a.size).text();
  }
  Text operator()(const action::Read& a) const {
    return named("read").add("file", a.file).add("offset", a.offset).add("length", a.length).text();
  }
  Text operator()(const action::Close& a) const { return named("close").add("file", a.file).text(); }
  Text operator()(const action::WriteJournal& a) const {
    return named("writeJournal").add("slot", a.slot).add("text", a.text).text();
  }
  Text operator()(const action::RemoveFolder&) const { return named("removeFolder").text(); }
  Text operator()(const action::Persist& a) const {
    return named("persist").add("key", a.key).add("json", a.json).text();
  }
  Text operator()(const action::Unpersist& a) const { return named("unpersist").add("key", a.key).text(); }
  Text operator()(const action::CreateSession& a) const {
    return named("createSession").add("session", a.session).add("plan", plan_text(a.plan)).text();
  }
  Text operator()(const action::CloseSession&) const { return named("closeSession").text(); }
  Text operator()(const action::RejectChat& a) const {
    return named("rejectChat").add("chat", a.chat).add("error", error_text(a.error, 0, std::nullopt)).text();
  }
  Text operator()(const action::Done& a) const {
    Object out = named("done");
    out.add("ticket", a.ticket);
    if (a.error) return out.add("error", error_text(*a.error, 0, std::nullopt)).text();
    return out.add("error", nullptr).text();
  }
  Text operator()(const action::Publish& a) const {
    return named("publish").add("snapshot", snapshot_text(a.snapshot)).text();
  }

 private:
  static Object named(const char* type) {
    Object out;
    out.add("type", type);
    return out;
  }
};

struct StepWriter {
  Text operator()(const step::Run& s) const {
    return Object()
        .add("type", "run")
        .add("inputIds", json::array_of(s.input_ids))
        .add("pastLength", s.past_length)
        .add("positionIds", s.position_ids)
        .add("first", s.first)
        .text();
  }
  Text operator()(const step::Decode& s) const {
    return Object().add("type", "decode").add("ids", json::array_of(s.ids)).text();
  }
  Text operator()(const step::Piece& s) const {
    return Object().add("type", "piece").add("text", s.text).text();
  }
  Text operator()(const step::Finish& s) const {
    return Object()
        .add("type", "finish")
        .add("reason", to_string(s.reason))
        .add("tokens", s.ids.size())
        .add("ids", json::array_of(s.ids))
        .add("text", s.text)
        .text();
  }
  Text operator()(const step::Failed& s) const {
    return Object().add("type", "error").add("error", error_text(s.error, 0, std::nullopt)).text();
  }
};

}  // namespace

std::optional<Event> parse_event(std::string_view text) {
  const auto parsed = json::parse(text);
  if (!parsed) return std::nullopt;
  const Value& value = *parsed;
  const std::string type = text_at(value, "type");
  if (type == "load") return event::Load{};
  if (type == "pause") return event::Pause{};
  if (type == "resume") return event::Resume{};
  if (type == "retry") return event::Retry{};
  if (type == "cancel") return event::Cancel{};
  if (type == "remove") return event::Remove{u32_at(value, "ticket").value_or(0)};
  if (type == "update") return event::Update{};
  if (type == "dispose") return event::Dispose{};
  if (type == "tick") return event::Tick{};
  if (type == "online") return event::Online{};
  if (type == "offline") return event::Offline{};
  if (type == "removed") return event::Removed{visit_at(value)};
  if (type == "locked") return event::Locked{visit_at(value)};
  if (type == "busy") return event::Busy{visit_at(value)};
  if (type == "peer") return read_peer(value);
  if (type == "probed") {
    const Value* device = json::find(value, "device", Kind::kObject);
    if (device == nullptr) return std::nullopt;
    return event::Probed{visit_at(value), read_device(*device)};
  }
  if (type == "journal") return read_journal(value);
  if (type == "opened") {
    const auto file = u32_at(value, "file");
    const auto size = json::uint_at(value, "size");
    if (!file || !size) return std::nullopt;
    return event::Opened{visit_at(value), *file, *size};
  }
  if (type == "journaled") return event::Journaled{visit_at(value)};
  if (type == "storeFailed") {
    return event::StoreFailed{visit_at(value), read_work(text_at(value, "work")), u32_at(value, "file"),
                              read_code(value, "kind", {ErrorCode::kQuota}, ErrorCode::kStorage),
                              text_at(value, "message")};
  }
  if (type == "head") return read_head(value);
  if (type == "heard") return with_request(value, event::Heard{});
  if (type == "text") return with_request(value, event::Text{0, text_at(value, "body")});
  if (type == "end") return with_request(value, event::End{});
  if (type == "fetchFailed") {
    return with_request(
        value, event::FetchFailed{0, read_code(value, "kind", {ErrorCode::kAborted}, ErrorCode::kNetwork),
                                  text_at(value, "message")});
  }
  if (type == "sessionProgress") return read_session_progress(value);
  if (type == "sessionReady") return event::SessionReady{session_at(value)};
  if (type == "sessionFailed") {
    event::SessionFailed failed{session_at(value), std::nullopt, text_at(value, "message")};
    const std::string kind = text_at(value, "kind");
    for (const ErrorCode code : {ErrorCode::kUnsupported, ErrorCode::kIntegrity})
      if (kind == to_string(code)) failed.kind = code;
    return failed;
  }
  if (type == "sessionLost") return event::SessionLost{session_at(value), text_at(value, "message")};
  if (type == "answerFailed") {
    const auto chat = u32_at(value, "chat");
    if (!chat) return std::nullopt;
    return event::AnswerFailed{session_at(value), *chat, text_at(value, "message")};
  }
  return std::nullopt;
}

std::optional<ModelConfig> parse_model_config(std::string_view text) {
  const auto parsed = json::parse(text);
  if (!parsed) return std::nullopt;
  const Value& value = *parsed;
  ModelConfig config;
  config.model_key = text_at(value, "modelKey");
  config.model_name = text_at(value, "modelName");
  config.source.repo = text_at(value, "repo");
  if (config.model_key.empty() || config.source.repo.empty()) return std::nullopt;
  if (config.model_name.empty()) config.model_name = config.model_key;
  if (auto revision = json::string_at(value, "revision")) config.source.revision = std::move(*revision);
  if (auto host = json::string_at(value, "host")) config.source.host = std::move(*host);
  const Value* dtype = json::find(value, "dtype");
  // What is no text is no dtype; the plan says so.
  const auto dtype_of = [](const Value& name) { return name.is(Kind::kString) ? name.text : "?"; };
  if (dtype != nullptr && dtype->is(Kind::kObject)) {
    for (const Value& name : dtype->items)
      config.variant.dtype.by_component.emplace_back(name.name, dtype_of(name));
  } else if (dtype != nullptr && !dtype->is(Kind::kNull)) {
    config.variant.dtype.all = dtype_of(*dtype);
  }
  const std::string provider = text_at(value, "executionProvider");
  if (provider == "webgpu") config.variant.execution_provider = ExecutionProvider::kWebGpu;
  if (provider == "wasm") config.variant.execution_provider = ExecutionProvider::kWasm;
  const std::string revalidate = text_at(value, "revalidate");
  if (revalidate == "never") config.revalidate = Revalidate::kNever;
  if (revalidate == "background") config.revalidate = Revalidate::kBackground;
  if (revalidate == "before-load") config.revalidate = Revalidate::kBeforeLoad;
  config.record = json::string_at(value, "record");
  config.timings = json::string_at(value, "timings");
  config.seed = json::uint_at(value, "seed").value_or(0);
  return config;
}

std::optional<GraphDescription> parse_graph(std::string_view text) {
  const auto parsed = json::parse(text);
  if (!parsed || !parsed->is(Kind::kObject)) return std::nullopt;
  const Value nothing;
  const Value* config = json::find(*parsed, "config", Kind::kObject);
  const Value* generation = json::find(*parsed, "generationConfig", Kind::kObject);
  if (config == nullptr) config = &nothing;
  if (generation == nullptr) generation = &nothing;

  GraphDescription graph;
  graph.shape = read_shape(*config);
  GenerationDefaults& defaults = graph.defaults;
  defaults.eos = read_tokens(json::find(*generation, "eos_token_id"));
  if (defaults.eos.empty()) defaults.eos = read_tokens(json::find(*config, "eos_token_id"));
  defaults.sample = flag_at(*generation, "do_sample");
  defaults.max_new_tokens = u32_at(*generation, "max_new_tokens");
  defaults.temperature = json::number_at(*generation, "temperature");
  defaults.top_k = u32_at(*generation, "top_k");
  defaults.top_p = json::number_at(*generation, "top_p");
  defaults.min_p = json::number_at(*generation, "min_p");
  defaults.repetition_penalty = json::number_at(*generation, "repetition_penalty");
  graph.inputs = read_tensors(json::items_at(*parsed, "inputs"));
  graph.outputs = read_tensors(json::items_at(*parsed, "outputs"));
  return graph;
}

std::optional<GenerationOptions> parse_generation_options(std::string_view text) {
  const auto parsed = json::parse(text);
  if (!parsed || !parsed->is(Kind::kObject)) return std::nullopt;
  GenerationOptions options;
  options.max_new_tokens = u32_at(*parsed, "maxNewTokens");
  options.temperature = json::number_at(*parsed, "temperature");
  options.top_k = u32_at(*parsed, "topK");
  options.top_p = json::number_at(*parsed, "topP");
  options.min_p = json::number_at(*parsed, "minP");
  options.repetition_penalty = json::number_at(*parsed, "repetitionPenalty");
  options.seed = json::uint_at(*parsed, "seed").value_or(0);
  for (const Value& one : json::items_at(*parsed, "stop")) {
    if (one.is(Kind::kString)) options.stop.push_back(one.text);
  }
  return options;
}

std::optional<std::vector<TokenId>> parse_token_ids(std::string_view text) {
  const auto parsed = json::parse(text);
  if (!parsed || !parsed->is(Kind::kArray)) return std::nullopt;
  std::vector<TokenId> ids = read_tokens(&*parsed);
  if (ids.size() != parsed->items.size()) return std::nullopt;
  return ids;
}

std::optional<std::vector<MessageCost>> parse_message_costs(std::string_view text) {
  const auto parsed = json::parse(text);
  if (!parsed || !parsed->is(Kind::kArray)) return std::nullopt;
  std::vector<MessageCost> costs(parsed->items.size());
  for (std::size_t i = 0; i < costs.size(); ++i) {
    const Value& one = parsed->items[i];
    const auto tokens = json::uint_at(one, "tokens");
    if (!tokens) return std::nullopt;
    const std::string role = text_at(one, "role");
    costs[i] = {role == "system" ? MessageCost::Role::kSystem
                : role == "user" ? MessageCost::Role::kUser
                                 : MessageCost::Role::kOther,
                *tokens};
  }
  return costs;
}

std::string actions_to_json(const std::vector<Action>& actions) {
  if (actions.empty()) return {};
  return json::array_of(actions, [](const Action& action) { return std::visit(ActionWriter{}, action); })
      .json;
}

std::string snapshot_to_json(const Snapshot& snapshot) { return snapshot_text(snapshot).json; }

std::string layout_to_json(const GenerationLoop& loop) {
  if (loop.error()) return Object().add("error", error_text(*loop.error(), 0, std::nullopt)).text().json;
  const CacheLayout& layout = loop.layout();
  return Object()
      .add("inputs", json::array_of(layout.inputs))
      .add("outputs", json::array_of(layout.outputs))
      .add("dims", json::array_of(layout.dims, [](std::uint64_t dim) { return json::text_of(dim); }))
      .add("type", layout.type)
      .add("positionIds", layout.position_ids)
      .add("logits", layout.logits)
      .text()
      .json;
}

std::string step_to_json(const GenerationStep& step) { return std::visit(StepWriter{}, step).json; }

}  // namespace candor::wire
