#pragma once

#include <cstdint>
#include <string>

namespace candor {

/// A byte count in a sentence: "850 kB", "42.0 MB", "1.30 GB" (decimal units, as everywhere in Candor). The
/// same number as web/src/elements/format.js says: a test holds both to one table.
std::string bytes_in_words(std::uint64_t bytes);

}  // namespace candor
