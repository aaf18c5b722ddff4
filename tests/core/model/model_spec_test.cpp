#include "candor/model/model_spec.hpp"

#include <gtest/gtest.h>

namespace candor {
namespace {

TEST(ModelSpec, KnowsTheFileNamesOfTransformersJs) {
  EXPECT_EQ(dtype_suffix("fp32"), "");
  EXPECT_EQ(dtype_suffix("fp16"), "_fp16");
  EXPECT_EQ(dtype_suffix("q8"), "_quantized");
  EXPECT_EQ(dtype_suffix("int8"), "_int8");
  EXPECT_EQ(dtype_suffix("uint8"), "_uint8");
  EXPECT_EQ(dtype_suffix("q4"), "_q4");
  EXPECT_EQ(dtype_suffix("q4f16"), "_q4f16");
  EXPECT_EQ(dtype_suffix("bnb4"), "_bnb4");
  EXPECT_FALSE(dtype_suffix("auto"));
  EXPECT_FALSE(dtype_suffix("q2"));
}

TEST(ModelSpec, SortsFilesIntoComponentsAndDtypes) {
  const ModelSpec spec({{"config.json", 10},
                        {"onnx/model.onnx", 400},
                        {"onnx/model_q4.onnx", 100},
                        {"onnx/model_q4f16.onnx", 90},
                        {"onnx/model_quantized.onnx", 110},
                        {"onnx/model_int8.onnx", 111},
                        {"onnx/model_uint8.onnx", 112},
                        {"onnx/decoder_model_merged_q4.onnx", 5},
                        {"onnx/embed_tokens_fp16.onnx", 6},
                        {"onnx/deeper/model_q4.onnx", 7},
                        {"model_q4.onnx", 8}});
  ASSERT_EQ(spec.components().size(), 3U);
  const Component* model = spec.component("model");
  ASSERT_NE(model, nullptr);
  EXPECT_EQ(model->variants.size(), 6U);
  EXPECT_EQ(model->find("fp32")->graph, "onnx/model.onnx");
  EXPECT_EQ(model->find("q8")->graph, "onnx/model_quantized.onnx");
  EXPECT_EQ(model->find("int8")->bytes, 111U);
  EXPECT_EQ(model->find("uint8")->bytes, 112U);
  EXPECT_EQ(model->find("q4f16")->bytes, 90U);
  EXPECT_EQ(model->find("bnb4"), nullptr);
  EXPECT_NE(spec.component("decoder_model_merged")->find("q4"), nullptr);
  EXPECT_NE(spec.component("embed_tokens")->find("fp16"), nullptr);
  EXPECT_EQ(spec.component("vision_encoder"), nullptr);
  EXPECT_EQ(spec.file("config.json"), "config.json");
  EXPECT_FALSE(spec.file("tokenizer.json"));
}

TEST(ModelSpec, CollectsExternalDataInTheOrderOfItsNumbers) {
  const ModelSpec spec({{"onnx/model_q4.onnx_data_10", 1},
                        {"onnx/model_q4.onnx", 1},
                        {"onnx/model_q4.onnx_data_2", 1},
                        {"onnx/model_q4.onnx_data", 1},
                        {"onnx/model_q4.onnx_data_1", 1},
                        {"onnx/model_q4.onnx_data_x", 1},
                        {"onnx/model_q4f16.onnx_data", 1}});
  const GraphFiles* files = spec.component("model")->find("q4");
  EXPECT_EQ(files->external_data,
            (std::vector<std::string>{"onnx/model_q4.onnx_data", "onnx/model_q4.onnx_data_1",
                                      "onnx/model_q4.onnx_data_2", "onnx/model_q4.onnx_data_10"}));
  EXPECT_EQ(files->bytes, 5U);
}

TEST(ModelSpec, DoesNotSayASizeThatItDoesNotKnow) {
  const ModelSpec spec({{"onnx/model_q4.onnx", 1}, {"onnx/model_q4.onnx_data", {}}});
  EXPECT_FALSE(spec.component("model")->find("q4")->bytes);
}

TEST(ModelSpec, NamesTheFilesToAskForWhereNothingListsThem) {
  EXPECT_EQ(ModelSpec::weight_candidates({"q4f16", "fp32", "nonsense"}),
            (std::vector<std::string>{"onnx/model_q4f16.onnx_data", "onnx/model_q4f16.onnx",
                                      "onnx/model.onnx_data", "onnx/model.onnx"}));
}

TEST(DtypeRequest, IsAnsweredPerComponentAndThenForAll) {
  const DtypeRequest request{"q4", {{"embed_tokens", "fp16"}}};
  EXPECT_EQ(request.of("embed_tokens"), "fp16");
  EXPECT_EQ(request.of("model"), "q4");
}

}  // namespace
}  // namespace candor
