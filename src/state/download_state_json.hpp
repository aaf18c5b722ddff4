#pragma once

#include "base/json.hpp"
#include "candor/base/bytes.hpp"
#include "candor/state/download_state.hpp"

namespace candor {

/// Open, so that a schema version can be added.
json::Object to_object(const DownloadState& state);

}  // namespace candor
