#include "server/api/search_request.h"

#include <gmock/gmock.h>

#include "server/api/refusal_test.h"

namespace siglip::server {
namespace {

using ::testing::ElementsAre;

/// The parts, with their weights: "text a * 1", "picture * 1", "like 7 * 1".
std::vector<std::string> Parts(const std::string& json) {
  std::vector<std::string> parts;
  for (const SearchPart& part : ReadSearchRequest(json).parts) {
    std::string text;
    if (const auto* const words = std::get_if<InputText>(&part.query)) text = "text " + words->text;
    if (const auto* const picture = std::get_if<InputPicture>(&part.query)) {
      text = picture->bytes == "\xff\xd8" ? "picture" : "other bytes";
    }
    if (const auto* const content = std::get_if<LikeContent>(&part.query)) {
      text = "like " + std::to_string(content->id);
    }
    const auto quarters = static_cast<int>(part.weight * 4);
    parts.push_back(part.param + ": " + text + " * " + std::to_string(quarters) + "/4");
  }
  return parts;
}

std::string ParamOfRefusal(const std::string& json) {
  const ApiError error = RefusalOf([&] { ReadSearchRequest(json); });
  EXPECT_EQ(error.status, 400);
  return error.param;
}

TEST(SearchRequestTest, ReadsOnePart) {
  EXPECT_THAT(Parts(R"({"text":"a dog"})"), ElementsAre("text: text a dog * 4/4"));
  EXPECT_THAT(Parts(R"({"image":"/9g="})"), ElementsAre("image: picture * 4/4"));
  EXPECT_THAT(Parts(R"({"image":{"type":"image_url","image_url":"data:image/a;base64,/9g="}})"),
              ElementsAre("image: picture * 4/4"));
  EXPECT_THAT(Parts(R"({"like":9007199254740993})"),
              ElementsAre("like: like 9007199254740993 * 4/4"));
}

TEST(SearchRequestTest, ReadsSeveralInTheirOrder) {
  EXPECT_THAT(
      Parts(R"({"not":["d","e"],"like":[7,8],"image":["/9g="],"text":["a","b"]})"),
      ElementsAre("text[0]: text a * 4/4", "text[1]: text b * 4/4", "image[0]: picture * 4/4",
                  "like[0]: like 7 * 4/4", "like[1]: like 8 * 4/4", "not[0]: text d * -2/4",
                  "not[1]: text e * -2/4"));
}

TEST(SearchRequestTest, WeighsThem) {
  EXPECT_THAT(Parts(R"({"text":["a","b"],"not":"c","weights":{"text":[2,0.5],"not":-3}})"),
              ElementsAre("text[0]: text a * 8/4", "text[1]: text b * 2/4", "not: text c * -12/4"));
  EXPECT_THAT(Parts(R"({"not":"c","text":["a"],"like":3,"weights":[0.5,2,-1]})"),
              ElementsAre("text[0]: text a * 2/4", "like: like 3 * 8/4", "not: text c * -4/4"));
  EXPECT_EQ(ParamOfRefusal(R"({"text":"a","weights":[1,2]})"), "weights");
  EXPECT_EQ(ParamOfRefusal(R"({"text":"a","weights":{"text":[1,2]}})"), "weights.text");
  EXPECT_EQ(ParamOfRefusal(R"({"text":"a","weights":{"image":1}})"), "weights.image");
  EXPECT_EQ(ParamOfRefusal(R"({"text":"a","weights":{"text":["1"]}})"), "weights.text[0]");
  EXPECT_EQ(ParamOfRefusal(R"({"text":"a","weights":[1e999]})"), "weights[0]");
  EXPECT_EQ(ParamOfRefusal(R"({"text":"a","weights":[1001]})"), "weights[0]");
  EXPECT_EQ(ParamOfRefusal(R"({"text":"a","weights":1})"), "weights");
}

TEST(SearchRequestTest, RefusesPartsThatAreNone) {
  EXPECT_EQ(ParamOfRefusal("{}"), "text");
  EXPECT_EQ(ParamOfRefusal(R"({"top":5})"), "text");
  EXPECT_EQ(ParamOfRefusal(R"({"text":""})"), "text");
  EXPECT_EQ(ParamOfRefusal(R"({"text":[]})"), "text");
  EXPECT_EQ(ParamOfRefusal(R"({"text":["a",1]})"), "text[1]");
  EXPECT_EQ(ParamOfRefusal(R"({"text":"a","not":{}})"), "not");
  EXPECT_EQ(ParamOfRefusal(R"({"image":"http://a"})"), "image");
  EXPECT_EQ(ParamOfRefusal(R"({"image":["/9g=",{"text":"a"}]})"), "image[1]");
  EXPECT_EQ(ParamOfRefusal(R"({"image":7})"), "image");
  for (const char* id : {"0", "-1", "1.5", "\"7\"", "99999999999999999999"}) {
    EXPECT_EQ(ParamOfRefusal(R"({"like":)" + std::string(id) + "}"), "like") << id;
  }
  std::string texts = "\"a\"";
  for (int i = 0; i < 39; ++i) texts += ",\"a\"";
  EXPECT_EQ(Parts("{\"text\":[" + texts + "]}").size(), 40U);
  EXPECT_EQ(ParamOfRefusal("{\"text\":[" + texts + "],\"not\":[" + texts + "]}"), "text");
}

TEST(SearchRequestTest, ReadsFilters) {
  const SearchRequest request = ReadSearchRequest(
      R"({"text":"a","top":1000,"offset":10000,"under":"/p/q","after":"2024","before":"2024-05-17",)"
      R"("format":"jpeg","min_width":640,"min_score":-0.5,"fold":false,"model":"m"})");
  EXPECT_EQ(request.model, "m");
  EXPECT_EQ(request.options.top, 1000);
  EXPECT_EQ(request.offset, 10000);
  EXPECT_EQ(request.options.filter.under, "/p/q");
  EXPECT_EQ(request.options.filter.after, 1704067200);   // date -u -d 2024-01-01 +%s
  EXPECT_EQ(request.options.filter.before, 1715904000);  // date -u -d 2024-05-17 +%s
  EXPECT_EQ(request.options.filter.format, "jpeg");
  EXPECT_EQ(request.options.filter.min_width, 640);
  EXPECT_EQ(request.options.min_score, -0.5F);
  EXPECT_FALSE(request.options.fold);
}

TEST(SearchRequestTest, TakesTheCommandLinesDefaults) {
  const SearchRequest request = ReadSearchRequest(R"({"text":"a"})");
  EXPECT_EQ(request.options.top, 20);
  EXPECT_EQ(request.offset, 0);
  EXPECT_TRUE(request.options.filter.under.empty());
  EXPECT_EQ(request.options.filter.after, std::nullopt);
  EXPECT_EQ(request.options.min_score, std::nullopt);
  EXPECT_TRUE(request.options.fold);
}

TEST(SearchRequestTest, RefusesFiltersOutOfRange) {
  const auto param = [](const std::string& field) {
    return ParamOfRefusal(R"({"text":"a",)" + field + "}");
  };
  EXPECT_EQ(param(R"("top":0)"), "top");
  EXPECT_EQ(param(R"("top":1001)"), "top");
  EXPECT_EQ(param(R"("top":1.5)"), "top");
  EXPECT_EQ(param(R"("offset":-1)"), "offset");
  EXPECT_EQ(param(R"("offset":10001)"), "offset");
  EXPECT_EQ(param(R"("under":"p")"), "under");
  EXPECT_EQ(param(R"("under":"")"), "under");
  EXPECT_EQ(param(R"("under":"/p\u0000q")"), "under");
  EXPECT_EQ(param(R"("after":"yesterday")"), "after");
  EXPECT_EQ(param(R"("after":2024)"), "after");
  EXPECT_EQ(param(R"("before":"2024-02-30")"), "before");
  EXPECT_EQ(param(R"("format":"exe")"), "format");
  EXPECT_EQ(param(R"("min_width":-1)"), "min_width");
  EXPECT_EQ(param(R"("min_score":"x")"), "min_score");
  EXPECT_EQ(param(R"("min_score":1e300)"), "min_score");
  EXPECT_EQ(param(R"("fold":1)"), "fold");
}

TEST(SearchRequestTest, APictureMayBeTheBody) {
  const SearchRequest request = ReadSearchPictureBody("\xff\xd8");
  ASSERT_EQ(request.parts.size(), 1U);
  EXPECT_EQ(std::get<InputPicture>(request.parts.front().query).bytes, "\xff\xd8");
  EXPECT_EQ(RefusalOf([] { ReadSearchPictureBody(""); }).status, 400);
}

}  // namespace
}  // namespace siglip::server
