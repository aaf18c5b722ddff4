// How well the time left is predicted: our estimator beside others, on recorded throughput, in simulated
// time. Usage: bench_eta --traces DIR [--json]. DIR/*.csv are the traces, DIR/composite/*.csv the level
// changes.

#include <cstdio>
#include <cstring>
#include <filesystem>
#include <functional>
#include <memory>

#include "candor/progress/eta_estimator.hpp"
#include "eta_peers.hpp"
#include "eta_simulation.hpp"

namespace candor::bench {
namespace {

class Candor : public Predictor {
 public:
  void record(double t, double bytes, double, double total) override {
    begin(total);
    estimator_.record(static_cast<std::uint64_t>(bytes), instant_from_ms(t * 1000));
  }
  double predict(double t, double, double total) override {
    begin(total);
    last_ = estimator_.estimate(instant_from_ms(t * 1000));
    return last_ ? last_->seconds : kNothing;
  }
  std::optional<EtaEstimate> range() const override { return last_; }

 private:
  void begin(double total) {
    if (begun_) return;
    begun_ = true;
    estimator_.start(instant_from_ms(0));
    estimator_.set_remaining(static_cast<std::uint64_t>(total));
  }
  EtaEstimator estimator_;
  std::optional<EtaEstimate> last_;
  bool begun_ = false;
};

struct Named {
  const char* name;
  std::function<std::unique_ptr<Predictor>()> make;
};

template <typename T>
Named named(const char* name) {
  return {name, [] { return std::make_unique<T>(); }};
}

const std::vector<Named>& predictors() {
  static const std::vector<Named> all = {named<Candor>("candor"),
                                         named<OverallAverage>("overall"),
                                         named<OriginalSketch>("original"),
                                         named<Tqdm>("tqdm"),
                                         named<Indicatif>("indicatif"),
                                         named<Chromium>("chromium"),
                                         named<Uppy>("uppy"),
                                         named<HlsJs>("hls"),
                                         named<HarmonicMean>("harmonic")};
  return all;
}

/// A mean that is absent when nothing was added.
struct Mean {
  double sum = 0;
  double count = 0;
  void add(double x) {
    sum += x;
    count += 1;
  }
  void add(const Mean& other) {
    if (other.count > 0) add(other.value());
  }
  double value() const { return count > 0 ? sum / count : kNothing; }
};

struct Score {
  Mean ln, jr, miss, first, coverage, range;
  void add(const Score& other) {
    ln.add(other.ln);
    jr.add(other.jr);
    miss.add(other.miss);
    first.add(other.first);
    coverage.add(other.coverage);
    range.add(other.range);
  }
};

Score score_run(const Download& run, Predictor& predictor) {
  Score score;
  const double clip = std::log(10.0);
  const double total = static_cast<double>(run.size);
  double loaded = 0;
  double previous = kNothing;
  bool predicted = false;
  std::size_t next = 0;
  for (double t = 1; t < run.duration; t += 1) {
    for (; next < run.arrivals.size() && run.arrivals[next].t <= t; ++next) {
      const double bytes = static_cast<double>(run.arrivals[next].bytes);
      loaded += bytes;
      predictor.record(run.arrivals[next].t, bytes, loaded, total);
    }
    const double prediction = predictor.predict(t, loaded, total);
    if (!predicted && std::isfinite(prediction)) {
      predicted = true;
      score.first.add(t);
    }
    if (loaded < 0.05 * total || loaded > 0.95 * total) continue;
    const bool finite = std::isfinite(prediction);
    score.miss.add(finite ? 0 : 1);
    if (finite) {
      const double truth = run.duration - t;
      score.ln.add(std::min(std::abs(std::log(prediction / truth)), clip));
      if (std::isfinite(previous)) {
        score.jr.add(std::min(std::abs(prediction - previous + 1) / std::max(previous, 5.0), 3.0));
      }
      if (const auto range = predictor.range()) {
        const double low = std::log(std::max(range->low, 1e-3));
        const double high = std::log(std::max(range->high, 1e-3));
        const double at = std::log(truth);
        const double outside = std::max({low - at, at - high, 0.0});
        score.coverage.add(outside > 0 ? 0 : 1);
        score.range.add(high - low + 10 * outside);
      }
    }
    previous = prediction;
  }
  return score;
}

/// Means over runs of a trace, then over traces.
struct Result {
  Score all, no_loop, long_runs, bursty, smooth, composite;
};

std::vector<std::string> csv_files(const std::filesystem::path& folder) {
  std::vector<std::string> files;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(folder, error)) {
    if (entry.path().extension() == ".csv") files.push_back(entry.path().string());
  }
  std::sort(files.begin(), files.end());
  return files;
}

std::vector<Trace> read_traces(const std::filesystem::path& folder) {
  std::vector<Trace> traces;
  for (const std::string& file : csv_files(folder)) {
    Trace trace;
    trace.name = std::filesystem::path(file).filename().string();
    if (const auto error = trace.read(file)) {
      std::fprintf(stderr, "%s\n", error->c_str());
      std::exit(2);
    }
    traces.push_back(std::move(trace));
  }
  return traces;
}

std::vector<Result> evaluate(const std::vector<Trace>& traces, const std::vector<Trace>& composites) {
  std::vector<Result> results(predictors().size());
  for (const Trace& trace : traces) {
    const std::vector<Download> runs = downloads_of(trace);
    for (std::size_t p = 0; p < predictors().size(); ++p) {
      Result mine;
      for (const Download& run : runs) {
        const auto predictor = predictors()[p].make();
        const Score score = score_run(run, *predictor);
        mine.all.add(score);
        if (!run.loops) mine.no_loop.add(score);
        if (run.duration >= 300 && run.duration <= 2000) mine.long_runs.add(score);
        (run.bursty ? mine.bursty : mine.smooth).add(score);
      }
      results[p].all.add(mine.all);
      results[p].no_loop.add(mine.no_loop);
      results[p].long_runs.add(mine.long_runs);
      results[p].bursty.add(mine.bursty);
      results[p].smooth.add(mine.smooth);
    }
  }
  for (const Trace& trace : composites) {
    const Download run = simulate(trace, 0, 0.97 * trace.bytes(), false, Random(hash_of(trace.name)));
    for (std::size_t p = 0; p < predictors().size(); ++p) {
      const auto predictor = predictors()[p].make();
      results[p].composite.add(score_run(run, *predictor));
    }
  }
  return results;
}

std::string number(double value) {
  if (!std::isfinite(value)) return "null";
  char text[32];
  std::snprintf(text, sizeof text, "%.6g", value);
  return text;
}

std::string json(const Score& s) {
  return "{\"ln\":" + number(s.ln.value()) + ",\"jr\":" + number(s.jr.value()) +
         ",\"miss\":" + number(s.miss.value()) + ",\"first\":" + number(s.first.value()) +
         ",\"coverage\":" + number(s.coverage.value()) + ",\"score\":" + number(s.range.value()) + "}";
}

std::string json_ln(const Score& s) { return "{\"ln\":" + number(s.ln.value()) + "}"; }

void print_json(const std::vector<Result>& results) {
  std::string out = "{\"estimators\":{";
  for (std::size_t p = 0; p < results.size(); ++p) {
    const Result& r = results[p];
    out += std::string(p > 0 ? "," : "") + "\"" + predictors()[p].name + "\":{\"all\":" + json(r.all) +
           ",\"noLoop\":" + json(r.no_loop) + ",\"long\":" + json_ln(r.long_runs) +
           ",\"bursty\":" + json_ln(r.bursty) + ",\"smooth\":" + json_ln(r.smooth) +
           ",\"composite\":" + json_ln(r.composite) + "}";
  }
  std::printf("%s}}\n", out.c_str());
}

void print_table(const std::vector<Result>& results) {
  std::printf("%-10s %15s %15s %7s %7s %15s %9s %15s %7s\n", "", "ln all/no-loop", "jr all/no-loop", "miss",
              "first", "bursty/smooth", "long", "cov score/nl", "compos.");
  for (std::size_t p = 0; p < results.size(); ++p) {
    const Result& r = results[p];
    std::printf("%-10s %7.3f %7.3f %7.3f %7.3f %7.4f %7.2f %7.3f %7.3f %9.3f %5.3f %5.3f %5.3f %7.3f\n",
                predictors()[p].name, r.all.ln.value(), r.no_loop.ln.value(), r.all.jr.value(),
                r.no_loop.jr.value(), r.all.miss.value(), r.all.first.value(), r.bursty.ln.value(),
                r.smooth.ln.value(), r.long_runs.ln.value(), r.all.coverage.value(), r.all.range.value(),
                r.no_loop.range.value(), r.composite.ln.value());
  }
}

int run(int argc, char** argv) {
  std::string folder;
  bool as_json = false;
  for (int i = 1; i < argc; ++i) {
    if (std::strcmp(argv[i], "--traces") == 0 && i + 1 < argc) {
      folder = argv[++i];
    } else if (std::strcmp(argv[i], "--json") == 0) {
      as_json = true;
    } else {
      folder.clear();
      break;
    }
  }
  if (folder.empty()) {
    std::fprintf(stderr, "usage: bench_eta --traces DIR [--json]\n");
    return 2;
  }
  const std::vector<Trace> traces = read_traces(folder);
  if (traces.empty()) {
    std::fprintf(stderr, "%s: no *.csv there\n", folder.c_str());
    return 2;
  }
  const std::vector<Result> results =
      evaluate(traces, read_traces(std::filesystem::path(folder) / "composite"));
  as_json ? print_json(results) : print_table(results);
  return 0;
}

}  // namespace
}  // namespace candor::bench

int main(int argc, char** argv) { return candor::bench::run(argc, argv); }
