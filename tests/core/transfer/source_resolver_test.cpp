#include "candor/transfer/source_resolver.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace candor {
namespace {

const std::string kCommit(40, 'c');
const std::string kApi = "https://huggingface.co/api/models/owner/name/";

Instant at(double ms) { return instant_from_ms(ms); }

std::vector<action::Fetch> fetches(const std::vector<Action>& actions) {
  std::vector<action::Fetch> list;
  for (const Action& action : actions) {
    if (const auto* fetch = std::get_if<action::Fetch>(&action)) list.push_back(*fetch);
  }
  return list;
}

action::Fetch only_fetch(const std::vector<Action>& actions) {
  const auto list = fetches(actions);
  EXPECT_EQ(list.size(), 1U);
  return list.empty() ? action::Fetch{} : list.front();
}

SourceResolver hub(std::string revision = "main", bool online = true) {
  return SourceResolver({"owner/name", std::move(revision), "https://huggingface.co"}, {{}, 1, 0, online});
}

SourceResolver folder(std::vector<std::string> candidates = {}) {
  return SourceResolver({"https://example.org/models/mini", "main", "https://huggingface.co"},
                        {std::move(candidates), 1, 0, true});
}

using Headers = std::vector<std::pair<std::string, std::string>>;

std::vector<Action> answer(SourceResolver& resolver, const action::Fetch& fetch, std::string body,
                           Headers headers = {}) {
  resolver.on(event::Head{fetch.request, 200, false, std::move(headers)}, at(1));
  return resolver.on(event::Text{fetch.request, std::move(body)}, at(1));
}

std::string entry(const std::string& path) {
  return R"({"type":"file","oid":")" + std::string(40, 'b') + R"(","size":7,"path":")" + path + R"("})";
}

TEST(SourceResolver, AsksTheHubForTheCommitAndThenForItsTree) {
  SourceResolver resolver = hub();
  const auto first = only_fetch(resolver.start(at(0)));
  EXPECT_EQ(first.url, kApi + "revision/main");
  EXPECT_EQ(first.body, action::Body::kText);
  EXPECT_GT(first.limit, 0U);
  const auto second = only_fetch(answer(resolver, first, R"({"sha":")" + kCommit + R"("})"));
  EXPECT_EQ(second.url, kApi + "tree/" + kCommit + "?recursive=true");
  EXPECT_NE(second.request, first.request);
  EXPECT_TRUE(answer(resolver, second, "[" + entry("onnx/model q4.onnx") + "]").empty());
  ASSERT_EQ(resolver.state(), SourceResolver::State::kDone);
  EXPECT_EQ(resolver.manifest().commit(), kCommit);
  EXPECT_EQ(resolver.manifest().files().at(0).url,
            "https://huggingface.co/owner/name/resolve/" + kCommit + "/onnx/model%20q4.onnx");
}

TEST(SourceResolver, FollowsThePagesOfTheTree) {
  SourceResolver resolver = hub(kCommit);
  const auto first = only_fetch(resolver.start(at(0)));
  const std::string next = kApi + "tree/" + kCommit + "?recursive=true&cursor=x";
  const auto second =
      only_fetch(answer(resolver, first, "[" + entry("a") + "]", {{"link", "<" + next + ">; rel=\"next\""}}));
  EXPECT_EQ(second.url, next);
  answer(resolver, second, "[" + entry("b") + "]");
  ASSERT_EQ(resolver.state(), SourceResolver::State::kDone);
  EXPECT_EQ(resolver.manifest().files().size(), 2U);
}

TEST(SourceResolver, DoesNotFollowAPageToAnotherServerOrInACircle) {
  for (const std::string& next :
       {std::string("https://evil.example/tree"), kApi + "tree/" + kCommit + "?recursive=true"}) {
    SourceResolver resolver = hub(kCommit);
    const auto first = only_fetch(resolver.start(at(0)));
    answer(resolver, first, "[" + entry("a") + "]", {{"link", "<" + next + ">; rel=\"next\""}});
    ASSERT_EQ(resolver.state(), SourceResolver::State::kFailed) << next;
    EXPECT_EQ(resolver.error()->code, ErrorCode::kUnsupported);
  }
}

TEST(SourceResolver, AsksTheConfiguredHostForTheNextPageWhereverItIsSaidToBe) {
  const std::string tail = "/api/models/owner/name/tree/" + kCommit;
  for (const std::string host : {"https://mirror.example", "https://mirror.example/hub"})
    for (const std::string& next :
         {"https://huggingface.co" + tail + "?cursor=x", tail + "?cursor=x", "/hub" + tail + "?cursor=x",
          std::string("?cursor=x"), kCommit + "?cursor=x", "//cdn.example" + tail + "?cursor=x"}) {
      SourceResolver resolver({"owner/name", kCommit, host}, {{}, 1, 0, true});
      const auto first = only_fetch(resolver.start(at(0)));
      const auto second = only_fetch(
          answer(resolver, first, "[" + entry("a") + "]", {{"link", "<" + next + ">; rel=\"next\""}}));
      EXPECT_EQ(second.url, host + tail + "?cursor=x") << next;
      answer(resolver, second, "[" + entry("b") + "]");
      ASSERT_EQ(resolver.state(), SourceResolver::State::kDone);
      EXPECT_EQ(resolver.manifest().files().at(1).url, host + "/owner/name/resolve/" + kCommit + "/b");
    }
}

TEST(SourceResolver, BoundsAListOfManyPages) {
  SourceResolver resolver = hub(kCommit);
  auto fetch = only_fetch(resolver.start(at(0)));
  int pages = 0;
  for (; resolver.state() == SourceResolver::State::kAsking && pages < 10'000; ++pages) {
    const std::string next = kApi + "tree/" + kCommit + "?cursor=" + std::to_string(pages);
    const auto more = fetches(answer(resolver, fetch, "[]", {{"link", "<" + next + ">; rel=\"next\""}}));
    if (!more.empty()) fetch = more.front();
  }
  ASSERT_EQ(resolver.state(), SourceResolver::State::kFailed);
  EXPECT_NE(resolver.error()->message.find("tooLong"), std::string::npos);
  EXPECT_LT(pages, 1'000);
}

TEST(SourceResolver, SaysThatAListIsTooLongInsteadOfReadingHalfOfIt) {
  SourceResolver resolver = hub(kCommit);
  const auto fetch = only_fetch(resolver.start(at(0)));
  // As much as is read of a text.
  answer(resolver, fetch, std::string(fetch.limit - 3, ' '));
  ASSERT_EQ(resolver.state(), SourceResolver::State::kFailed);
  EXPECT_NE(resolver.error()->message.find("tooLong"), std::string::npos);
}

TEST(SourceResolver, SaysThatANetworkAsksForALoginWhereEverythingIsAWebPage) {
  const Headers page{{"content-type", "text/html"}};
  for (const bool in_folder : {false, true}) {
    SourceResolver resolver = in_folder ? folder({"config.json", "onnx/model.onnx"}) : hub();
    auto open = fetches(resolver.start(at(0)));
    double ms = 0;
    unsigned rounds = 0;
    for (int i = 0; i < 100 && resolver.state() != SourceResolver::State::kFailed; ++i) {
      if (open.empty()) {
        EXPECT_EQ(resolver.state(), SourceResolver::State::kWaiting);
        ++rounds;
        ms = to_ms(*resolver.wake_at());
        open = fetches(resolver.tick(at(ms)));
      }
      const auto fetch = open.back();
      open.pop_back();
      auto more = resolver.on(event::Head{fetch.request, 200, false, page}, at(ms));
      if (!in_folder) more = resolver.on(event::Text{fetch.request, "\n<!DOCTYPE html><p>Sign in"}, at(ms));
      for (const auto& next : fetches(more)) open.push_back(next);
    }
    ASSERT_EQ(resolver.state(), SourceResolver::State::kFailed);
    EXPECT_EQ(rounds, 2U);
    EXPECT_TRUE(resolver.error()->retryable);
    EXPECT_EQ(resolver.error()->code, ErrorCode::kNetwork);
    EXPECT_NE(resolver.error()->message.find("portal"), std::string::npos);
    EXPECT_FALSE(fetches(resolver.retry(at(1e6))).empty());
  }
}

TEST(SourceResolver, PutsTheQueryOfAFolderBehindThePathOfEachFile) {
  for (const char* address : {"https://h.example/m?sig=a%2Fb", "https://h.example/m/?sig=a%2Fb#top"}) {
    SourceResolver resolver({address, "main", "https://huggingface.co"}, {{"config.json"}, 1, 0, true});
    const auto list = only_fetch(resolver.start(at(0)));
    EXPECT_EQ(list.url, "https://h.example/m/candor.json?sig=a%2Fb");
    const auto probe = only_fetch(resolver.on(event::Head{list.request, 404, false, {}}, at(1)));
    EXPECT_EQ(probe.url, "https://h.example/m/config.json?sig=a%2Fb");
    resolver.on(event::Head{probe.request, 206, false, {{"content-range", "bytes 0-0/9"}}}, at(2));
    EXPECT_EQ(resolver.manifest().files().at(0).url, probe.url);
    SourceResolver listed({address, "main", "https://huggingface.co"}, {});
    answer(listed, only_fetch(listed.start(at(0))), R"({"version":1,"files":[{"path":"a b","size":3}]})");
    EXPECT_EQ(listed.manifest().files().at(0).url, "https://h.example/m/a%20b?sig=a%2Fb");
  }
}

TEST(SourceResolver, EscapesTheRevision) {
  SourceResolver resolver = hub("refs/pr/3");
  EXPECT_EQ(only_fetch(resolver.start(at(0))).url, kApi + "revision/refs%2Fpr%2F3");
}

TEST(SourceResolver, RefusesNamesThatAreNoModels) {
  for (const char* repo :
       {"", "a/b/c", "../x", "a b", "owner/", "/name", "file:///etc/passwd", "owner/..", "a?b"}) {
    EXPECT_TRUE((ModelSource{repo, "main", "https://huggingface.co"}.fault())) << repo;
  }
  EXPECT_TRUE((ModelSource{"owner/name", "", "https://huggingface.co"}.fault()));
  EXPECT_TRUE((ModelSource{"owner/name", "../x", "https://huggingface.co"}.fault()));
  EXPECT_TRUE((ModelSource{"owner/name", "main", "ftp://x"}.fault()));
  EXPECT_FALSE((ModelSource{"owner/name-1.5_x", "main", "http://127.0.0.1:80"}.fault()));
  EXPECT_FALSE((ModelSource{"gpt2", "main", "https://huggingface.co"}.fault()));
  SourceResolver resolver({"a/b/c", "main", "https://huggingface.co"}, {});
  EXPECT_TRUE(resolver.start(at(0)).empty());
  EXPECT_EQ(resolver.state(), SourceResolver::State::kFailed);
}

TEST(SourceResolver, TellsWhatTheServerSaysInTheVisitorsTerms) {
  const std::vector<std::pair<int, ErrorCode>> cases{{401, ErrorCode::kGated}, {404, ErrorCode::kNotFound}};
  for (const auto& [status, code] : cases) {
    SourceResolver resolver = hub();
    const auto fetch = only_fetch(resolver.start(at(0)));
    resolver.on(event::Head{fetch.request, status, false, {}}, at(1));
    ASSERT_EQ(resolver.state(), SourceResolver::State::kFailed);
    EXPECT_EQ(resolver.error()->code, code);
  }
}

TEST(SourceResolver, WaitsAndAsksAgainWhenTheServerFails) {
  SourceResolver resolver = hub();
  auto fetch = only_fetch(resolver.start(at(0)));
  resolver.on(event::Head{fetch.request, 503, false, {}}, at(1));
  ASSERT_EQ(resolver.state(), SourceResolver::State::kWaiting);
  ASSERT_TRUE(resolver.wake_at());
  EXPECT_TRUE(resolver.tick(at(2)).empty());
  fetch = only_fetch(resolver.tick(*resolver.wake_at()));
  EXPECT_EQ(fetch.url, kApi + "revision/main");
  EXPECT_FALSE(resolver.error());
}

TEST(SourceResolver, AsksTheVisitorAfterThreeAttemptsAndGoesOnWhenTold) {
  SourceResolver resolver = hub();
  auto fetch = only_fetch(resolver.start(at(0)));
  for (int i = 0; i < 20 && resolver.state() != SourceResolver::State::kFailed; ++i) {
    resolver.on(event::FetchFailed{fetch.request, ErrorCode::kNetwork, "reset"}, at(10'000 * i));
    if (resolver.wake_at()) {
      const auto again = fetches(resolver.tick(*resolver.wake_at()));
      if (!again.empty()) fetch = again.front();
    }
  }
  ASSERT_EQ(resolver.state(), SourceResolver::State::kFailed);
  EXPECT_TRUE(resolver.error()->retryable);
  EXPECT_EQ(only_fetch(resolver.retry(at(1e6))).url, kApi + "revision/main");
}

TEST(SourceResolver, AsksAlthoughTheBrowserSaysItIsOfflineAndNowAndThenAgain) {
  SourceResolver resolver = hub("main", false);
  auto fetch = only_fetch(resolver.start(at(0)));
  for (int i = 0; i < 10; ++i) {
    resolver.on(event::FetchFailed{fetch.request, ErrorCode::kNetwork, "offline"}, at(30'000 * i));
    ASSERT_EQ(resolver.state(), SourceResolver::State::kWaiting);
    EXPECT_EQ(resolver.error()->code, ErrorCode::kNetwork);
    EXPECT_EQ(resolver.error()->message, "offline");
    ASSERT_TRUE(resolver.wake_at());
    EXPECT_EQ(to_ms(*resolver.wake_at()), 30'000 * (i + 1));
    EXPECT_EQ(resolver.retry_at(), resolver.wake_at());
    fetch = only_fetch(resolver.tick(*resolver.wake_at()));
  }
  // A server on this machine, or a service worker, answers all the same.
  EXPECT_EQ(fetches(answer(resolver, fetch, R"({"sha":")" + kCommit + R"("})")).size(), 1U);
}

TEST(SourceResolver, AsksAtOnceWhenTheNetworkIsBack) {
  SourceResolver resolver = hub("main", false);
  const auto fetch = only_fetch(resolver.start(at(0)));
  resolver.on(event::FetchFailed{fetch.request, ErrorCode::kNetwork, "offline"}, at(1));
  EXPECT_EQ(fetches(resolver.online(at(5))).size(), 1U);
}

TEST(SourceResolver, GivesUpOnAServerThatNeverAnswers) {
  SourceResolver resolver = hub();
  const auto fetch = only_fetch(resolver.start(at(0)));
  EXPECT_EQ(to_ms(*resolver.wake_at()), 30'000);
  const auto actions = resolver.tick(at(30'000));
  ASSERT_FALSE(actions.empty());
  EXPECT_EQ(std::get<action::Abort>(actions.front()).request, fetch.request);
  EXPECT_NE(resolver.state(), SourceResolver::State::kDone);
}

TEST(SourceResolver, IsPatientWithAListThatFlows) {
  SourceResolver resolver = hub();
  const auto fetch = only_fetch(resolver.start(at(0)));
  resolver.on(event::Head{fetch.request, 200, false, {}}, at(20'000));
  EXPECT_TRUE(resolver.tick(at(30'000)).empty());
  for (int i = 2; i < 12; ++i) {
    EXPECT_TRUE(resolver.on(event::Heard{fetch.request}, at(20'000 * i)).empty());
    EXPECT_EQ(to_ms(*resolver.wake_at()), 20'000 * i + 30'000);
    EXPECT_TRUE(resolver.tick(at(20'000 * i + 29'000)).empty());
  }
  EXPECT_TRUE(resolver.on(event::Heard{999}, at(245'000)).empty());
  EXPECT_EQ(std::get<action::Abort>(resolver.tick(at(250'000)).front()).request, fetch.request);
}

TEST(SourceResolver, AsksAgainForThePageThatBrokeOff) {
  SourceResolver resolver = hub(kCommit);
  const auto first = only_fetch(resolver.start(at(0)));
  const auto next = [](int page) { return kApi + "tree/" + kCommit + "?cursor=" + std::to_string(page); };
  const auto link = [&](int page) { return Headers{{"link", "<" + next(page) + ">; rel=\"next\""}}; };
  const auto second = only_fetch(answer(resolver, first, "[" + entry("a") + "]", link(2)));
  // The head of the second page names the third, and then its body breaks off.
  resolver.on(event::Head{second.request, 200, false, link(3)}, at(1));
  resolver.on(event::FetchFailed{second.request, ErrorCode::kNetwork, "reset"}, at(2));
  const auto again = only_fetch(resolver.tick(*resolver.wake_at()));
  EXPECT_EQ(again.url, next(2));
  const auto third = only_fetch(answer(resolver, again, "[" + entry("b") + "]", link(3)));
  EXPECT_EQ(third.url, next(3));
  answer(resolver, third, "[" + entry("c") + "]");
  ASSERT_EQ(resolver.state(), SourceResolver::State::kDone);
  EXPECT_EQ(resolver.manifest().files().size(), 3U);
}

TEST(SourceResolver, TakesNonsenseFromTheApiForAnUnexpectedAnswer) {
  SourceResolver resolver = hub();
  const auto fetch = only_fetch(resolver.start(at(0)));
  answer(resolver, fetch, "<html>Log in to the café's Wi-Fi</html>");
  EXPECT_EQ(resolver.error()->code, ErrorCode::kNetwork);
  EXPECT_NE(resolver.state(), SourceResolver::State::kDone);
}

TEST(SourceResolver, ReadsTheListOfAPlainFolder) {
  SourceResolver resolver = folder();
  const auto fetch = only_fetch(resolver.start(at(0)));
  EXPECT_EQ(fetch.url, "https://example.org/models/mini/candor.json");
  answer(resolver, fetch,
         R"({"version":1,"files":[{"path":"config.json","size":3,"sha256":")" + std::string(64, 'a') +
             R"("}]})");
  ASSERT_EQ(resolver.state(), SourceResolver::State::kDone);
  EXPECT_EQ(resolver.manifest().files().at(0).url, "https://example.org/models/mini/config.json");
}

TEST(SourceResolver, AsksForEachFileOfAPlainFolderWithoutAList) {
  for (const bool page_for_everything : {false, true}) {
    SourceResolver resolver =
        folder({"config.json", "onnx/model_q4.onnx", "onnx/model_q4.onnx_data", "chat_template.jinja"});
    const auto list = only_fetch(resolver.start(at(0)));
    const Headers page{{"content-type", "text/html; charset=utf-8"}};
    auto probes =
        fetches(page_for_everything ? resolver.on(event::Head{list.request, 200, false, page}, at(1))
                                    : resolver.on(event::Head{list.request, 404, false, {}}, at(1)));
    ASSERT_EQ(probes.size(), 4U);
    for (std::size_t i = 0; i < probes.size(); ++i) {
      const action::Fetch probe = probes[i];
      ASSERT_TRUE(probe.range);
      EXPECT_EQ(probe.range->first, 0U);
      EXPECT_EQ(probe.range->last, 0U);
      const bool there =
          probe.url.find("jinja") == std::string::npos && probe.url.find("_data_2") == std::string::npos;
      std::vector<Action> actions;
      if (there) {
        actions =
            resolver.on(event::Head{probe.request, 206, false, {{"content-range", "bytes 0-0/1234"}}}, at(2));
      } else if (page_for_everything) {
        actions = resolver.on(event::Head{probe.request, 200, false, page}, at(2));
      } else {
        actions = resolver.on(event::Head{probe.request, 404, false, {}}, at(2));
      }
      for (action::Fetch& more : fetches(actions)) probes.push_back(std::move(more));
    }
    // External data led to the question for its second and third file.
    EXPECT_EQ(probes.size(), 6U);
    ASSERT_EQ(resolver.state(), SourceResolver::State::kDone);
    EXPECT_EQ(resolver.manifest().files().size(), 4U);
    EXPECT_EQ(resolver.manifest().find("onnx/model_q4.onnx")->size, 1'234U);
    EXPECT_NE(resolver.manifest().find("onnx/model_q4.onnx_data_1"), nullptr);
    EXPECT_EQ(resolver.manifest().find("chat_template.jinja"), nullptr);
  }
}

/// What a plain folder with these answers to its probes is.
Manifest probed(const std::vector<Headers>& replies, double ms = 0, bool in_order = true) {
  std::vector<std::string> paths;
  for (std::size_t i = 0; i < replies.size(); ++i) paths.push_back("file" + std::to_string(i));
  SourceResolver resolver = folder(paths);
  const auto list = only_fetch(resolver.start(at(ms)));
  const auto probes = fetches(resolver.on(event::Head{list.request, 404, false, {}}, at(ms)));
  for (std::size_t n = 0; n < replies.size(); ++n) {
    const std::size_t i = in_order ? n : replies.size() - 1 - n;
    resolver.on(event::Head{probes.at(i).request, 206, false, replies[i]}, at(ms));
  }
  EXPECT_EQ(resolver.state(), SourceResolver::State::kDone);
  return resolver.manifest();
}

TEST(SourceResolver, KnowsAFolderThatWasPublishedAgain) {
  const std::string monday = "Mon, 02 Nov 2026 10:00:00 GMT";
  const std::string tuesday = "Tue, 03 Nov 2026 10:00:00 GMT";
  const auto reply = [](const std::string& etag, const std::string& time) {
    return Headers{{"content-range", "bytes 0-0/1234"}, {"etag", etag}, {"last-modified", time}};
  };
  const Manifest first = probed({reply("a", monday), reply("b", monday)}, 1);
  EXPECT_EQ(first.find("file0")->version, (FileVersion{"a", monday}));
  EXPECT_NE(first.commit(), "");
  EXPECT_EQ(probed({reply("a", monday), reply("b", monday)}, 9'000, false).commit(), first.commit());
  EXPECT_NE(probed({reply("a", monday), reply("c", tuesday)}).commit(), first.commit());
  // A server that says nothing of it may have published anything in between.
  const Headers silent{{"content-range", "bytes 0-0/1234"}};
  EXPECT_NE(probed({reply("a", monday), silent}, 1).commit(),
            probed({reply("a", monday), silent}, 9).commit());
}

TEST(SourceResolver, SaysThatAFolderIsEmpty) {
  SourceResolver resolver = folder({"config.json"});
  const auto list = only_fetch(resolver.start(at(0)));
  const auto probe = only_fetch(resolver.on(event::Head{list.request, 404, false, {}}, at(1)));
  resolver.on(event::Head{probe.request, 404, false, {}}, at(2));
  ASSERT_EQ(resolver.state(), SourceResolver::State::kFailed);
  EXPECT_EQ(resolver.error()->code, ErrorCode::kNotFound);
}

TEST(SourceResolver, IgnoresAnswersToQuestionsThatItGaveUp) {
  SourceResolver resolver = hub();
  const auto fetch = only_fetch(resolver.start(at(0)));
  EXPECT_EQ(resolver.stop().size(), 1U);
  EXPECT_TRUE(answer(resolver, fetch, R"({"sha":")" + kCommit + R"("})").empty());
  EXPECT_TRUE(resolver.on(event::FetchFailed{fetch.request, ErrorCode::kNetwork, ""}, at(3)).empty());
}

}  // namespace
}  // namespace candor
