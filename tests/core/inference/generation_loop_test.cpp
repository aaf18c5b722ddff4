#include "candor/inference/generation_loop.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <limits>
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

/// Plays a graph and its cache: checks that what it is given follows what it holds, and says one token.
struct Reader {
  GenerationLoop loop;
  std::vector<TokenId> cache;
  std::vector<std::size_t> pieces;  // of the prompt, tokens in each run
  std::size_t logits_of_prompt = 0;

  explicit Reader(const GraphDescription& description) : loop(description) {}

  step::Finish answer(const std::vector<TokenId>& prompt, std::uint32_t max_new_tokens,
                      std::size_t abort_after = SIZE_MAX) {
    pieces.clear();
    logits_of_prompt = 0;
    TokenId say = 3;
    GenerationStep step = loop.begin(prompt, {.max_new_tokens = max_new_tokens});
    while (true) {
      if (auto* run = std::get_if<step::Run>(&step)) {
        if (run->prompt_length > 0 && pieces.size() == abort_after) {
          step = loop.abort();
          continue;
        }
        EXPECT_LE(run->past_length, cache.size());
        cache.resize(run->past_length);
        cache.insert(cache.end(), run->input_ids.begin(), run->input_ids.end());
        if (run->prompt_length > 0) {
          EXPECT_EQ(run->prompt_length, prompt.size());
          pieces.push_back(run->input_ids.size());
          EXPECT_TRUE(std::equal(cache.begin(), cache.end(), prompt.begin()))
              << "what it holds is the prompt";
          EXPECT_EQ(run->logits, max_new_tokens > 0 && cache.size() == prompt.size());
        } else {
          EXPECT_TRUE(run->logits);
        }
        if (run->logits) {
          std::vector<float> logits(4096, 0.F);
          logits[++say] = 5;
          step = loop.logits(logits);
        } else {
          step = loop.logits({});
        }
      } else if (std::holds_alternative<step::Decode>(step)) {
        step = loop.text("x");
      } else if (std::holds_alternative<step::Piece>(step)) {
        step = loop.next();
      } else if (auto* finish = std::get_if<step::Finish>(&step)) {
        EXPECT_LE(finish->keep, cache.size());
        cache.resize(finish->keep);
        return *finish;
      } else {
        ADD_FAILURE() << std::get<step::Failed>(step).error.message;
        return {};
      }
    }
  }
};

std::vector<TokenId> tokens_from(TokenId first, std::size_t count) {
  std::vector<TokenId> tokens(count);
  for (std::size_t i = 0; i < count; ++i) tokens[i] = static_cast<TokenId>((first + i * 7) % 4000);
  return tokens;
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

TEST(GenerationLoop, ReadsALongPromptInPiecesAndAsksForLogitsOnce) {
  Reader reader(graph());
  const step::Finish finish = reader.answer(tokens_from(5, 200), 2);
  EXPECT_EQ(reader.pieces, (std::vector<std::size_t>{64, 64, 64, 8}));
  EXPECT_EQ(finish.prompt_length, 200U);
  EXPECT_EQ(finish.reused, 0U);
  EXPECT_EQ(finish.ids.size(), 2U);

  GraphDescription wide = graph();
  wide.shape.vocabulary = 256'000;
  Reader bounded(wide);
  bounded.answer(tokens_from(5, 70), 1);
  EXPECT_EQ(bounded.pieces, (std::vector<std::size_t>{32, 32, 6})) << "32 MiB of logits at most";
  wide.inputs.push_back({"num_logits_to_keep", "int64", {}});
  Reader last_only(wide);
  ASSERT_FALSE(last_only.loop.error());
  EXPECT_TRUE(last_only.loop.layout().logits_to_keep->empty()) << "a scalar";
  last_only.answer(tokens_from(5, 70), 1);
  EXPECT_EQ(last_only.pieces, (std::vector<std::size_t>{64, 6}));
}

TEST(GenerationLoop, GoesOnFromWhatTheLastPromptAndThisOneHaveInCommon) {
  Reader reader(graph());
  std::vector<TokenId> prompt = tokens_from(5, 100);
  const step::Finish first = reader.answer(prompt, 3);
  EXPECT_EQ(first.keep, 102U) << "the prompt and the answer but for its last token, which was never read";

  // The conversation goes on.
  prompt.insert(prompt.end(), first.ids.begin(), first.ids.end());
  prompt.push_back(9);
  EXPECT_EQ(reader.answer(prompt, 3).reused, 102U);
  EXPECT_EQ(reader.pieces, std::vector<std::size_t>{2});

  // The same question again: its last token is read for its logits.
  EXPECT_EQ(reader.answer(prompt, 3).reused, prompt.size() - 1);
  // A turn was edited.
  prompt[50] = 1;
  EXPECT_EQ(reader.answer(prompt, 3).reused, 50U);
  // Another conversation.
  EXPECT_EQ(reader.answer(tokens_from(77, 30), 3).reused, 0U);
}

TEST(GenerationLoop, OnlyReadsAPromptThatIsPreparedAndReadsNothingTwice) {
  Reader reader(graph());
  const std::vector<TokenId> preface = tokens_from(5, 150);
  const step::Finish prepared = reader.answer(preface, 0);
  EXPECT_TRUE(prepared.ids.empty());
  EXPECT_EQ(prepared.keep, 150U);
  EXPECT_TRUE(reader.answer(preface, 0).ids.empty());
  EXPECT_TRUE(reader.pieces.empty()) << "it is here already";
  std::vector<TokenId> prompt = preface;
  prompt.push_back(8);
  EXPECT_EQ(reader.answer(prompt, 2).reused, 150U);
}

TEST(GenerationLoop, KeepsWhatWasReadWhenItIsStopped) {
  Reader reader(graph());
  const std::vector<TokenId> prompt = tokens_from(5, 200);
  const step::Finish stopped = reader.answer(prompt, 4, 2);
  EXPECT_EQ(stopped.reason, FinishReason::kAbort);
  EXPECT_EQ(stopped.keep, 128U);
  EXPECT_EQ(reader.answer(prompt, 4).reused, 128U);
}

TEST(GenerationLoop, BeginsAnewWhereTheCacheIsNotToBeTrusted) {
  Reader reader(graph());
  const std::vector<TokenId> prompt = tokens_from(5, 20);
  reader.answer(prompt, 2);
  reader.loop.forget();
  EXPECT_EQ(reader.answer(prompt, 2).reused, 0U);

  GenerationStep step = reader.loop.begin(tokens_from(6, 20), {});
  std::vector<float> nonsense(4096, std::numeric_limits<float>::quiet_NaN());
  step = reader.loop.logits(nonsense);
  EXPECT_TRUE(std::holds_alternative<step::Failed>(step));
  EXPECT_EQ(reader.answer(tokens_from(6, 20), 2).reused, 0U);

  // Half-precision rows of odd length can't be cut on a GPU.
  GraphDescription odd = graph();
  odd.shape.head_dim = 63;
  for (TensorDescription& input : odd.inputs) {
    if (input.shape.size() == 4) input = {input.name, "float16", {{}, 3, {}, 63}};
  }
  Reader uncut(odd);
  uncut.answer(prompt, 2);
  EXPECT_EQ(uncut.answer(tokens_from(5, 10), 2).reused, 0U);
}

TEST(GenerationLoop, BoundsTheMemoryThatItKeeps) {
  GraphDescription large = graph();
  large.shape.kv_heads = 64;
  large.shape.head_dim = 8192;
  large.shape.context_length.reset();
  for (TensorDescription& input : large.inputs) input.shape.clear();
  Reader reader(large);
  const step::Finish finish = reader.answer(tokens_from(5, 40), 1);
  EXPECT_EQ(finish.keep, 32U) << "256 MiB of 8 MiB each";
}

TEST(GenerationLoop, FeedsThePromptAndThenOneTokenAtATime) {
  Player player({"a", "b"});
  const step::Finish finish = player.play({});
  ASSERT_EQ(player.runs.size(), 3U);
  EXPECT_EQ(player.runs[0].input_ids, (std::vector<TokenId>{10, 11, 12}));
  EXPECT_TRUE(player.runs[0].logits);
  EXPECT_EQ(player.runs[0].prompt_length, 3U);
  EXPECT_EQ(player.runs[0].past_length, 0U);
  EXPECT_EQ(player.runs[1].input_ids, (std::vector<TokenId>{100}));
  EXPECT_EQ(player.runs[1].prompt_length, 0U) << "the prompt was read";
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
