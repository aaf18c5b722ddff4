#include "candor/progress/eta.hpp"

namespace candor {

std::string_view to_string(EtaDisplay::Kind kind) {
  switch (kind) {
    case EtaDisplay::Kind::kNone:
      return "none";
    case EtaDisplay::Kind::kExact:
      return "exact";
    case EtaDisplay::Kind::kAbout:
      return "about";
    case EtaDisplay::Kind::kRange:
      return "range";
    case EtaDisplay::Kind::kStalled:
      return "stalled";
  }
  return "none";
}

}  // namespace candor
