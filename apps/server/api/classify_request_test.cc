#include "server/api/classify_request.h"

#include <gmock/gmock.h>

#include "server/api/refusal_test.h"

namespace siglip::server {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

ApiError ClassifyRefusal(const std::string& json) {
  return RefusalOf([&] { ReadClassifyRequest(json); });
}

TEST(ClassifyRequestTest, ReadsPicturesAndLabels) {
  const ClassifyRequest request = ReadClassifyRequest(
      R"({"model":"m","input":["/9g=",{"image":"/9g="},"data:image/png;base64,/9g="],)"
      R"("labels":["a cat","a dog"]})");
  EXPECT_EQ(request.model, "m");
  ASSERT_EQ(request.items.size(), 3U);
  for (const InputItem& item : request.items) {
    EXPECT_EQ(std::get<InputPicture>(item).bytes, "\xff\xd8");
  }
  EXPECT_THAT(request.labels, ElementsAre("a cat", "a dog"));
  EXPECT_THAT(request.templates, ElementsAre("This is a photo of {}."));
}

TEST(ClassifyRequestTest, TakesOneTemplateOrSeveral) {
  const auto templates = [](const std::string& value) {
    return ReadClassifyRequest(R"({"input":"/9g=","labels":["a"],"template":)" + value + "}")
        .templates;
  };
  EXPECT_THAT(templates(R"("a {}")"), ElementsAre("a {}"));
  EXPECT_THAT(templates(R"(["a {}","{}"])"), ElementsAre("a {}", "{}"));
  EXPECT_EQ(RefusalOf([&] { templates(R"(["{}","a"])"); }).param, "template");
  EXPECT_EQ(RefusalOf([&] { templates("[]"); }).param, "template");
  EXPECT_EQ(RefusalOf([&] { templates("1"); }).param, "template");
}

TEST(ClassifyRequestTest, RefusesTexts) {
  const ApiError error = ClassifyRefusal(R"({"input":["/9g=",{"text":"a"}],"labels":["a"]})");
  EXPECT_EQ(error.param, "input[1]");
  EXPECT_THAT(error.message, HasSubstr("expected a picture, found a text"));
  const ClassifyRequest partial =
      ReadClassifyRequest(R"({"input":["/9g=",{"text":"a"}],"labels":["a"],"partial":true})");
  EXPECT_EQ(std::get<ItemError>(partial.items[1]).index, 1U);
}

TEST(ClassifyRequestTest, RefusesLabelsThatAreNone) {
  const auto param = [](const std::string& labels) {
    return ClassifyRefusal(R"({"input":"/9g=","labels":)" + labels + "}").param;
  };
  EXPECT_EQ(param("[]"), "labels");
  EXPECT_EQ(param("null"), "labels");
  EXPECT_EQ(param("\"a\""), "labels");
  EXPECT_EQ(param(R"(["a",1])"), "labels[1]");
  EXPECT_EQ(param(R"(["a",""])"), "labels[1]");
  EXPECT_EQ(param(R"(["a","b","a"])"), "labels");
  std::string many = "[\"0\"";
  for (int i = 1; i < 1001; ++i) many += ",\"" + std::to_string(i) + "\"";
  EXPECT_EQ(param(many + "]"), "labels");
  EXPECT_EQ(ClassifyRefusal(R"({"labels":["a"]})").param, "input");
}

}  // namespace
}  // namespace siglip::server
