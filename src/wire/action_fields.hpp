#pragma once

#include <optional>

#include "wire/snapshot_fields.hpp"

/// What bindings.d.ts calls CoreAction and SessionPlan.
namespace candor {

void fields(auto& f, json::Of<SessionPlan> auto& plan) {
  f("executionProvider", plan.execution_provider);
  f("dtype", plan.dtype);
  f("graph", plan.graph);
  f("externalData", plan.external_data);
  f("config", plan.config);
  f("generationConfig", plan.generation_config);
  f("tokenizer", plan.tokenizer);
  f("tokenizerConfig", plan.tokenizer_config);
  f("chatTemplate", plan.chat_template);
  f("threads", plan.threads);
  f("runtime", plan.runtime);
  f("subgroups", plan.subgroups);
  f("runtimeFile", plan.runtime_file);
}

namespace action {

using json::Of;

void fields(auto& f, Of<Probe> auto& a) {
  f.type("probe");
  f("visit", a.visit);
}
void fields(auto& f, Of<Lock> auto& a) {
  f.type("lock");
  f("visit", a.visit);
  f("folder", a.folder);
  f("toRemove", a.to_remove);
}
void fields(auto& f, Of<Share> auto&) { f.type("share"); }
void fields(auto& f, Of<Unlock> auto&) { f.type("unlock"); }
void fields(auto& f, Of<ReadJournal> auto&) { f.type("readJournal"); }
void fields(auto& f, Of<UseFolder> auto& a) {
  f.type("useFolder");
  f("visit", a.visit);
  f("folder", a.folder);
}
void items(auto& f, Of<Fetch::Range> auto& range) {
  f.item(range.first);
  f.item(range.last);
}
void fields(auto& f, Of<Fetch> auto& a) {
  f.type("fetch");
  f("request", a.request);
  f("url", a.url);
  f("range", a.range);
  f("body", a.body);
  f("limit", a.limit);
}
void fields(auto& f, Of<Accept> auto& a) {
  f.type("accept");
  f("request", a.request);
  f("file", a.file);
  f("offset", a.offset);
  f("length", a.length);
}
void fields(auto& f, Of<Abort> auto& a) {
  f.type("abort");
  f("request", a.request);
}
void fields(auto& f, Of<Open> auto& a) {
  f.type("open");
  f("file", a.file);
  f("path", a.path);
}
void fields(auto& f, Of<Truncate> auto& a) {
  f.type("truncate");
  f("file", a.file);
  f("size", a.size);
}
void fields(auto& f, Of<Read> auto& a) {
  f.type("read");
  f("file", a.file);
  f("offset", a.offset);
  f("length", a.length);
}
void fields(auto& f, Of<Close> auto& a) {
  f.type("close");
  f("file", a.file);
}
void fields(auto& f, Of<WriteJournal> auto& a) {
  f.type("writeJournal");
  f("slot", a.slot);
  f("text", a.text);
}
void fields(auto& f, Of<RemoveFolder> auto&) { f.type("removeFolder"); }
void fields(auto& f, Of<Persist> auto& a) {
  f.type("persist");
  f("key", a.key);
  f("json", a.json);
}
void fields(auto& f, Of<Unpersist> auto& a) {
  f.type("unpersist");
  f("key", a.key);
}
void fields(auto& f, Of<Examine> auto& a) {
  f.type("examine");
  f("examination", a.examination);
  f("plan", a.plan);
  f("graph", a.graph);
}
void fields(auto& f, Of<CreateSession> auto& a) {
  f.type("createSession");
  f("session", a.session);
  f("plan", a.plan);
}
void fields(auto& f, Of<CloseSession> auto&) { f.type("closeSession"); }
void fields(auto& f, Of<RejectChat> auto& a) {
  f.type("rejectChat");
  f("chat", a.chat);
  f("error", wire::in_full(a.error));
}
void fields(auto& f, Of<Done> auto& a) {
  f.type("done");
  f("ticket", a.ticket);
  f("error", a.error ? std::optional(wire::in_full(*a.error)) : std::nullopt);
}
void fields(auto& f, Of<Publish> auto& a) {
  f.type("publish");
  f("snapshot", a.snapshot);
}

}  // namespace action
}  // namespace candor
