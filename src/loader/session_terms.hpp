#pragma once

#include <string>

#include "candor/base/error.hpp"
#include "candor/io/action.hpp"
#include "candor/io/event.hpp"
#include "candor/loader/loader_state.hpp"

namespace candor {

/// What a session worker needs for this choice.
SessionPlan session_plan(const ModelConfig& config, const loading::Choice& choice);

/// The code of the runtime that this plan needs; null where nobody named it.
const RuntimeFile* runtime_file(const ModelConfig& config, RuntimeBuild build);

/// Weights and engine, by which the durations of a session's phases are kept.
std::string variant_id(const Variant& variant);

/// What to tell when a session could not be made. `vouched`: a checksum says that the file at fault is what
/// its owner published.
Error session_error(const event::FileFault& fault, bool vouched);
/// The same where the weights have not come yet. `fault` has a kind.
Error examination_error(const event::FileFault& fault, bool vouched);

/// What is large waits until what is small has been judged.
std::vector<std::string> large_files(const SessionPlan& plan);

/// A device whose WebGPU is not used for a reason found out here; as it is where there is none.
DeviceProfile without_webgpu(DeviceProfile device, const std::string& fault);

/// Where the page keeps how long the phases took.
std::string timings_key(std::string_view model_key);

}  // namespace candor
