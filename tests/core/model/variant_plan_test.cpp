#include "candor/model/variant_plan.hpp"

#include <gtest/gtest.h>

namespace candor {
namespace {

constexpr std::uint64_t kGiB = 1ULL << 30U;

ModelSpec spec(const std::vector<std::string>& suffixes, std::uint64_t bytes = 1'000) {
  std::vector<ModelFile> files{{"config.json", 1}, {"tokenizer.json", 1}, {"chat_template.jinja", 1}};
  for (const std::string& suffix : suffixes) files.push_back({"onnx/model" + suffix + ".onnx", bytes});
  return ModelSpec(files);
}

const std::vector<std::string> kAll{"", "_fp16", "_quantized", "_int8", "_uint8", "_q4", "_q4f16", "_bnb4"};

DeviceProfile gpu(bool shader_f16) {
  DeviceProfile device;
  device.webgpu = true;
  device.shader_f16 = shader_f16;
  return device;
}
const DeviceProfile kProcessor{};

VariantRequest ask(std::string dtype, std::optional<ExecutionProvider> provider = std::nullopt) {
  return {{std::move(dtype), {}}, provider};
}

Variant chosen(const ModelSpec& model, const VariantRequest& request, const DeviceProfile& device) {
  auto result = VariantPlan::choose(model, request, device);
  if (const Error* error = std::get_if<Error>(&result)) {
    ADD_FAILURE() << error->message;
    return {};
  }
  return std::get<VariantPlan>(result).variant();
}

Error refused(const ModelSpec& model, const VariantRequest& request, const DeviceProfile& device) {
  auto result = VariantPlan::choose(model, request, device);
  if (std::holds_alternative<VariantPlan>(result)) {
    ADD_FAILURE() << "chose " << std::get<VariantPlan>(result).variant().dtype;
    return {};
  }
  return std::get<Error>(result);
}

TEST(VariantPlan, TakesQ4f16WhereWebGpuHasHalfPrecision) {
  const Variant variant = chosen(spec(kAll), ask("auto"), gpu(true));
  EXPECT_EQ(variant.dtype, "q4f16");
  EXPECT_EQ(variant.execution_provider, ExecutionProvider::kWebGpu);
  EXPECT_EQ(variant.reason, "variant\tq4f16\twebgpu\t\tshaderF16\t");
}

TEST(VariantPlan, TakesQ4OnWebGpuWithoutHalfPrecision) {
  const Variant variant = chosen(spec(kAll), ask("auto"), gpu(false));
  EXPECT_EQ(variant.dtype, "q4");
  EXPECT_EQ(variant.execution_provider, ExecutionProvider::kWebGpu);
  EXPECT_EQ(variant.reason, "variant\tq4\twebgpu\t\tnoShaderF16\t");
}

TEST(VariantPlan, TakesQ4OrQ8OnTheProcessorWithoutWebGpu) {
  const Variant variant = chosen(spec(kAll), ask("auto"), kProcessor);
  EXPECT_EQ(variant.dtype, "q4");
  EXPECT_EQ(variant.execution_provider, ExecutionProvider::kWasm);
  EXPECT_EQ(variant.reason, "variant\tq4\twasm\t\tnoWebGpu\t");
  EXPECT_EQ(chosen(spec({"_quantized", "_fp16"}), ask("auto"), kProcessor).dtype, "q8");
}

TEST(VariantPlan, ChoosesOnlyAmongFilesThatExist) {
  const Variant q4 = chosen(spec({"_q4", ""}), ask("auto"), gpu(true));
  EXPECT_EQ(q4.dtype, "q4");
  EXPECT_EQ(q4.reason, "variant\tq4\twebgpu\t\tshaderF16\tq4f16");
  EXPECT_EQ(chosen(spec({"_fp16", ""}), ask("auto"), gpu(true)).dtype, "fp16");
  const Variant q8 = chosen(spec({"_quantized", ""}), ask("auto"), gpu(false));
  EXPECT_EQ(q8.dtype, "q8");
  EXPECT_EQ(q8.execution_provider, ExecutionProvider::kWasm);
  EXPECT_EQ(chosen(spec({""}), ask("auto"), gpu(false)).execution_provider, ExecutionProvider::kWebGpu);
  EXPECT_EQ(chosen(spec({"_q4f16"}), ask("auto"), gpu(false)).execution_provider, ExecutionProvider::kWasm);
}

TEST(VariantPlan, HonoursADtypeThatWasAskedFor) {
  const Variant fp16 = chosen(spec(kAll), ask("fp16"), gpu(true));
  EXPECT_EQ(fp16.dtype, "fp16");
  EXPECT_EQ(fp16.execution_provider, ExecutionProvider::kWebGpu);
  EXPECT_EQ(fp16.reason, "variant\tfp16\twebgpu\tasked\t\t");
  const Variant q4 = chosen(spec(kAll), ask("q4", ExecutionProvider::kWasm), gpu(true));
  EXPECT_EQ(q4.execution_provider, ExecutionProvider::kWasm);
  EXPECT_EQ(q4.reason, "variant\tq4\twasm\tasked\tprocessorAsked\t");
}

TEST(VariantPlan, MovesHalfPrecisionToTheProcessorWhereWebGpuCannotAndSaysWhy) {
  const Variant variant = chosen(spec(kAll), ask("q4f16"), gpu(false));
  EXPECT_EQ(variant.execution_provider, ExecutionProvider::kWasm);
  EXPECT_EQ(variant.reason, "variant\tq4f16\twasm\tasked\tnoShaderF16\t");
}

TEST(VariantPlan, RefusesWhatCannotBeHonoured) {
  EXPECT_EQ(refused(spec(kAll), ask("q4f16", ExecutionProvider::kWebGpu), gpu(false)).message,
            "dtypeNeedsShaderF16\tq4f16");
  EXPECT_EQ(refused(spec(kAll), ask("auto", ExecutionProvider::kWebGpu), kProcessor).message, "noWebGpuHere");
  const Error missing = refused(spec({"_q4"}), ask("fp16"), gpu(true));
  EXPECT_EQ(missing.code, ErrorCode::kNotFound);
  EXPECT_EQ(missing.detail, "model: q4");
  EXPECT_EQ(refused(spec(kAll), ask("q3"), gpu(true)).detail, "q3");
}

TEST(VariantPlan, RefusesAFolderThatIsNoModel) {
  EXPECT_EQ(refused(ModelSpec({{"README.md", 1}}), ask("auto"), gpu(true)).code, ErrorCode::kNotFound);
  const Error error =
      refused(ModelSpec({{"config.json", 1}, {"onnx/model_q4.onnx", 1}}), ask("auto"), gpu(true));
  EXPECT_EQ(error.message, "noFile\ttokenizer.json");
}

TEST(VariantPlan, ListsEveryFileToFetchWithTheWeightsLast) {
  const ModelSpec model({{"tokenizer.json", 1},
                         {"onnx/model_q4.onnx", 10},
                         {"config.json", 1},
                         {"onnx/model_q4.onnx_data", 1'000},
                         {"README.md", 1}});
  auto result = VariantPlan::choose(model, ask("auto"), gpu(false));
  const VariantPlan& plan = std::get<VariantPlan>(result);
  EXPECT_EQ(plan.files(), (std::vector<std::string>{"config.json", "tokenizer.json", "onnx/model_q4.onnx",
                                                    "onnx/model_q4.onnx_data"}));
  EXPECT_EQ(plan.weight_bytes(), 1'010U);
  EXPECT_FALSE(plan.obstacle());
}

TEST(VariantPlan, ResolvesEachComponentAndThenSaysThatSeveralCannotBeDriven) {
  const ModelSpec model({{"config.json", 1},
                         {"tokenizer.json", 1},
                         {"onnx/embed_tokens_fp16.onnx", 1},
                         {"onnx/vision_encoder.onnx", 1},
                         {"onnx/decoder_model_merged_q4.onnx", 1},
                         {"onnx/decoder_model_merged_q4f16.onnx", 1}});
  const VariantRequest request{
      {"auto", {{"embed_tokens", "fp16"}, {"vision_encoder", "fp32"}, {"decoder_model_merged", "q4"}}}, {}};
  auto result = VariantPlan::choose(model, request, gpu(true));
  ASSERT_TRUE(std::holds_alternative<VariantPlan>(result)) << std::get<Error>(result).message;
  const VariantPlan& plan = std::get<VariantPlan>(result);
  ASSERT_EQ(plan.parts().size(), 3U);
  ASSERT_TRUE(plan.obstacle());
  EXPECT_EQ(plan.obstacle()->code, ErrorCode::kUnsupported);
  EXPECT_EQ(plan.obstacle()->detail, "embed_tokens (fp16), vision_encoder (fp32), decoder_model_merged (q4)");

  const VariantRequest impossible{{"auto", {{"embed_tokens", "q4"}}}, {}};
  EXPECT_EQ(refused(model, impossible, gpu(true)).code, ErrorCode::kNotFound);
  EXPECT_EQ(refused(spec(kAll), request, gpu(true)).detail, "embed_tokens");
}

TEST(VariantPlan, SaysWhenAModelIsTooBigForTheDevice) {
  DeviceProfile small = gpu(true);
  small.device_memory_gib = 2;
  EXPECT_EQ(refused(spec({"_q4f16"}, 3 * kGiB), ask("auto"), small).message, "tooBigForMemory\t3221225472");
  // Browsers report 8 for anything above.
  DeviceProfile large = gpu(true);
  large.device_memory_gib = 8;
  EXPECT_EQ(chosen(spec({"_q4f16"}, 20 * kGiB), ask("auto"), large).dtype, "q4f16");
  EXPECT_EQ(refused(spec({"_q4"}, 4 * kGiB), ask("auto"), kProcessor).message,
            "tooBigForWasm\t4294967296\t3221225472");
}

TEST(VariantPlan, TakesASmallerVariantWhenTheBestIsTooBig) {
  DeviceProfile device;
  device.device_memory_gib = 1;
  const ModelSpec model({{"config.json", 1},
                         {"tokenizer.json", 1},
                         {"onnx/model_q4.onnx", 2 * kGiB},
                         {"onnx/model_quantized.onnx", kGiB / 2}});
  EXPECT_EQ(chosen(model, ask("auto"), device).dtype, "q8");
}

TEST(VariantPlan, NeverTakesWebGpuInSoftwareByItselfWhereTheProcessorCanRunTheModel) {
  for (const bool shader_f16 : {false, true}) {
    DeviceProfile device = gpu(shader_f16);
    device.fallback_adapter = true;
    for (const char* dtype : {"auto", "q4", "q4f16", "fp32", "q8"}) {
      const Variant variant = chosen(spec(kAll), ask(dtype), device);
      EXPECT_EQ(variant.execution_provider, ExecutionProvider::kWasm) << dtype;
      EXPECT_NE(variant.reason.find("\tsoftwareIsSlower\t"), std::string::npos) << variant.reason;
    }
    EXPECT_EQ(chosen(spec({"_fp16"}), ask("auto"), device).execution_provider, ExecutionProvider::kWasm);
    EXPECT_EQ(VariantPlan::preferred_dtypes(ask("auto"), device).front(), "q4");
  }
}

TEST(VariantPlan, TakesWebGpuInSoftwareWhereItIsAskedForOrNothingElseCan) {
  DeviceProfile device = gpu(false);
  device.fallback_adapter = true;
  const Variant asked = chosen(spec(kAll), ask("auto", ExecutionProvider::kWebGpu), device);
  EXPECT_EQ(asked.execution_provider, ExecutionProvider::kWebGpu);
  EXPECT_NE(asked.reason.find("\tsoftware"), std::string::npos);
  const Variant large = chosen(spec({"_q4"}, 4 * kGiB), ask("auto"), device);
  EXPECT_EQ(large.execution_provider, ExecutionProvider::kWebGpu);
}

TEST(VariantPlan, SaysWhyWebGpuIsNotTrustedAnyMore) {
  DeviceProfile device = gpu(true);
  device.webgpu = false;
  device.webgpu_fault = "webGpuFailed";
  EXPECT_EQ(chosen(spec(kAll), ask("auto"), device).reason, "variant\tq4\twasm\t\twebGpuFailed\t");
}

TEST(VariantPlan, SaysWhatThePageMustSendForMoreThreads) {
  DeviceProfile device;
  device.cores = 8;
  EXPECT_NE(chosen(spec(kAll), ask("auto"), device).reason.find("\toneCore"), std::string::npos);
  device.cross_origin_isolated = true;
  EXPECT_EQ(chosen(spec(kAll), ask("auto"), device).reason.find("oneCore"), std::string::npos);
  EXPECT_EQ(chosen(spec(kAll), ask("auto"), gpu(true)).reason.find("oneCore"), std::string::npos);
}

TEST(VariantPlan, OrdersTheDtypesToAskForByPreference) {
  EXPECT_EQ(VariantPlan::preferred_dtypes(ask("auto"), gpu(true)).front(), "q4f16");
  EXPECT_EQ(VariantPlan::preferred_dtypes(ask("auto"), gpu(false)).front(), "q4");
  EXPECT_EQ(VariantPlan::preferred_dtypes(ask("fp16"), gpu(false)), (std::vector<std::string>{"fp16"}));
}

TEST(QuotaError, ComparesWhatIsNeededWithWhatIsFree) {
  DeviceProfile device;
  EXPECT_FALSE(quota_error(kGiB, device));
  device.quota = 1'500'000'000;
  device.usage = 300'000'000;
  EXPECT_FALSE(quota_error(1'200'000'000, device));
  const auto error = quota_error(2'100'000'000, device);
  ASSERT_TRUE(error);
  EXPECT_EQ(error->code, ErrorCode::kQuota);
  EXPECT_EQ(error->message, "noRoom\t2100000000\t1200000000");
}

ModelSpec folder(std::vector<ModelFile> more) {
  more.push_back({"config.json", 1});
  more.push_back({"tokenizer.json", 1});
  return ModelSpec(more);
}

VariantPlan planned(const ModelSpec& model, const VariantRequest& request = ask("auto")) {
  auto result = VariantPlan::choose(model, request, kProcessor);
  if (const Error* error = std::get_if<Error>(&result)) ADD_FAILURE() << error->message;
  return std::get<VariantPlan>(std::move(result));
}

TEST(VariantPlan, RunsADecoderThatIsAllThereIs) {
  const VariantPlan alone = planned(folder({{"onnx/decoder_model_merged_q4.onnx", 9}}));
  EXPECT_FALSE(alone.obstacle());
  EXPECT_EQ(alone.graph().graph, "onnx/decoder_model_merged_q4.onnx");
  // The same decoder in three forms, as exporters of old left it.
  const VariantPlan old = planned(folder({{"onnx/decoder_model.onnx", 9},
                                          {"onnx/decoder_with_past_model.onnx", 9},
                                          {"onnx/decoder_model_merged.onnx", 9}}));
  EXPECT_FALSE(old.obstacle());
  EXPECT_EQ(old.graph().graph, "onnx/decoder_model_merged.onnx");
  const auto other = planned(folder({{"onnx/vision_encoder.onnx", 9}})).obstacle();
  ASSERT_TRUE(other);
  EXPECT_EQ(other->message.find("severalParts"), std::string::npos);
  EXPECT_EQ(other->detail, "vision_encoder");
}

TEST(VariantPlan, SaysWhereWeightsLieThatNoConventionFindsAndTakesTheFileThatIsNamed) {
  for (const std::string path : {"model.onnx", "onnx/q4/model.onnx", "cpu/model_q4f16.onnx"}) {
    const ModelSpec model = folder({{path, 9}, {path + "_data", 5}});
    const Error error = refused(model, ask("auto"), kProcessor);
    EXPECT_EQ(error.code, ErrorCode::kNotFound);
    EXPECT_NE(error.message.find("weightsElsewhere"), std::string::npos) << error.message;
    EXPECT_EQ(error.detail, path);
    VariantRequest request = ask("auto");
    request.file = path;
    const VariantPlan plan = planned(model, request);
    EXPECT_FALSE(plan.obstacle());
    EXPECT_EQ(plan.graph().graph, path);
    EXPECT_EQ(plan.weight_bytes(), 14U);
    request.file = "other.onnx";
    EXPECT_EQ(refused(model, request, kProcessor).code, ErrorCode::kNotFound);
  }
  EXPECT_NE(refused(folder({}), ask("auto"), kProcessor).message.find("noWeights"), std::string::npos);
}

TEST(VariantPlan, TakesAnEmptyFileForNone) {
  const ModelSpec model =
      folder({{"onnx/model.onnx", 9}, {"generation_config.json", 0}, {"chat_template.jinja", 0}});
  const VariantPlan plan = planned(model);
  for (const std::string& path : plan.files())
    EXPECT_TRUE(path == "config.json" || path == "tokenizer.json" || path == "onnx/model.onnx") << path;
}

TEST(VariantPlan, LetsTheGraphSayWhatItsDataIsCalled) {
  VariantPlan plan = planned(folder({{"onnx/model.onnx", 9}, {"onnx/model.onnx.data", 5}}));
  EXPECT_EQ(plan.graph().external_data, (std::vector<std::string>{"onnx/model.onnx.data"}));
  plan.set_external_data({"onnx/w.bin"});
  EXPECT_EQ(plan.graph().external_data, (std::vector<std::string>{"onnx/w.bin"}));
  EXPECT_EQ(plan.files().back(), "onnx/w.bin");
  EXPECT_EQ(std::count(plan.files().begin(), plan.files().end(), "onnx/model.onnx.data"), 0);
}

TEST(VariantPlan, SaysOfEightBitsThatTheyAreForTheProcessor) {
  EXPECT_NE(chosen(spec(kAll), ask("q8"), gpu(false)).reason.find("\tforProcessor\t"), std::string::npos);
}

}  // namespace
}  // namespace candor
