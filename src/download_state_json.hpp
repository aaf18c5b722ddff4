#pragma once

#include "candor/bytes.hpp"
#include "candor/download_state.hpp"
#include "json.hpp"

namespace candor {

/// Open, so that a schema version can be added.
json::Object to_object(const DownloadState& state);

}  // namespace candor
