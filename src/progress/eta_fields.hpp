#pragma once

#include "base/fields.hpp"
#include "candor/progress/eta.hpp"

namespace candor {

void fields(auto& f, json::Of<EtaDisplay> auto& eta) {
  f("kind", eta.kind);
  f("low", eta.low);
  f("high", eta.high);
}

}  // namespace candor
