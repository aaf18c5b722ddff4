#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>

#include "candor/loader/model_loader.hpp"
#include "loader/loader_world.hpp"

namespace candor {
namespace {

// Enough to meet every pair of troubles at several moments, few enough for every run of the tests.
// CANDOR_SCHEDULES=100000 is the long run.
constexpr std::uint64_t kSchedules = 1'000;

std::uint64_t number_from(const char* variable, std::uint64_t otherwise) {
  const char* text = std::getenv(variable);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

/// One visitor, a server, a disk, a runtime and another tab, all at random: commands at any moment,
/// connections that break, bytes that are wrong, a page that is left, a model that is published anew, answers
/// that come late or twice.
class Schedule {
 public:
  explicit Schedule(std::uint64_t seed) {
    world_.random.seed(seed);
    world_.shuffle = true;
    world_.config.seed = seed;
    world_.config.sizes = TransferSizes{}.scaled_down(4'096);
    world_.piece = 64U << below(5);
    world_.hub = seed % 3 != 0;
    if (!world_.hub) world_.config.source.repo = "https://example.org/mini";
    world_.candor_json = seed % 2 == 0;
    world_.device.shader_f16 = seed % 4 != 0;
    world_.device.persistent = seed % 5 != 0;
    world_.config.revalidate = static_cast<Revalidate>(below(4));
    world_.publish(version(0), 'a');
  }

  /// The first promise that was not kept; empty: all were.
  std::string run() {
    const auto events = 20 + below(100);
    for (std::uint64_t i = 0; i < events && world_.broken.empty(); ++i) {
      happen();
      world_.run(static_cast<int>(below(20)));
    }
    if (world_.broken.empty()) end_well();
    return world_.broken;
  }

 private:
  std::uint64_t below(std::uint64_t n) { return world_.random() % n; }
  bool chance(std::uint64_t in) { return below(in) == 0; }

  /// Small, so that a schedule is short; several blocks, ranges and journals long at these sizes.
  static std::map<std::string, std::string> version(unsigned number) {
    static std::map<unsigned, std::map<std::string, std::string>> versions;
    auto& files = versions[number];
    if (!files.empty()) return files;
    files = {{"config.json", R"({"model_type":"llama"})"},
             {"tokenizer.json", std::string(700, static_cast<char>('t' + number % 3))},
             {"onnx/model_q4.onnx", LoaderWorld::content(9'000, 10 + number)},
             {"onnx/model_q4f16.onnx", LoaderWorld::content(7'000 + number % 2, 20 + number)},
             {"README.md", "hello"}};
    return files;
  }

  void happen() {
    switch (below(7)) {
      case 0:
      case 1:
        return visitor();
      case 2:
        return network();
      case 3:
        return server();
      case 4:
        return device();
      case 5:
        return stranger();
      default:
        world_.run(static_cast<int>(below(60)));
    }
  }

  void visitor() {
    switch (below(12)) {
      case 0:
        return world_.tell(event::Pause{});
      case 1:
        return world_.tell(event::Resume{});
      case 2:
        return world_.tell(event::Retry{});
      case 3:
        return world_.tell(event::Cancel{});
      case 4:
        if (chance(3)) world_.tell(event::Remove{static_cast<Ticket>(below(9))});
        return;
      case 5:
        if (chance(3)) world_.tell(event::Dispose{});
        return;
      case 6:
        return world_.tell(event::Update{});
      case 7:
        if (chance(2)) world_.crash();
        return;
      default:
        return world_.tell(event::Load{});
    }
  }

  void network() {
    switch (below(8)) {
      case 0:
        world_.network = false;
        return world_.tell(event::Offline{});
      case 1:
        world_.network = true;
        return world_.tell(event::Online{});
      case 2:
        world_.network = chance(2);
        return;
      case 3:
        world_.stalled = true;
        return;
      case 4:
        world_.now_ms += static_cast<double>(below(40'000));
        return world_.tell(event::Tick{});
      default:
        return world_.release();
    }
  }

  void server() {
    switch (below(8)) {
      case 0:
        world_.status["onnx/model_q4.onnx"] = world_.status["onnx/model_q4f16.onnx"] = chance(2) ? 503 : 429;
        return;
      case 1:
        world_.status["revision"] = chance(2) ? 500 : 404;
        return;
      case 2:
        // Without checksums nobody could tell.
        world_.lies = world_.hub || world_.candor_json ? below(4) : 0;
        return;
      case 3:
        world_.ignores_ranges = chance(2);
        return;
      case 4:
        world_.alternates_etags = chance(2);
        return;
      case 5:
        // A folder without a list is asked file by file: what is published in between is told by nothing.
        if (!chance(2) ||
            (!world_.hub && !world_.candor_json && world_.snapshot().phase == LoadPhase::kResolve))
          return;
        ++versions_;
        world_.publish(version(versions_), static_cast<char>('a' + versions_ % 6));
        return;
      default:
        world_.status.clear();
    }
  }

  void device() {
    switch (below(9)) {
      case 0:
        world_.session_failure =
            event::SessionFailed{0, {std::nullopt, chance(2) ? "bad_alloc" : "protobuf parsing failed"}};
        return;
      case 1:
      case 2:
        world_.session_failure.reset();
        world_.session_answers = true;
        return;
      case 3:
        world_.session_answers = chance(2);
        return;
      case 4:
        return world_.tell(event::SessionLost{world_.session_id, "x"});
      case 5:
        return world_.tell(
            event::AnswerFailed{world_.session_id, 1, chance(2) ? "RuntimeError: Aborted()" : "x"});
      case 6:
        world_.journal_fails = chance(3);
        return;
      case 7:
        world_.removal_fails = chance(3);
        return;
      default:
        if (chance(3))
          world_.tell(event::StoreFailed{world_.visit(),
                                         static_cast<event::StoreFailed::Work>(below(4)),
                                         {},
                                         chance(2) ? ErrorCode::kStorage : ErrorCode::kQuota,
                                         "x"});
    }
  }

  /// Another tab, and answers to nobody.
  void stranger() {
    const auto request = static_cast<RequestId>(below(40));
    const Visit visit = chance(2) ? world_.visit() : static_cast<Visit>(below(9));
    switch (below(12)) {
      case 0:
        if (!world_.holds()) world_.elsewhere = true;
        return;
      case 1:
      case 2:
        return world_.grant();
      case 3:
        return world_.tell(
            event::Peer{visit, below(2'000'000), below(2'000'000), below(2'000'000), 1.0, {}, 0, chance(2)});
      case 4:
        world_.others_read = chance(2);
        return;
      case 5:
        return world_.tell(event::Head{request, chance(2) ? 200 : 206, false, {{"content-length", "5"}}});
      case 6:
        return world_.tell(event::Text{request, "[]"});
      case 7:
        return world_.tell(event::Journal{world_.visit() + 1, {}, {}});
      case 8:
        return world_.tell(event::SessionReady{world_.session_id + 1});
      case 9:
        return world_.tell(event::SessionProgress{
            world_.session_id, static_cast<event::SessionStage>(below(4)), below(1'000'000), below(500'000)});
      case 10:
        return world_.tell(event::Probed{world_.visit() + 1, world_.device});
      default:
        return world_.tell(event::Removed{world_.visit() + 1});
    }
  }

  /// When everything is well again, it ends well.
  void end_well() {
    world_.network = true;
    world_.status.clear();
    world_.lies = 0;
    world_.session_failure.reset();
    world_.session_answers = true;
    world_.ignores_ranges = world_.alternates_etags = false;
    world_.journal_fails = world_.removal_fails = world_.others_read = false;
    world_.grant();
    world_.release();
    for (int i = 0; i < 10 && world_.snapshot().status != LoadStatus::kReady && world_.broken.empty(); ++i) {
      world_.tell(event::Online{});
      world_.tell(event::Retry{});
      world_.tell(event::Load{});
      world_.run_for(100'000);
      // A session whose answer was lost with the runtime never answers; the visitor gives up and begins
      // again.
      if (i > 4 && world_.snapshot().status == LoadStatus::kLoading) world_.tell(event::Cancel{});
    }
    if (!world_.broken.empty()) return;
    const Snapshot shown = world_.snapshot();
    if (shown.status != LoadStatus::kReady) {
      world_.broken = std::string("ends ") + to_string(shown.status) + " " +
                      (shown.error ? shown.error->error.message + " " + shown.error->error.detail : "");
    } else if (!world_.session) {
      world_.broken = "ready without a session";
    } else if (!world_.is_published(world_.session->graph)) {
      world_.broken = "the weights are not what was published";
    }
  }

  LoaderWorld world_;
  unsigned versions_ = 0;
};

TEST(LoaderSimulation, EveryRandomScheduleKeepsThePromisesAndEndsWell) {
  const std::uint64_t count = number_from("CANDOR_SCHEDULES", kSchedules);
  const std::uint64_t first = number_from("CANDOR_SEED", 1);
  for (std::uint64_t seed = first; seed < first + count; ++seed) {
    const std::string broken = Schedule(seed).run();
    ASSERT_EQ(broken, "") << "seed " << seed;
  }
  std::printf("%llu schedules of the whole loader from seed %llu\n", static_cast<unsigned long long>(count),
              static_cast<unsigned long long>(first));
}

}  // namespace
}  // namespace candor
