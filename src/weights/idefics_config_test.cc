// Image towers of Idefics 3 and SmolVLM.
#include "weights/idefics_config.h"

#include <gtest/gtest.h>

#include "expect_error.h"

namespace siglip {
namespace {

Json Whole(const std::string& outer, const Json& vision) {
  return {{"model_type", outer}, {"vision_config", vision}, {"text_config", {{"x", 1}}}};
}

TEST(IdeficsConfig, BecomesOneOfSiglip) {
  const Json given = Whole("idefics3", {{"model_type", "idefics3"},
                                        {"hidden_size", 1152},
                                        {"intermediate_size", 4304},
                                        {"num_hidden_layers", 27},
                                        {"image_size", 364},
                                        {"patch_size", 14},
                                        {"extra", "kept"}});
  const Json found = IdeficsVisionConfig(given, "config.json");
  EXPECT_EQ(found["model_type"], "idefics3");
  EXPECT_EQ(found["text_config"], given["text_config"]);
  EXPECT_EQ(found["vision_config"], (Json{{"model_type", "siglip_vision_model"},
                                          {"hidden_size", 1152},
                                          {"intermediate_size", 4304},
                                          {"num_hidden_layers", 27},
                                          {"num_attention_heads", 16},
                                          {"image_size", 364},
                                          {"patch_size", 14},
                                          {"vision_use_head", false},
                                          {"extra", "kept"}}));
}

TEST(IdeficsConfig, DefaultsAreThoseOfItsOwnClass) {
  for (const char* type : {"smolvlm_vision", "smolvlm", "idefics3_vision", "idefics3"}) {
    const Json vision =
        IdeficsVisionConfig(Whole("x", {{"model_type", type}}), "c")["vision_config"];
    EXPECT_EQ(vision["hidden_size"], 1152) << type;
    EXPECT_EQ(vision["intermediate_size"], 3072);
    EXPECT_EQ(vision["num_attention_heads"], 16);
    EXPECT_EQ(vision["patch_size"], 32);
    EXPECT_EQ(vision["image_size"], 224);
  }
  const Json untyped = IdeficsVisionConfig(Whole("smolvlm", {{"image_size", 512}}), "c");
  EXPECT_EQ(untyped["vision_config"]["model_type"], "siglip_vision_model");
}

TEST(IdeficsConfig, OthersStayAsTheyAre) {
  for (const Json& config :
       {Whole("siglip", {{"model_type", "siglip_vision_model"}}), Whole("siglip", Json::object()),
        Whole("idefics2", {{"model_type", "idefics2_vision"}}), Json{{"model_type", "idefics3"}},
        Json{{"vision_config", 3}}}) {
    EXPECT_FALSE(IsIdeficsConfig(config));
  }
}

TEST(IdeficsConfig, SizesWhosePositionsAreOutOfOrderAreRefused) {
  const Json vision = {
      {"model_type", "smolvlm_vision"}, {"image_size", 400}, {"patch_size", 16}};  // 25 a side
  ExpectError(ErrorCode::kUnsupported, {"c.json", "smolvlm_vision", "25 patches a side"},
              [&] { IdeficsVisionConfig(Whole("smolvlm", vision), "c.json"); });
  // What is no number is left to whoever reads the fields.
  for (const Json& size : {Json("x"), Json(1.5), Json(-3), Json(int64_t{1} << 62)}) {
    Json odd = vision;
    odd["patch_size"] = 1;
    odd["image_size"] = size;
    try {
      IdeficsVisionConfig(Whole("smolvlm", odd), "c.json");
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kUnsupported);
    }
  }
}

TEST(IdeficsConfig, SidesWithPositionsInOrder) {
  // Up to 128, as transformers 5.23 with torch 2.15 counts them; sides it gets wrong:
  const std::vector<int64_t> wrong = {
      19,  25,  29,  31,  38,  40,  41,  43,  47,  49,  50,  54,  55,  58,  59,  61,  62, 67,
      68,  71,  72,  73,  74,  76,  77,  80,  82,  83,  84,  86,  87,  93,  94,  97,  98, 99,
      100, 101, 103, 107, 108, 109, 110, 111, 113, 115, 116, 118, 121, 122, 123, 124, 127};
  std::vector<int64_t> found;
  for (int64_t side = 1; side <= 128; ++side) {
    if (!PositionsAreInOrder(side)) found.push_back(side);
  }
  EXPECT_EQ(found, wrong);
  EXPECT_TRUE(PositionsAreInOrder(0));
}

}  // namespace
}  // namespace siglip
