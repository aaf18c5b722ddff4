#pragma once

#include "base/fields.hpp"
#include "candor/inference/context_window.hpp"
#include "candor/inference/generation_loop.hpp"
#include "candor/io/action.hpp"
#include "candor/io/event.hpp"
#include "candor/io/snapshot.hpp"
#include "candor/loader/model_loader.hpp"

/// The names of enumerators that nobody but JavaScript asks for, and how many every enum on the wire has.
namespace candor {

namespace action {
constexpr const char* to_string(Body body) { return body == Body::kText ? "text" : "stream"; }
}  // namespace action

namespace event {
constexpr const char* to_string(StoreFailed::Work work) {
  using Work = StoreFailed::Work;
  switch (work) {
    case Work::kJournal:
      return "journal";
    case Work::kFile:
      return "file";
    case Work::kRemove:
      return "remove";
    case Work::kSession:
      return "session";
  }
  return "";
}
constexpr const char* to_string(SessionStage stage) {
  switch (stage) {
    case SessionStage::kCreate:
      return "create";
    case SessionStage::kUpload:
      return "upload";
    case SessionStage::kWarmup:
      return "warmup";
  }
  return "";
}
}  // namespace event

constexpr const char* to_string(Revalidate revalidate) {
  switch (revalidate) {
    case Revalidate::kDefault:
      return "default";
    case Revalidate::kNever:
      return "never";
    case Revalidate::kBackground:
      return "background";
    case Revalidate::kBeforeLoad:
      return "before-load";
  }
  return "";
}

constexpr const char* to_string(MessageCost::Role role) {
  switch (role) {
    case MessageCost::Role::kSystem:
      return "system";
    case MessageCost::Role::kUser:
      return "user";
    case MessageCost::Role::kOther:
      return "other";
  }
  return "";
}

namespace json {
template <>
inline constexpr std::size_t kEnumerators<MessageCost::Role> = 3;
template <>
inline constexpr std::size_t kEnumerators<action::Body> = 2;
template <>
inline constexpr std::size_t kEnumerators<event::StoreFailed::Work> = 4;
template <>
inline constexpr std::size_t kEnumerators<event::SessionStage> = 3;
template <>
inline constexpr std::size_t kEnumerators<Revalidate> = 4;
template <>
inline constexpr std::size_t kEnumerators<ErrorCode> = 14;
template <>
inline constexpr std::size_t kEnumerators<ExecutionProvider> = 2;
template <>
inline constexpr std::size_t kEnumerators<RuntimeBuild> = 3;
template <>
inline constexpr std::size_t kEnumerators<LoadStatus> = 8;
template <>
inline constexpr std::size_t kEnumerators<LoadPhase> = 6;
template <>
inline constexpr std::size_t kEnumerators<FileStatus> = 6;
template <>
inline constexpr std::size_t kEnumerators<EtaDisplay::Kind> = 5;
template <>
inline constexpr std::size_t kEnumerators<FinishReason> = 5;
}  // namespace json

}  // namespace candor
