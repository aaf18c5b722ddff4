#include "wire/wire.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>

#include "wire/buffer.hpp"

namespace candor {
namespace {

template <typename T>
T event_of(const std::string& text) {
  const auto event = wire::parse_event(text);
  if (!event || !std::holds_alternative<T>(*event)) {
    ADD_FAILURE() << text;
    return {};
  }
  return std::get<T>(*event);
}

TEST(Wire, ReadsEveryEvent) {
  event_of<event::Load>(R"({"type":"load"})");
  event_of<event::Pause>(R"({"type":"pause"})");
  event_of<event::Resume>(R"({"type":"resume"})");
  event_of<event::Retry>(R"({"type":"retry"})");
  event_of<event::Cancel>(R"({"type":"cancel"})");
  EXPECT_EQ(event_of<event::Remove>(R"({"type":"remove","ticket":4})").ticket, 4U);
  event_of<event::Update>(R"({"type":"update"})");
  event_of<event::Dispose>(R"({"type":"dispose"})");
  event_of<event::Tick>(R"({"type":"tick"})");
  event_of<event::Online>(R"({"type":"online"})");
  event_of<event::Offline>(R"({"type":"offline"})");
  EXPECT_EQ(event_of<event::Removed>(R"({"type":"removed","visit":5})").visit, 5U);
  EXPECT_EQ(event_of<event::Locked>(R"({"type":"locked","visit":6})").visit, 6U);
  EXPECT_EQ(event_of<event::Locked>(R"({"type":"locked"})").visit, 0U) << "of no visit: ignored";
  EXPECT_EQ(event_of<event::Busy>(R"({"type":"busy","visit":7})").visit, 7U);
  EXPECT_EQ(event_of<event::Journaled>(R"({"type":"journaled","visit":8})").visit, 8U);
}

TEST(Wire, ReadsWhatTheDeviceCanDo) {
  const auto probed = event_of<event::Probed>(
      R"({"type":"probed","visit":3,"device":{"webgpu":true,"shaderF16":true,"fallbackAdapter":false,"maxBufferSize":1073741824,
          "maxStorageBufferBindingSize":null,"adapter":"x","deviceMemory":0.5,"cores":8,"crossOriginIsolated":true,
          "persistent":true,"quota":100,"usage":1.0,"online":false,"jspi":true}})");
  EXPECT_EQ(probed.visit, 3U);
  EXPECT_TRUE(probed.device.jspi && probed.device.cross_origin_isolated);
  EXPECT_EQ(probed.device.adapter, "x");
  EXPECT_TRUE(probed.device.webgpu && probed.device.shader_f16 && probed.device.persistent);
  EXPECT_EQ(probed.device.max_buffer_size, 1'073'741'824U);
  EXPECT_FALSE(probed.device.max_storage_buffer_binding_size);
  EXPECT_EQ(probed.device.device_memory_gib, 0.5);
  EXPECT_EQ(probed.device.cores, 8U);
  EXPECT_EQ(probed.device.free_bytes(), 99U);
  EXPECT_FALSE(probed.device.online);
  const auto nothing = event_of<event::Probed>(R"({"type":"probed","device":{"cores":-1,"quota":"x"}})");
  EXPECT_TRUE(nothing.device.online) << "until the browser says otherwise";
  EXPECT_FALSE(nothing.device.cores || nothing.device.quota || nothing.device.webgpu);
}

TEST(Wire, ReadsWhatAnotherTabShows) {
  const auto peer = event_of<event::Peer>(
      R"({"type":"peer","visit":2,"text":"{\"totalDownloaded\":4,\"verified\":3,\"totalSize\":9,\"speed\":-1,)"
      R"(\"stalledFor\":7,\"timeRemaining\":5,\"etaLow\":6,\"etaHigh\":\"x\"}"})");
  EXPECT_EQ(peer.visit, 2U);
  EXPECT_EQ(peer.on_disk, 4U);
  EXPECT_EQ(peer.verified, 3U);
  EXPECT_EQ(peer.total, 9U);
  EXPECT_FALSE(peer.speed);
  EXPECT_EQ(peer.stalled_for, 7.0);
  ASSERT_TRUE(peer.eta);
  EXPECT_EQ(peer.eta->low, 5.0) << "the range holds its middle";
  EXPECT_EQ(peer.eta->high, 5.0);
  EXPECT_FALSE(peer.stopped);
  const auto stopped = event_of<event::Peer>(R"({"type":"peer","text":"{\"status\":\"paused\"}"})");
  EXPECT_TRUE(stopped.stopped);
  EXPECT_TRUE(event_of<event::Peer>(R"({"type":"peer","text":"{\"status\":\"failed\"}"})").stopped);
  EXPECT_FALSE(event_of<event::Peer>(R"({"type":"peer","text":"{\"status\":\"loading\"}"})").stopped);
  const auto range = event_of<event::Peer>(
      R"({"type":"peer","text":"{\"timeRemaining\":5,\"etaLow\":4,\"etaHigh\":9,\"stalledFor\":-1}"})");
  ASSERT_TRUE(range.eta);
  EXPECT_EQ(range.eta->low, 4.0);
  EXPECT_EQ(range.eta->high, 9.0);
  EXPECT_EQ(range.stalled_for, 0.0);
  const auto still = event_of<event::Peer>(R"({"type":"peer","text":"{\"speed\":0,\"timeRemaining\":0}"})");
  EXPECT_EQ(still.speed, 0.0) << "nothing is not unknown";
  ASSERT_TRUE(still.eta);
  EXPECT_EQ(still.eta->high, 0.0);
  EXPECT_FALSE(event_of<event::Peer>(R"({"type":"peer","text":"{\"timeRemaining\":-5}"})").eta);
  EXPECT_FALSE(wire::parse_event(R"({"type":"peer","text":"{"})"));
  EXPECT_FALSE(wire::parse_event(R"({"type":"peer","text":7})"));
}

TEST(Wire, ReadsWhatTheStoreAnswers) {
  const auto journal = event_of<event::Journal>(
      R"({"type":"journal","visit":4,"texts":[null,"t"],"files":[{"path":"a","size":3},{"path":1,"size":3}]})");
  EXPECT_EQ(journal.visit, 4U);
  EXPECT_FALSE(journal.texts[0]);
  EXPECT_EQ(journal.texts[1], "t");
  ASSERT_EQ(journal.files.size(), 1U);
  EXPECT_EQ(journal.files[0].path, "a");
  EXPECT_EQ(journal.files[0].size, 3U);
  EXPECT_FALSE(event_of<event::Journal>(R"({"type":"journal","texts":["a"]})").texts[1]);
  EXPECT_EQ(event_of<event::Journal>(R"({"type":"journal","texts":["a","b","c"]})").texts[1], "b");

  const auto opened = event_of<event::Opened>(R"({"type":"opened","visit":1,"file":2,"size":5})");
  EXPECT_EQ(opened.visit, 1U);
  EXPECT_EQ(opened.file, 2U);
  EXPECT_EQ(opened.size, 5U);
  using Work = event::StoreFailed::Work;
  const auto full = event_of<event::StoreFailed>(
      R"({"type":"storeFailed","visit":9,"work":"journal","file":null,"kind":"quota","message":"full"})");
  EXPECT_EQ(full.visit, 9U);
  EXPECT_EQ(full.work, Work::kJournal);
  EXPECT_FALSE(full.file);
  EXPECT_EQ(full.kind, ErrorCode::kQuota);
  EXPECT_EQ(full.message, "full");
  const auto odd =
      event_of<event::StoreFailed>(R"({"type":"storeFailed","work":"nap","file":3,"kind":"gated"})");
  EXPECT_EQ(odd.work, Work::kFile);
  EXPECT_EQ(odd.file, 3U);
  EXPECT_EQ(odd.kind, ErrorCode::kStorage) << "no code that the store could mean";
  EXPECT_EQ(event_of<event::StoreFailed>(R"({"type":"storeFailed","work":"remove"})").work, Work::kRemove);
  EXPECT_EQ(event_of<event::StoreFailed>(R"({"type":"storeFailed","work":"session"})").work, Work::kSession);
}

TEST(Wire, ReadsWhatTheNetworkAnswers) {
  const auto head = event_of<event::Head>(
      R"({"type":"head","request":1,"status":206,"redirected":true,"headers":{"etag":"\"x\"","odd":3}})");
  EXPECT_EQ(head.status, 206);
  EXPECT_TRUE(head.redirected);
  ASSERT_EQ(head.headers.size(), 1U);
  EXPECT_EQ(head.headers[0].first, "etag");
  EXPECT_EQ(head.headers[0].second, "\"x\"");
  EXPECT_EQ(event_of<event::Head>(R"({"type":"head","request":1,"status":999})").status, 999);
  EXPECT_FALSE(wire::parse_event(R"({"type":"head","request":1,"status":1000})"));
  EXPECT_EQ(event_of<event::Heard>(R"({"type":"heard","request":6})").request, 6U);
  EXPECT_EQ(event_of<event::End>(R"({"type":"end","request":4294967295})").request, 0xFFFFFFFFU);
  EXPECT_FALSE(wire::parse_event(R"({"type":"end","request":4294967296})"));
  EXPECT_EQ(event_of<event::Text>(R"({"type":"text","request":1,"body":"b"})").body, "b");
  const auto failed =
      event_of<event::FetchFailed>(R"({"type":"fetchFailed","request":1,"kind":"aborted","message":"m"})");
  EXPECT_EQ(failed.request, 1U);
  EXPECT_EQ(failed.kind, ErrorCode::kAborted);
  EXPECT_EQ(failed.message, "m");
  EXPECT_EQ(event_of<event::FetchFailed>(R"({"type":"fetchFailed","request":1,"kind":"quota"})").kind,
            ErrorCode::kNetwork);
}

TEST(Wire, ReadsWhatTheSessionSays) {
  const auto progress = event_of<event::SessionProgress>(
      R"({"type":"sessionProgress","session":2,"stage":"upload","loaded":5,"total":null})");
  EXPECT_EQ(progress.session, 2U);
  EXPECT_EQ(progress.stage, event::SessionStage::kUpload);
  EXPECT_EQ(progress.loaded, 5U);
  EXPECT_FALSE(progress.total);
  for (const auto& [name, stage] : {std::pair{"create", event::SessionStage::kCreate},
                                    std::pair{"warmup", event::SessionStage::kWarmup}}) {
    const std::string text = std::string(R"({"type":"sessionProgress","stage":")") + name + "\"}";
    EXPECT_EQ(event_of<event::SessionProgress>(text).stage, stage);
  }
  EXPECT_EQ(event_of<event::SessionReady>(R"({"type":"sessionReady","session":2})").session, 2U);
  const auto lost = event_of<event::SessionLost>(R"({"type":"sessionLost","session":3,"message":"gone"})");
  EXPECT_EQ(lost.session, 3U);
  EXPECT_EQ(lost.message, "gone");
  const auto failed = event_of<event::SessionFailed>(
      R"({"type":"sessionFailed","session":4,"kind":"integrity","message":"m"})");
  EXPECT_EQ(failed.session, 4U);
  EXPECT_EQ(failed.fault.kind, ErrorCode::kIntegrity);
  EXPECT_EQ(failed.fault.message, "m");
  for (const char* text :
       {R"({"type":"sessionFailed","kind":null})", R"({"type":"sessionFailed","kind":"out_of_memory"})",
        R"({"type":"sessionFailed","kind":7})", R"({"type":"sessionFailed"})"})
    EXPECT_FALSE(event_of<event::SessionFailed>(text).fault.kind) << "the core judges the runtime's words";
  const auto answer =
      event_of<event::AnswerFailed>(R"({"type":"answerFailed","session":5,"chat":6,"message":"m"})");
  EXPECT_EQ(answer.session, 5U);
  EXPECT_EQ(answer.chat, 6U);
  EXPECT_EQ(answer.message, "m");
}

TEST(Wire, ReadsNothingFromNonsense) {
  for (const char* text :
       {"", "null", "[]", "{", R"({"type":"explode"})", R"({"type":"end"})", R"({"type":"end","request":-1})",
        R"({"type":"end","request":1.5})", R"({"type":"end","request":1e300})",
        R"({"type":"head","request":1})", R"({"type":"probed"})", R"({"type":"opened","file":0})",
        R"({"type":"sessionProgress","stage":"nap"})", R"({"type":"answerFailed"})", R"({"type":7})",
        R"({"type":"Load"})", R"({"type":"heard"})", R"({"type":"text","body":"b"})", R"({"type":"peer"})"}) {
    EXPECT_FALSE(wire::parse_event(text)) << text;
  }
  EXPECT_FALSE(wire::parse_model_config("[]"));
  EXPECT_FALSE(wire::parse_model_config(R"({"modelKey":"","repo":"a/b"})"));
  EXPECT_FALSE(wire::parse_graph("3"));
  EXPECT_FALSE(wire::parse_generation_options("[]"));
  EXPECT_FALSE(wire::parse_token_ids("[1,-2]"));
  EXPECT_FALSE(wire::parse_token_ids("[1,null]"));
  EXPECT_FALSE(wire::parse_token_ids("{}"));
  EXPECT_FALSE(wire::parse_model_config(R"({"modelKey":"k","repo":""})"));
  EXPECT_FALSE(wire::parse_model_config(R"({"repo":"a/b"})"));
}

TEST(Wire, ReadsAConfiguration) {
  const auto config = wire::parse_model_config(
      R"({"modelKey":"mini","modelName":"CV mini","repo":"a/b","revision":"v1","host":"http://127.0.0.1:1",
          "dtype":{"embed_tokens":"fp16","x":3},"executionProvider":"wasm","revalidate":"before-load","record":null,"timings":"{}","seed":9})");
  ASSERT_TRUE(config);
  EXPECT_EQ(config->source.revision, "v1");
  EXPECT_EQ(config->variant.dtype.of("embed_tokens"), "fp16");
  EXPECT_EQ(config->variant.dtype.of("x"), "?");
  EXPECT_EQ(config->variant.dtype.of("model"), "auto");
  EXPECT_EQ(config->variant.execution_provider, ExecutionProvider::kWasm);
  EXPECT_FALSE(config->record);
  EXPECT_EQ(config->timings, "{}");
  EXPECT_EQ(config->seed, 9U);
  EXPECT_EQ(config->revalidate, Revalidate::kBeforeLoad);
  const auto small = wire::parse_model_config(R"({"modelKey":"k","repo":"a/b","dtype":"q4"})");
  ASSERT_TRUE(small);
  EXPECT_EQ(small->model_name, "k");
  EXPECT_EQ(small->source.host, "https://huggingface.co");
  EXPECT_EQ(small->variant.dtype.all, "q4");
  EXPECT_FALSE(small->variant.execution_provider);
  EXPECT_EQ(small->revalidate, Revalidate::kDefault);
  const auto odd = wire::parse_model_config(
      R"({"modelKey":"k","repo":"a/b","dtype":null,"executionProvider":"auto","revalidate":"weekly","record":"r"})");
  ASSERT_TRUE(odd);
  EXPECT_EQ(odd->variant.dtype.all, "auto");
  EXPECT_FALSE(odd->variant.execution_provider);
  EXPECT_EQ(odd->revalidate, Revalidate::kDefault);
  EXPECT_EQ(odd->record, "r");
  EXPECT_EQ(wire::parse_model_config(R"({"modelKey":"k","repo":"a/b","dtype":4})")->variant.dtype.all, "?");
}

TEST(Wire, ReadsAGraphWithItsConfigurations) {
  const auto graph = wire::parse_graph(
      R"({"config":{"model_type":"llama","hidden_size":576,"num_attention_heads":9,"num_key_value_heads":3,"head_dim":null,
          "num_hidden_layers":30,"max_position_embeddings":8192,"vocab_size":49152,"eos_token_id":1},
          "generationConfig":{"eos_token_id":[2,5],"do_sample":true,"top_k":20,"temperature":0.7},
          "inputs":[{"name":"past_key_values.0.key","type":"float16","shape":["batch",3,"past",64]}],"outputs":[]})");
  ASSERT_TRUE(graph);
  EXPECT_EQ(graph->shape.head_dim, 64U);
  EXPECT_EQ(graph->shape.kv_heads, 3U);
  EXPECT_EQ(graph->shape.context_length, 8'192U);
  EXPECT_EQ(graph->shape.model_type, "llama");
  EXPECT_EQ(graph->shape.layers, 30U);
  EXPECT_EQ(graph->shape.vocabulary, 49'152U);
  EXPECT_EQ(graph->defaults.eos, (std::vector<TokenId>{2, 5, 1}));
  EXPECT_TRUE(graph->defaults.sample);
  EXPECT_EQ(graph->defaults.top_k, 20U);
  ASSERT_EQ(graph->inputs.size(), 1U);
  EXPECT_EQ(graph->inputs[0].name, "past_key_values.0.key");
  EXPECT_EQ(graph->inputs[0].type, "float16");
  EXPECT_TRUE(graph->outputs.empty());
  ASSERT_EQ(graph->inputs[0].shape.size(), 4U);
  EXPECT_FALSE(graph->inputs[0].shape[0]);
  EXPECT_EQ(graph->inputs[0].shape[3], 64U);
  const auto plain = wire::parse_graph(
      R"({"config":{"num_attention_heads":8,"eos_token_id":2,"head_dim":32,"hidden_size":800,"n_positions":77},"generationConfig":null})");
  ASSERT_TRUE(plain);
  EXPECT_EQ(plain->shape.kv_heads, 8U);
  EXPECT_EQ(plain->defaults.eos, (std::vector<TokenId>{2}));
  EXPECT_EQ(plain->shape.head_dim, 32U);
  EXPECT_EQ(plain->shape.context_length, 77U);
  EXPECT_FALSE(wire::parse_graph(R"({"config":{"num_attention_heads":0,"hidden_size":8}})")->shape.head_dim);
  const auto all = wire::parse_graph(
      R"({"generationConfig":{"max_new_tokens":1,"temperature":2,"top_k":3,"top_p":0.4,"min_p":0.5,"repetition_penalty":6}})");
  ASSERT_TRUE(all);
  EXPECT_EQ(all->defaults.max_new_tokens, 1U);
  EXPECT_EQ(all->defaults.temperature, 2.0);
  EXPECT_EQ(all->defaults.top_k, 3U);
  EXPECT_EQ(all->defaults.top_p, 0.4);
  EXPECT_EQ(all->defaults.min_p, 0.5);
  EXPECT_EQ(all->defaults.repetition_penalty, 6.0);
  EXPECT_FALSE(all->defaults.sample);
}

TEST(Wire, ReadsGenerationOptions) {
  const auto options = wire::parse_generation_options(
      R"({"maxNewTokens":5,"temperature":0,"topK":1,"topP":0.5,"minP":0.1,"repetitionPenalty":1.1,"seed":4,"stop":["a",1]})");
  ASSERT_TRUE(options);
  EXPECT_EQ(options->max_new_tokens, 5U);
  EXPECT_EQ(options->temperature, 0.0);
  EXPECT_EQ(options->top_k, 1U);
  EXPECT_EQ(options->top_p, 0.5);
  EXPECT_EQ(options->min_p, 0.1);
  EXPECT_EQ(options->repetition_penalty, 1.1);
  EXPECT_EQ(options->seed, 4U);
  EXPECT_EQ(options->stop, (std::vector<std::string>{"a"}));
  EXPECT_FALSE(wire::parse_generation_options("{}")->temperature);
}

TEST(Wire, ReadsWhatMessagesCost) {
  const auto costs = wire::parse_message_costs(
      R"([{"role":"system","tokens":3},{"role":"user","tokens":4},{"role":"x","tokens":0}])");
  ASSERT_TRUE(costs);
  ASSERT_EQ(costs->size(), 3U);
  EXPECT_EQ(costs->at(0).role, MessageCost::Role::kSystem);
  EXPECT_EQ(costs->at(1).role, MessageCost::Role::kUser);
  EXPECT_EQ(costs->at(2).role, MessageCost::Role::kOther);
  EXPECT_EQ(costs->at(1).tokens, 4U);
  EXPECT_FALSE(wire::parse_message_costs(R"([{"role":"user"}])"));
}

TEST(Wire, WritesActionsAsTheContractHasThem) {
  EXPECT_EQ(wire::actions_to_json({}), "");
  const std::vector<Action> actions{
      action::Probe{7},
      action::Lock{7, "f", true},
      action::Unlock{},
      action::UseFolder{7, "f"},
      action::Fetch{1, "u", action::Fetch::Range{5, std::nullopt}, action::Body::kStream, 0},
      action::Fetch{2, "u", std::nullopt, action::Body::kText, 9},
      action::Accept{1, 2, 3, 4},
      action::Truncate{1, 2},
      action::CreateSession{3,
                            {ExecutionProvider::kWebGpu,
                             "q4",
                             "g",
                             {"d"},
                             "c",
                             std::nullopt,
                             "t",
                             "tc",
                             std::nullopt,
                             1,
                             RuntimeBuild::kJspi,
                             false,
                             "ort-1/jspi.wasm"}}};
  const nlohmann::json expected = nlohmann::json::parse(R"([
      {"type":"probe","visit":7},
      {"type":"lock","visit":7,"folder":"f","toRemove":true},
      {"type":"unlock"},
      {"type":"useFolder","visit":7,"folder":"f"},
      {"type":"fetch","request":1,"url":"u","range":[5,null],"body":"stream","limit":0},
      {"type":"fetch","request":2,"url":"u","range":null,"body":"text","limit":9},
      {"type":"accept","request":1,"file":2,"offset":3,"length":4},
      {"type":"truncate","file":1,"size":2},
      {"type":"createSession","session":3,"plan":{"executionProvider":"webgpu","dtype":"q4","graph":"g","externalData":["d"],
       "config":"c","generationConfig":null,"tokenizer":"t","tokenizerConfig":"tc","chatTemplate":null,"threads":1,"runtime":"jspi","subgroups":false,"runtimeFile":"ort-1/jspi.wasm"}}])");
  EXPECT_EQ(nlohmann::json::parse(wire::actions_to_json(actions)), expected);
}

TEST(Wire, WritesUnknownAndImpossibleNumbersAsNull) {
  Snapshot snapshot;
  snapshot.model_key = "k";
  snapshot.speed = std::nan("");
  snapshot.files.push_back(
      {FileStatus::kProgress, "f", std::nullopt, 5, std::nullopt, 0, std::nullopt, std::nullopt});
  const nlohmann::json value = nlohmann::json::parse(wire::snapshot_to_json(snapshot));
  EXPECT_TRUE(value["speed"].is_null());
  EXPECT_TRUE(value["totalSize"].is_null());
  EXPECT_TRUE(value["phase"].is_null());
  EXPECT_TRUE(value["variant"].is_null());
  EXPECT_TRUE(value["error"].is_null());
  EXPECT_TRUE(value["throughput"].is_array());
  EXPECT_TRUE(value["files"][0]["total"].is_null());
  EXPECT_EQ(value["files"][0]["status"], "progress");
  EXPECT_EQ(value["eta"], (nlohmann::json{{"kind", "none"}, {"low", 0.0}, {"high", 0.0}}));
  EXPECT_EQ(value["status"], "idle");
  EXPECT_EQ(value["can"]["pause"], false);
}

TEST(Wire, WritesErrorsWithTheirCircumstances) {
  Snapshot snapshot;
  snapshot.error = SnapshotError{{ErrorCode::kNotFound, "m", true, "<b>"}, 7, 1500.0};
  const nlohmann::json value = nlohmann::json::parse(wire::snapshot_to_json(snapshot));
  EXPECT_EQ(value["error"],
            nlohmann::json::parse(R"({"code":"not_found","message":"m","retryable":true,"kept":7,
                                                   "detail":"<b>","retryIn":1500.0})"));
}

TEST(Wire, SaysWhatCameOfARecord) {
  StateManager states;
  const auto restored = [&](const char* text) {
    return nlohmann::json::parse(wire::restored_to_json(states.restore(text, instant_from_ms(9))));
  };
  EXPECT_EQ(restored("{"), nlohmann::json::parse(R"({"error":"recordDamaged"})"));
  const auto taken = restored(
      R"({"version":1,"modelKey":"k","modelName":"K","status":"paused","startTime":1,"lastUpdate":2,"bytesDownloaded":3})");
  EXPECT_EQ(taken.size(), 1U);
  EXPECT_EQ(taken["state"]["modelKey"], "k");
  EXPECT_EQ(taken["state"]["bytesDownloaded"], 3);
  EXPECT_FALSE(taken["state"].contains("version"));
}

TEST(Wire, SaysWhatIsToBeStored) {
  EXPECT_EQ(wire::storage_to_json({}), "[]");
  EXPECT_EQ(wire::storage_to_json(
                {{StorageAction::Kind::kPersist, "a", "{}"}, {StorageAction::Kind::kRemove, "b", {}}}),
            R"([{"type":"persist","key":"a","json":"{}"},{"type":"unpersist","key":"b"}])");
}

TEST(Wire, AnUpdateThatIsNoObjectIsDamaged) {
  StateManager states;
  states.start_download("k", "K", instant_from_ms(0));
  EXPECT_EQ(wire::update_download(states, "k", "[]", instant_from_ms(1)), StateError::kDamaged);
  EXPECT_EQ(wire::update_download(states, "k", R"({"loaded":5})", instant_from_ms(1)), StateError::kNone);
  EXPECT_EQ(states.state("k")->bytes_downloaded, 5U);
  EXPECT_EQ(wire::update_download(states, "x", R"({"loaded":5})", instant_from_ms(1)),
            StateError::kUnknownModel);
}

TEST(Wire, NeverIsNotANumberAndNoNumberIsNone) {
  EXPECT_EQ(wire::ms_or_nan(instant_from_ms(1.5)), 1.5);
  EXPECT_TRUE(std::isnan(wire::ms_or_nan(std::nullopt)));
  EXPECT_EQ(wire::count_from(7.9), 7U);
  for (const double odd : {-1.0, std::nan(""), std::numeric_limits<double>::infinity(), 1e300})
    EXPECT_EQ(wire::count_from(odd), 0U) << odd;
}

TEST(Wire, WhatIsNoEventChangesNothing) {
  ModelLoader loader(*wire::parse_model_config(R"({"modelKey":"k","repo":"a/b"})"));
  EXPECT_EQ(wire::on(loader, R"({"type":"nap"})", instant_from_ms(0)), "");
  EXPECT_NE(wire::on(loader, R"({"type":"load"})", instant_from_ms(0)), "");
}

TEST(Wire, NoMessageIsLeftOutWhereTheWindowIsNotKnown) {
  const char* costs =
      R"([{"role":"user","tokens":60},{"role":"assistant","tokens":60},{"role":"user","tokens":5}])";
  GraphDescription graph;
  const double none = std::nan("");
  EXPECT_EQ(wire::messages_to_drop(GenerationLoop(graph), costs, 125, none), 0U);
  graph.shape.context_length = 100;
  const GenerationLoop loop(graph);
  EXPECT_EQ(wire::messages_to_drop(loop, costs, 125, none), 2U);
  EXPECT_EQ(wire::messages_to_drop(loop, costs, none, none), 0U);
  EXPECT_EQ(wire::messages_to_drop(loop, "{}", 125, none), 0U);
}

TEST(Buffer, KeepsItsPlaceUntilItHasToGrow) {
  wire::Buffer<float> buffer;
  const auto address = buffer.address(4);
  EXPECT_EQ(buffer.address(2), address);
  reinterpret_cast<float*>(address)[3] = 5;
  EXPECT_EQ(buffer.first(4).back(), 5.0F);
  EXPECT_EQ(buffer.first(3).size(), 3U);
  EXPECT_EQ(buffer.first(9).size(), 4U) << "never more than there is room for";
  buffer.address(100);
  EXPECT_EQ(buffer.first(100).size(), 100U);
}

TEST(Wire, WritesGenerationSteps) {
  const auto parsed = [](const GenerationStep& step) {
    return nlohmann::json::parse(wire::step_to_json(step));
  };
  EXPECT_EQ(parsed(step::Run{{1, 2}, 3, true, true, 5}),
            nlohmann::json::parse(
                R"({"type":"run","inputIds":[1,2],"pastLength":3,"positionIds":true,"logits":true,
                    "promptLength":5})"));
  EXPECT_EQ(parsed(step::Finish{FinishReason::kStop, {4}, "t", 9, 7, 8}),
            nlohmann::json::parse(R"({"type":"finish","reason":"stop","tokens":1,"ids":[4],"text":"t",
                                      "promptTokens":9,"reusedTokens":7,"keep":8,"keepFor":600000})"));
  EXPECT_EQ(parsed(step::Piece{"\xC3"})["text"], "\xEF\xBF\xBD");
  EXPECT_EQ(nlohmann::json::parse(wire::layout_to_json(GenerationLoop({})))["error"]["code"], "unsupported");
}

GenerationDefaults defaults_of(const std::string& facts) {
  const auto graph = wire::parse_graph(facts);
  EXPECT_TRUE(graph) << facts;
  return graph ? graph->defaults : GenerationDefaults{};
}

TEST(Wire, EndsAnAnswerAtWhateverAnyOfTheModelsFilesCallsItsEnd) {
  const auto eos = [](const std::string& facts) { return defaults_of(facts).eos; };
  using Ids = std::vector<TokenId>;
  EXPECT_EQ(eos(R"({"generationConfig":{"eos_token_id":[1,2]},"config":{"eos_token_id":3},"eos":[4]})"),
            (Ids{4, 1, 2, 3}));
  EXPECT_EQ(eos(R"({"generationConfig":null,"config":{"text_config":{"eos_token_id":[5]}},"eos":[]})"),
            (Ids{5}));
  EXPECT_EQ(eos(R"({"generationConfig":{"eos_token_id":"x"},"config":{},"eos":[6]})"), (Ids{6}));
}

TEST(Wire, TakesNoDefaultThatAPageCouldNotAskFor) {
  for (const char* generation :
       {R"("repetition_penalty":0)", R"("repetition_penalty":-1e308)", R"("temperature":-1)", R"("top_p":0)",
        R"("top_p":1.5)", R"("min_p":-0.1)", R"("min_p":2)", R"("max_new_tokens":0)", R"("top_k":-1)"}) {
    const auto defaults =
        defaults_of(R"({"generationConfig":{)" + std::string(generation) + R"(},"config":{}})");
    EXPECT_FALSE(defaults.repetition_penalty || defaults.temperature || defaults.top_p || defaults.min_p ||
                 defaults.max_new_tokens || defaults.top_k)
        << generation;
  }
  const auto good = defaults_of(
      R"({"generationConfig":{"repetition_penalty":1.1,"temperature":0,"top_p":1,"min_p":0,"max_new_tokens":1}})");
  EXPECT_TRUE(good.repetition_penalty && good.temperature && good.top_p && good.min_p && good.max_new_tokens);
  EXPECT_FALSE(wire::parse_graph(R"({"config":{"max_position_embeddings":0}})")->shape.context_length);
  EXPECT_EQ(wire::parse_graph(R"({"config":{"max_position_embeddings":2}})")->shape.context_length, 2U);
}

TEST(Wire, SaysThatAConfigurationCannotBeReadWhereItIsTooLarge) {
  const std::string deep(500, '[');
  EXPECT_TRUE(wire::parse_graph(R"({"config":{"x":)" + deep + std::string(500, ']') + "}}"));
  const auto graph = wire::parse_graph(R"({"config":")" + std::string(17U << 20U, 'x') + "\"}");
  const GenerationLoop loop(graph.value_or(GraphDescription{}));
  EXPECT_EQ(loop.error()->message, "configUnreadable");
}

TEST(Wire, ReadsEventsWithLargeTextsInThem) {
  const auto text =
      event_of<event::Text>(R"({"type":"text","request":1,"body":")" + std::string(20U << 20U, 'x') + "\"}");
  EXPECT_EQ(text.body.size(), 20U << 20U);
  std::string files;
  for (int i = 0; i < 16'500; ++i)
    files += R"({"path":"foreign/file)" + std::to_string(i) + R"(","size":1},)";
  const auto journal = event_of<event::Journal>(R"({"type":"journal","visit":1,"texts":[null,")" +
                                                std::string(20U << 20U, 'j') + R"("],"files":[)" + files +
                                                R"({"path":"a","size":1}]})");
  EXPECT_EQ(journal.files.size(), 16'501U);
}

}  // namespace
}  // namespace candor
