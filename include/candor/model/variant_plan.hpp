#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "candor/base/error.hpp"
#include "candor/model/device_profile.hpp"
#include "candor/model/model_spec.hpp"
#include "candor/model/variant.hpp"

namespace candor {

/// What the page asked for.
struct VariantRequest {
  DtypeRequest dtype;
  std::optional<ExecutionProvider> execution_provider;  ///< absent: the best one for this device
  std::string file{};  ///< the graph by its path, wherever it lies; empty: by the conventions
};

/// The weights for this device: one dtype for each part of the model, one execution provider, and the reason.
class VariantPlan {
 public:
  struct Part {
    std::string component;
    GraphFiles files;
  };

  /// Chooses among the files that exist. What was asked for by name is honoured or refused with the reason,
  /// never replaced in silence.
  static std::variant<VariantPlan, Error> choose(const ModelSpec& spec, const VariantRequest& request,
                                                 const DeviceProfile& device);
  /// Why a plan that was found can't be run by this loader, which drives one graph, `model`; empty when it
  /// can.
  std::optional<Error> obstacle() const;
  /// The dtypes that "auto" looks for on this device, best first; for a request by name just that one.
  static std::vector<std::string> preferred_dtypes(const VariantRequest& request,
                                                   const DeviceProfile& device);

  const Variant& variant() const { return variant_; }
  const std::vector<Part>& parts() const { return parts_; }
  /// The part that generates text.
  const GraphFiles& graph() const { return parts_.front().files; }
  /// Everything to fetch, small files first.
  const std::vector<std::string>& files() const { return files_; }
  /// What the graph itself names as its external data, in place of what names alone let expect; paths below
  /// the model's folder.
  void set_external_data(std::vector<std::string> paths);
  /// Bytes of the weights; absent while a size is unknown.
  std::optional<std::uint64_t> weight_bytes() const;

 private:
  Variant variant_;
  std::vector<Part> parts_;
  std::vector<std::string> files_;
};

/// Whether `bytes` more fit on this device's disk; the words are for the visitor.
std::optional<Error> quota_error(std::uint64_t bytes, const DeviceProfile& device);

}  // namespace candor
