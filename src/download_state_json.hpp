#pragma once

#include "candor/bytes.hpp"
#include "candor/download_state.hpp"
#include "json.hpp"

namespace candor {

json::Value to_json_value(const DownloadState& state);

}  // namespace candor
