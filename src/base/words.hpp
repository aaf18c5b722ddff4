#pragma once

#include <cstdint>
#include <string>

namespace candor {

/// A byte count in a sentence: "850 kB", "42 MB", "1.3 GB" (decimal units, as everywhere in Candor).
std::string bytes_in_words(std::uint64_t bytes);

}  // namespace candor
