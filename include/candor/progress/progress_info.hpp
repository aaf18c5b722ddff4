#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "candor/progress/eta_display.hpp"
#include "candor/progress/throughput_history.hpp"

namespace candor {

/// What a file, or a whole set of files, is doing.
enum class ProgressStatus {
  kInitiate,  ///< announced, no byte yet
  kDownload,  ///< bytes arrive
  kPaused,
  kLoading,  ///< all bytes are here; something else is being done with them
  kDone,     ///< every byte is here and its source said so
  kReady,    ///< the model can be used
  kFailed,
};

/// The lower-case name, as JavaScript sees it.
std::string_view to_string(ProgressStatus status);

/// The progress of one file or one stream of events. Empty means unknown, never zero.
/// Every number is finite and not negative. In the rows of an aggregate, speed and remaining time are those
/// of the one file while its bytes come; what only a whole can say (its uncertainty, silence, error, display)
/// is empty there.
struct ProgressInfo {
  ProgressStatus status = ProgressStatus::kInitiate;
  std::string name;                      ///< of the model, as given
  std::string file;                      ///< the file that moved last
  std::optional<double> progress;        ///< 0..100; 100 only when done; never falls but by a discard
  std::uint64_t loaded = 0;              ///< position in bytes, resumed and cached bytes included
  std::optional<std::uint64_t> total;    ///< bytes; empty while unknown or refuted by an over-count
  std::optional<double> speed;           ///< network bytes per second
  std::optional<double> time_remaining;  ///< seconds
  std::optional<double> eta_low;         ///< seconds; with eta_high an 80 % range
  std::optional<double> eta_high;        ///< seconds
  double stalled_for = 0;                ///< ms without a byte; 0 while bytes flow
  std::uint64_t network = 0;             ///< bytes that came over the network
  std::uint64_t cached = 0;              ///< bytes that were here already: position, never speed
  std::uint64_t verified = 0;   ///< bytes that are known to be right: of files that are done, at least
  std::uint64_t discarded = 0;  ///< bytes thrown away on purpose so far
  bool from_cache = false;      ///< the whole of it was here already
  EtaDisplay eta_display;
  Sparkline sparkline;
  std::optional<std::string> error;  ///< text from outside: show it as text, never as markup
};

/// The progress of a set of files.
struct AggregateProgressInfo {
  ProgressStatus status = ProgressStatus::kInitiate;
  std::optional<double>
      overall_progress;  ///< 0..100; 100 only when all is done; never falls but by a discard
  std::uint32_t files_completed = 0;
  std::uint32_t total_files = 0;            ///< announced so far
  std::string current_file;                 ///< the unfinished file that moved last; empty when none
  std::uint64_t total_downloaded = 0;       ///< position in bytes, resumed and cached bytes included
  std::optional<std::uint64_t> total_size;  ///< bytes; empty while any file's total is unknown
  std::optional<double> speed;
  std::optional<double> time_remaining;
  std::optional<double> eta_low;
  std::optional<double> eta_high;
  double stalled_for = 0;
  std::uint64_t network = 0;
  std::uint64_t cached = 0;
  std::uint64_t verified = 0;
  std::uint64_t discarded = 0;
  EtaDisplay eta_display;
  Sparkline sparkline;
  std::optional<std::string> error;
  std::vector<ProgressInfo> files;  ///< in the order of their announcement
};

/// A number as it comes from JavaScript: absent, a number (perhaps NaN), or a string (perhaps of digits).
using RawNumber = std::variant<std::monostate, double, std::string>;

/// An event of Transformers.js as it comes from JavaScript: nothing about it can be trusted.
struct RawEvent {
  struct File {
    std::string file;
    RawNumber loaded;
    RawNumber total;
  };
  std::string status;
  std::string name;
  std::string file;
  RawNumber progress;
  RawNumber loaded;
  RawNumber total;
  std::vector<File> files;  ///< of `progress_total` (4.x); empty elsewhere
  std::optional<bool>
      cached;  ///< from callers who looked into the cache themselves; Transformers.js does not say
};

/// The same event, validated: every value that is present can be used as it is.
struct TransformersEvent {
  enum class Kind { kInitiate, kDownload, kProgress, kProgressTotal, kDone, kReady, kUnknown };
  struct File {
    std::string file;
    std::optional<std::uint64_t> loaded;
    std::optional<std::uint64_t> total;  ///< never 0: Transformers.js says 0 for "no Content-Length"
  };
  Kind kind = Kind::kUnknown;
  std::string name;
  std::string file;                ///< falls back to `name`, then to "unknown"
  std::optional<double> progress;  ///< as sent: 0..100, or 0..1 from older callers; finite, not negative
  std::optional<std::uint64_t> loaded;
  std::optional<std::uint64_t> total;  ///< never 0
  std::vector<File> files;
  std::optional<bool> cached;

  /// The one place where raw events are judged. Numbers that are NaN, infinite, negative or above 2^53 - 1
  /// count as absent; strings count as numbers when they are nothing but a decimal number.
  static TransformersEvent parse(const RawEvent& raw);
  /// The same from the event as JSON text; what is not a JSON object gives an event of kind `unknown`.
  static TransformersEvent from_json(std::string_view text);
};

/// As JSON, with the names JavaScript knows (`timeRemaining`, ...); absent values are null.
std::string to_json(const ProgressInfo& info);
std::string to_json(const AggregateProgressInfo& info);

/// The number in `raw` if it is finite and not negative.
std::optional<double> parse_number(const RawNumber& raw);
/// The byte count in `raw`, see bytes_from_double().
std::optional<std::uint64_t> parse_bytes(const RawNumber& raw);

}  // namespace candor
