#include "candor/inference/generation_loop.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <random>
#include <string>
#include <vector>

namespace candor {
namespace {

GraphDescription graph(std::size_t layers = 2) {
  GraphDescription graph;
  graph.shape.layers = layers;
  graph.shape.kv_heads = 3;
  graph.shape.head_dim = 64;
  graph.shape.context_length = 512;
  graph.shape.vocabulary = 4096;
  graph.defaults.eos = {2};
  graph.inputs = {{"input_ids", "int64", {{}, {}}}, {"attention_mask", "int64", {{}, {}}}};
  graph.outputs = {{"logits", "float32", {{}, {}, 4096}}};
  for (std::size_t i = 0; i < layers; ++i) {
    for (const char* what : {".key", ".value"}) {
      graph.inputs.push_back({"past_key_values." + std::to_string(i) + what, "float32", {{}, 3, {}, 64}});
      graph.outputs.push_back({"present." + std::to_string(i) + what, "float32", {{}, 3, {}, 64}});
    }
  }
  return graph;
}

std::string message_of(const GraphDescription& graph) {
  const GenerationLoop loop(graph);
  return loop.error() ? loop.error()->message : "";
}

// What decoders do: bytes that are no whole character become U+FFFD.
std::string decode_bytes(const std::string& bytes) {
  std::string text;
  for (std::size_t i = 0; i < bytes.size();) {
    const auto lead = static_cast<unsigned char>(bytes[i]);
    const std::size_t length = lead < 0x80 ? 1 : lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : lead >= 0xC0 ? 2 : 0;
    std::size_t end = i + 1;
    while (length > 0 && end < i + length && end < bytes.size() &&
           (static_cast<unsigned char>(bytes[end]) & 0xC0U) == 0x80) {
      ++end;
    }
    text += length > 0 && end == i + length ? bytes.substr(i, length) : std::string("\xEF\xBF\xBD");
    i = end;
  }
  return text;
}

/// Plays the model and the tokenizer: the answer's tokens are given as their bytes, id 100 + index.
struct Player {
  GenerationLoop loop;
  std::vector<std::string> tokens;  // the model says these and then the end
  TokenId end_token = 2;
  std::function<std::string(const std::vector<TokenId>&)> decode = [this](const std::vector<TokenId>& ids) {
    std::string bytes;
    for (const TokenId id : ids) bytes += tokens.at(id - 100);
    return decode_bytes(bytes);
  };
  std::vector<std::string> pieces;
  std::vector<step::Run> runs;
  std::size_t decoded_ids = 0;

  explicit Player(std::vector<std::string> answer, const GraphDescription& description = graph())
      : loop(description), tokens(std::move(answer)) {}

  step::Finish play(const GenerationOptions& options, std::size_t abort_after = SIZE_MAX) {
    GenerationStep step = loop.begin({10, 11, 12}, options);
    std::size_t said = 0;
    while (true) {
      if (auto* run = std::get_if<step::Run>(&step)) {
        runs.push_back(*run);
        if (said == abort_after) {
          step = loop.abort();
          continue;
        }
        std::vector<float> logits(4096, 0.F);
        logits[said < tokens.size() ? 100 + said : end_token] = 5;
        ++said;
        step = loop.logits(logits);
      } else if (auto* ids = std::get_if<step::Decode>(&step)) {
        decoded_ids += ids->ids.size();
        step = loop.text(decode(ids->ids));
      } else if (auto* piece = std::get_if<step::Piece>(&step)) {
        pieces.push_back(piece->text);
        step = loop.next();
      } else if (auto* finish = std::get_if<step::Finish>(&step)) {
        return *finish;
      } else {
        ADD_FAILURE() << std::get<step::Failed>(step).error.message;
        return {};
      }
    }
  }

  std::string all() const {
    std::string text;
    for (const std::string& piece : pieces) text += piece;
    return text;
  }
};

TEST(GenerationLoop, TakesTheCacheLayoutFromTheGraph) {
  GraphDescription description = graph(12);
  description.inputs.push_back({"position_ids", "int64", {}});
  const GenerationLoop loop(description);
  ASSERT_FALSE(loop.error());
  const CacheLayout& layout = loop.layout();
  ASSERT_EQ(layout.inputs.size(), 24U);
  EXPECT_EQ(layout.inputs[0], "past_key_values.0.key");
  EXPECT_EQ(layout.inputs[23], "past_key_values.11.value");
  EXPECT_EQ(layout.outputs[21], "present.10.value");
  EXPECT_EQ(layout.dims, (std::array<std::uint64_t, 4>{1, 3, 0, 64}));
  EXPECT_EQ(layout.type, "float32");
  EXPECT_TRUE(layout.position_ids);
  EXPECT_EQ(layout.logits, "logits");
}

TEST(GenerationLoop, TakesTheCacheShapeFromTheConfigurationWhereTheGraphIsSymbolic) {
  GraphDescription description = graph();
  for (TensorDescription& input : description.inputs) {
    if (input.shape.size() == 4) input.shape = {{}, {}, {}, {}};
  }
  EXPECT_EQ(GenerationLoop(description).layout().dims, (std::array<std::uint64_t, 4>{1, 3, 0, 64}));
  description.shape.head_dim.reset();
  EXPECT_EQ(message_of(description), "cacheSizeUnknown");
}

TEST(GenerationLoop, NamesInputsThatItDoesNotKnow) {
  GraphDescription description = graph();
  description.inputs.push_back({"pixel_values", "float32", {}});
  description.inputs.push_back({"use_cache_branch", "bool", {}});
  const GenerationLoop loop(description);
  ASSERT_TRUE(loop.error());
  EXPECT_EQ(loop.error()->code, ErrorCode::kUnsupported);
  EXPECT_EQ(loop.error()->message, "unknownInputs\tpixel_values, use_cache_branch");
  EXPECT_FALSE(loop.error()->retryable);
}

TEST(GenerationLoop, RefusesGraphsThatDoNotFitTheirConfiguration) {
  GraphDescription layers = graph();
  layers.shape.layers = 3;
  EXPECT_EQ(message_of(layers), "cacheLayers\t2\t3");
  GraphDescription heads = graph();
  heads.shape.kv_heads = 9;
  EXPECT_NE(message_of(heads), "");
  GraphDescription no_logits = graph();
  no_logits.outputs.erase(no_logits.outputs.begin());
  EXPECT_NE(message_of(no_logits), "");
  GraphDescription no_present = graph();
  no_present.outputs.pop_back();
  EXPECT_NE(message_of(no_present), "");
  GraphDescription gap = graph();
  gap.inputs.back().name = "past_key_values.7.value";
  EXPECT_NE(message_of(gap), "");
  GraphDescription twice = graph();
  twice.inputs.back().name = "past_key_values.0.value";
  EXPECT_NE(message_of(twice), "");
  GraphDescription type = graph();
  type.inputs.back().type = "int8";
  EXPECT_NE(message_of(type), "");
  EXPECT_NE(message_of({}), "");
}

TEST(GenerationLoop, WarmsUpAsAnswersBeginAndGoOnSeveralTokensAndThenOne) {
  GraphDescription description = graph();
  description.inputs.push_back({"position_ids", "int64", {{}, {}}});
  const std::vector<step::Run> runs = GenerationLoop(description).warm_up();
  ASSERT_EQ(runs.size(), 2U);
  EXPECT_TRUE(runs[0].first);
  EXPECT_EQ(runs[0].past_length, 0U);
  EXPECT_GT(runs[0].input_ids.size(), 1U);
  EXPECT_FALSE(runs[1].first);
  EXPECT_EQ(runs[1].past_length, runs[0].input_ids.size());
  EXPECT_EQ(runs[1].input_ids.size(), 1U);
  for (const step::Run& run : runs) EXPECT_TRUE(run.position_ids);

  description.inputs.push_back({"pixel_values", "float32", {{}, 3, 224, 224}});
  EXPECT_TRUE(GenerationLoop(description).warm_up().empty());
}

TEST(GenerationLoop, FeedsThePromptAndThenOneTokenAtATime) {
  Player player({"a", "b"});
  const step::Finish finish = player.play({});
  ASSERT_EQ(player.runs.size(), 3U);
  EXPECT_EQ(player.runs[0].input_ids, (std::vector<TokenId>{10, 11, 12}));
  EXPECT_TRUE(player.runs[0].first);
  EXPECT_EQ(player.runs[0].past_length, 0U);
  EXPECT_EQ(player.runs[1].input_ids, (std::vector<TokenId>{100}));
  EXPECT_FALSE(player.runs[1].first);
  EXPECT_EQ(player.runs[1].past_length, 3U);
  EXPECT_EQ(player.runs[2].past_length, 4U);
  EXPECT_EQ(finish.reason, FinishReason::kEos);
  EXPECT_EQ(finish.text, "ab");
  EXPECT_EQ(finish.ids, (std::vector<TokenId>{100, 101}));
}

TEST(GenerationLoop, StopsAtEachOfSeveralEndTokens) {
  GraphDescription description = graph();
  description.defaults.eos = {2, 7};
  Player player({"a"}, description);
  player.end_token = 7;
  EXPECT_EQ(player.play({}).reason, FinishReason::kEos);
}

TEST(GenerationLoop, StopsAtTheWantedLength) {
  Player player({"a", "b", "c"});
  const step::Finish finish = player.play({.max_new_tokens = 2});
  EXPECT_EQ(finish.reason, FinishReason::kLength);
  EXPECT_EQ(finish.text, "ab");
  EXPECT_EQ(player.all(), "ab");
  EXPECT_EQ(player.runs.size(), 2U);
}

TEST(GenerationLoop, StopsWhenTheContextIsFull) {
  GraphDescription description = graph();
  description.shape.context_length = 5;
  Player player({"a", "b", "c"}, description);
  const step::Finish finish = player.play({});
  EXPECT_EQ(finish.reason, FinishReason::kContext);
  EXPECT_EQ(finish.text, "ab");
}

TEST(GenerationLoop, SaysThatAPromptIsTooLong) {
  GraphDescription description = graph();
  description.shape.context_length = 4;
  GenerationLoop loop(description);
  const GenerationStep step = loop.begin({5, 6, 7, 8}, {});
  ASSERT_TRUE(std::holds_alternative<step::Failed>(step));
  EXPECT_EQ(std::get<step::Failed>(step).error.message, "chatTooLong\t4\t4");
}

TEST(GenerationLoop, RefusesEmptyPromptsAndForeignTokens) {
  GenerationLoop loop(graph());
  EXPECT_TRUE(std::holds_alternative<step::Failed>(loop.begin({}, {})));
  const GenerationStep step = loop.begin({4096}, {});
  ASSERT_TRUE(std::holds_alternative<step::Failed>(step));
  EXPECT_EQ(std::get<step::Failed>(step).error.message, "foreignTokenizer\t4096\t4096");
}

TEST(GenerationLoop, HoldsBackACharacterThatIsSplitAcrossTokens) {
  Player player({"Gr\xC3", "\xBC\xC3", "\x9F", "e \xF0\x9F", "\x98", "\x80!"});
  const step::Finish finish = player.play({});
  EXPECT_EQ(finish.text,
            "Gr\xC3\xBC\xC3\x9F"
            "e \xF0\x9F\x98\x80!");
  EXPECT_EQ(player.all(), finish.text);
  EXPECT_EQ(player.pieces,
            (std::vector<std::string>{"Gr", "\xC3\xBC", "\xC3\x9F", "e ", "\xF0\x9F\x98\x80!"}));
}

TEST(GenerationLoop, FlushesAnUnfinishedCharacterAtTheEnd) {
  Player player({"ok \xF0\x9F"});
  const step::Finish finish = player.play({});
  EXPECT_EQ(finish.text, "ok \xEF\xBF\xBD");
  EXPECT_EQ(player.all(), finish.text);
}

TEST(GenerationLoop, StopsAtAStopStringAcrossTokensAndNeverShowsIt) {
  Player player({"one ST", "O", "P two"});
  const step::Finish finish = player.play({.stop = {"STOP"}});
  EXPECT_EQ(finish.reason, FinishReason::kStop);
  EXPECT_EQ(finish.text, "one ");
  EXPECT_EQ(player.all(), "one ");
}

TEST(GenerationLoop, LetsGoOfWhatOnlyLookedLikeAStopString) {
  Player player({"one ST", "O", "RY"});
  const step::Finish finish = player.play({.stop = {"STOP", ""}});
  EXPECT_EQ(finish.reason, FinishReason::kEos);
  EXPECT_EQ(finish.text, "one STORY");
  EXPECT_EQ(player.pieces, (std::vector<std::string>{"one ", "STORY"}));
}

TEST(GenerationLoop, ShowsWhatWasHeldBackWhenTheModelEndsInTheMiddleOfIt) {
  Player player({"one ST"});
  const step::Finish finish = player.play({.stop = {"STOP"}});
  EXPECT_EQ(finish.text, "one ST");
  EXPECT_EQ(player.all(), "one ST");
}

TEST(GenerationLoop, TakesTheEarliestOfSeveralStopStrings) {
  Player player({"a-b+c"});
  EXPECT_EQ(player.play({.stop = {"+", "-"}}).text, "a");
}

TEST(GenerationLoop, EndsAtAnAbortWithWhatIsCertain) {
  Player player({"one ST", "\xC3"});
  const step::Finish finish = player.play({.stop = {"STOP"}}, 2);
  EXPECT_EQ(finish.reason, FinishReason::kAbort);
  EXPECT_EQ(finish.text, "one ST");
  EXPECT_EQ(player.all(), "one ST");
  GenerationLoop idle(graph());
  const GenerationStep step = idle.abort();
  ASSERT_TRUE(std::holds_alternative<step::Finish>(step));
  EXPECT_EQ(std::get<step::Finish>(step).text, "");
}

TEST(GenerationLoop, FailsWhenTheModelComputesNonsense) {
  GenerationLoop loop(graph());
  loop.begin({5}, {});
  std::vector<float> logits(4096, std::numeric_limits<float>::quiet_NaN());
  const GenerationStep step = loop.logits(logits);
  ASSERT_TRUE(std::holds_alternative<step::Failed>(step));
  EXPECT_EQ(std::get<step::Failed>(step).error.code, ErrorCode::kRuntime);
}

TEST(GenerationLoop, FailsOnAnswersThatWereNotAskedFor) {
  GenerationLoop loop(graph());
  EXPECT_TRUE(std::holds_alternative<step::Failed>(loop.next()));
  EXPECT_TRUE(std::holds_alternative<step::Failed>(loop.text("x")));
  std::vector<float> logits(4096, 0.F);
  EXPECT_TRUE(std::holds_alternative<step::Failed>(loop.logits(logits)));
}

TEST(GenerationLoop, UsesTheModelsOwnSamplingOnlyWhereTheModelSamples) {
  GraphDescription description = graph();
  description.defaults.temperature = 5;
  description.defaults.repetition_penalty = 4;
  GenerationLoop loop(description);
  // Greedy, but with the model's penalty: the prompt's token loses.
  loop.begin({50}, {});
  std::vector<float> logits(4096, 0.F);
  logits[50] = 8;
  logits[60] = 3;
  auto step = loop.logits(logits);
  EXPECT_EQ(std::get<step::Decode>(step).ids, (std::vector<TokenId>{60}));

  description.defaults.sample = true;
  GenerationLoop sampling(description);
  std::set<TokenId> seen;
  for (std::uint64_t seed = 0; seed < 40; ++seed) {
    sampling.begin({1}, {.seed = seed});
    std::vector<float> flat(4096, 0.F);
    flat[60] = 1;
    auto next = sampling.logits(flat);
    if (auto* decode = std::get_if<step::Decode>(&next)) seen.insert(decode->ids[0]);
  }
  EXPECT_GT(seen.size(), 10U);
  sampling.begin({1}, {.temperature = 0, .seed = 3});
  std::vector<float> flat(4096, 0.F);
  flat[60] = 1;
  auto greedy = sampling.logits(flat);
  EXPECT_EQ(std::get<step::Decode>(greedy).ids, (std::vector<TokenId>{60}));
}

TEST(GenerationLoop, DecodesLongAnswersInAMovingWindow) {
  std::vector<std::string> tokens;
  std::string expected;
  for (int i = 0; i < 400; ++i) {
    tokens.push_back(" w" + std::to_string(i));
    expected += tokens.back();
  }
  Player player(tokens);
  const step::Finish finish = player.play({.max_new_tokens = 1'000});
  EXPECT_EQ(finish.text, expected);
  EXPECT_EQ(player.all(), expected);
  EXPECT_LT(player.decoded_ids, 400U * 50U);
}

TEST(GenerationLoop, CopesWithADecoderThatDropsTheFirstSpace) {
  // As sentencepiece tokenizers do at the beginning of whatever they are given.
  std::vector<std::string> tokens;
  std::string expected;
  for (int i = 0; i < 200; ++i) {
    tokens.push_back(" w" + std::to_string(i));
    expected += tokens.back();
  }
  Player player(tokens);
  const auto plain = player.decode;
  player.decode = [&](const std::vector<TokenId>& ids) {
    std::string text = plain(ids);
    return !text.empty() && text[0] == ' ' ? text.substr(1) : text;
  };
  EXPECT_EQ(player.play({}).text, expected.substr(1));
  EXPECT_EQ(player.all(), expected.substr(1));
}

TEST(GenerationLoop, GivesPiecesThatAreTheWholeTextForAnyText) {
  std::mt19937 random(1);
  const std::vector<std::string> alphabet{
      "a", "b", " ", "\n", "ST", "O", "P", "\xC3\xBC", "\xE2\x82\xAC", "\xF0\x9F\x98\x80", "."};
  for (int round = 0; round < 300; ++round) {
    std::string text;
    for (unsigned i = 0; i < 5 + random() % 300; ++i) text += alphabet[random() % alphabet.size()];
    std::vector<std::string> tokens;
    for (std::size_t i = 0; i < text.size();) {
      const std::size_t length = 1 + random() % 5;
      tokens.push_back(text.substr(i, length));
      i += length;
    }
    Player player(tokens);
    GenerationOptions options{.max_new_tokens = 2'000};
    if (round % 2 == 0) options.stop = {"STOP", "\n\n\n"};
    const std::size_t abort_after = round % 5 == 0 ? random() % tokens.size() : SIZE_MAX;
    const step::Finish finish = player.play(options, abort_after);
    ASSERT_EQ(player.all(), finish.text) << "round " << round;
    ASSERT_EQ(player.all(), text.substr(0, finish.text.size())) << "round " << round;
    const std::size_t stop =
        options.stop.empty() ? std::string::npos : std::min(text.find("STOP"), text.find("\n\n\n"));
    if (finish.reason == FinishReason::kEos) {
      ASSERT_EQ(finish.text, text);
      ASSERT_EQ(stop, std::string::npos);
    }
    if (finish.reason == FinishReason::kStop) {
      ASSERT_EQ(finish.text.size(), stop);
    }
    for (const std::string& piece : player.pieces) {
      ASSERT_FALSE(piece.empty());
      ASSERT_EQ(decode_bytes(piece), piece) << "half a character in a piece";
    }
  }
}

}  // namespace
}  // namespace candor
