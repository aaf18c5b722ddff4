#include "contract.hpp"

#include <gtest/gtest.h>

#include <string>
#include <utility>

#include "bindings_text.hpp"
#include "progress/progress_fields.hpp"
#include "state/download_state_fields.hpp"
#include "wire/action_fields.hpp"
#include "wire/config_fields.hpp"
#include "wire/event_fields.hpp"
#include "wire/inference_fields.hpp"

namespace candor {

template <>
inline constexpr std::size_t json::kEnumerators<ProgressStatus> = 7;
template <>
inline constexpr std::size_t json::kEnumerators<DownloadStatus> = 4;

namespace test {
namespace {

/// Goes through a list of fields and writes down what a Writer writes and a Reader reads, as a type.
class Describer {
 public:
  Members members;
  std::vector<std::string> tuple;

  template <typename T>
  void operator()(const char* key, T&& value) {
    members[key] = of(value);
  }
  template <typename T>
  void required(const char* key, T&& value) {
    members[key] = of(value);
  }
  template <typename T>
  void maybe(const char* key, T&& value) {
    members[std::string(key) + "?"] = of(value);
    members[std::string(key) + "?"].erase("null");
  }
  void type(const char* value) { members["type"] = {named(value)}; }
  template <typename T>
  void item(const T& value) {
    tuple.push_back(joined(of(value), '|'));
  }
  template <typename Range, typename List>
  void each(const char* key, const Range&, List list) {
    typename Range::value_type one{};
    Describer inner;
    list(inner, one);
    members[key] = {array_of({object_of(inner.members)})};
  }

  template <typename T>
  static Type of(T& value) {
    using Plain = std::remove_cvref_t<T>;
    if constexpr (std::same_as<Plain, bool>) {
      return {"boolean"};
    } else if constexpr (std::is_arithmetic_v<Plain>) {
      return {"number"};
    } else if constexpr (std::convertible_to<const Plain&, std::string_view>) {
      return {"string"};
    } else if constexpr (std::is_enum_v<Plain>) {
      Type names;
      static_assert(json::kEnumerators<Plain> > 0);
      for (std::size_t i = 0; i < json::kEnumerators<Plain>; ++i)
        names.insert(named(to_string(static_cast<Plain>(i))));
      EXPECT_EQ(names.size(), json::kEnumerators<Plain>) << joined(names, '|');
      return names;
    } else if constexpr (json::kIsOptional<Plain>) {
      typename Plain::value_type inner{};
      Type type = of(inner);
      type.insert("null");
      return type;
    } else if constexpr (json::kIsVector<Plain>) {
      typename Plain::value_type inner{};
      return {array_of(of(inner))};
    } else if constexpr (json::kIsArray<Plain>) {
      return {"[" + joined(std::vector<std::string>(value.size(), joined(of(value[0]), '|')), ',') + "]"};
    } else if constexpr (json::kIsVariant<Plain>) {
      return of_variant(value);
    } else if constexpr (requires { described(value); }) {
      return described(value);
    } else {
      Describer inner;
      if constexpr (requires { items(inner, value); }) {
        items(inner, value);
        return {"[" + joined(inner.tuple, ',') + "]"};
      } else {
        fields(inner, value);
        return {object_of(inner.members)};
      }
    }
  }

 private:
  static std::string named(std::string_view name) { return "'" + std::string(name) + "'"; }

  template <typename... T>
  static Type of_variant(const std::variant<T...>&) {
    Type type;
    (type.merge(of_default<T>()), ...);
    EXPECT_EQ(type.size(), sizeof...(T)) << "two are the same";
    return type;
  }
  template <typename T>
  static Type of_default() {
    T value{};
    return of(value);
  }

  static Type described(const json::Value*) { return {"unknown"}; }
  static Type described(const wire::Status&) { return {"number"}; }
  static Type described(const wire::Texts&) { return {"Record<string,string>"}; }
  static Type described(const wire::ShownElsewhere&) { return {"string"}; }
  static Type described(const wire::Dtype&) { return {"string", "Record<string,string>"}; }
  static Type described(const wire::OrAuto& value) {
    Type type = of(value.provider);
    type.erase("null");
    type.insert("'auto'");
    return type;
  }
  static Type described(const wire::Dimensions&) { return {"(null|number|string)[]"}; }
  template <typename T, std::size_t N>
  static Type described(const wire::Among<T, N>& among) {
    Type type;
    for (const ErrorCode code : among.allowed) type.insert(named(to_string(code)));
    if (json::kIsOptional<T>) type.insert("null");
    return type;
  }
};

template <typename T>
Members members_of() {
  T value{};
  Describer describer;
  fields(describer, value);
  return describer.members;
}
template <typename T>
Type type_of() {
  T value{};
  return Describer::of(value);
}

/// What one has and the other has not, so that a failure says which.
Type without(const Type& all, const Type& some) {
  Type left = all;
  for (const std::string& one : some) left.erase(one);
  return left;
}
void expect_same(const Type& core, const Type& contract) {
  EXPECT_GT(core.size(), 1U);
  EXPECT_EQ(without(core, contract), Type{}) << "only the core has these";
  EXPECT_EQ(without(contract, core), Type{}) << "only bindings.d.ts has these";
}

TEST(Contract, EveryEventIsReadAsBindingsHasIt) {
  expect_same(type_of<Event>(), Contract(kBindingsText).alias("CoreEvent"));
}

TEST(Contract, EveryActionIsWrittenAsBindingsHasIt) {
  expect_same(type_of<Action>(), Contract(kBindingsText).alias("CoreAction"));
}

TEST(Contract, EveryStepOfAGenerationIsWrittenAsBindingsHasIt) {
  expect_same(type_of<GenerationStep>(), Contract(kBindingsText).alias("GenerationStep"));
}

TEST(Contract, ObjectsHaveTheMembersThatBindingsHas) {
  Contract contract(kBindingsText);
  EXPECT_EQ(members_of<Snapshot>(), contract.interface("Snapshot"));
  EXPECT_EQ(members_of<SnapshotError>(), contract.interface("CoreError"));
  EXPECT_EQ(members_of<SessionPlan>(), contract.interface("SessionPlan"));
  EXPECT_EQ(members_of<DeviceProfile>(), contract.interface("DeviceFacts"));
  EXPECT_EQ(members_of<ModelConfig>(), contract.interface("ModelConfig"));
  EXPECT_EQ(members_of<wire::GraphFacts>(), contract.interface("GraphFacts"));
  EXPECT_EQ(members_of<GenerationOptions>(), contract.interface("GenerationOptions"));
  // Any role that the core has no name for is one of the others.
  Members cost = members_of<MessageCost>();
  cost["role"] = {"string"};
  EXPECT_EQ(cost, contract.interface("MessageCost"));
  EXPECT_EQ(members_of<ProgressInfo>(), contract.interface("ProgressInfo"));
  EXPECT_EQ(members_of<AggregateProgressInfo>(), contract.interface("AggregateProgressInfo"));
  EXPECT_EQ(members_of<DownloadState>(), contract.interface("DownloadState"));
  // The core leaves the type to the graph, and refuses a graph of any other.
  Members layout = members_of<CacheLayout>();
  layout["type"] = {"'float16'", "'float32'"};
  EXPECT_EQ(layout, contract.interface("CacheLayout"));
}

TEST(Contract, WhatIsReadOfAnotherTabsSnapshotIsInASnapshot) {
  const Members snapshot = members_of<Snapshot>();
  for (const auto& [name, type] : members_of<wire::Shown>()) {
    ASSERT_TRUE(snapshot.contains(name)) << name;
    EXPECT_EQ(without(snapshot.at(name), type), Type{}) << name;
  }
}

TEST(Contract, ADifferenceIsSeen) {
  const std::string text = kBindingsText;
  const auto changed = [&](std::string_view from, std::string_view to) {
    std::string other = text;
    const std::size_t at = other.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    return Contract(other.replace(at, from.size(), to));
  };
  EXPECT_NE(type_of<Event>(), changed("visit: number; file: number;", "visit: number;").alias("CoreEvent"));
  EXPECT_NE(type_of<Event>(), changed("stage: 'create' | ", "stage: ").alias("CoreEvent"));
  EXPECT_NE(type_of<Action>(), changed("slot: number;", "slot: number | null;").alias("CoreAction"));
  EXPECT_NE(members_of<Snapshot>(), changed("goesOn: boolean;", "").interface("Snapshot"));
  EXPECT_NE(members_of<Snapshot>(), changed("goesOn: boolean;", "goesOn?: boolean;").interface("Snapshot"));
  EXPECT_NE(members_of<Snapshot>(), changed("speed: number | null;", "speed: number;").interface("Snapshot"));
}

}  // namespace
}  // namespace test
}  // namespace candor
