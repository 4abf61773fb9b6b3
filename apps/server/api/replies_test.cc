#include <gmock/gmock.h>

#include <bit>
#include <limits>
#include <nlohmann/json.hpp>
#include <random>

#include "server/api/api_error.h"
#include "server/api/classify_reply.h"
#include "server/api/embeddings_reply.h"
#include "server/api/index_reply.h"
#include "server/api/models_reply.h"
#include "server/api/openapi.h"
#include "siglip/error.hpp"

namespace siglip::server {
namespace {

using nlohmann::json;

constexpr float kInfinity = std::numeric_limits<float>::infinity();

TEST(ApiErrorTest, HasTheFormOfOpenAi) {
  EXPECT_EQ(ErrorJson({404, "model_not_found", "no \"m\"", "model"}),
            R"({"error":{"message":"no \"m\"","type":"not_found_error","param":"model",)"
            R"("code":"model_not_found"}})"
            "\n");
  EXPECT_EQ(json::parse(ErrorJson({429, "busy", "later"})),
            json::parse(R"({"error":{"message":"later","type":"rate_limit_error","param":null,
                            "code":"busy"}})"));
}

TEST(ApiErrorTest, ListsBadItems) {
  const ApiError error =
      BadItems("input", {{3, "malformed_file", "a \xff"}, {5, "unsupported", "b"}});
  EXPECT_EQ(error.status, 400);
  EXPECT_EQ(json::parse(ErrorJson(error))["error"], json::parse(R"({
      "message":"a \ufffd; so many items were refused: 2","type":"invalid_request_error",
      "param":"input[3]","code":"malformed_file","items":[
      {"index":3,"code":"malformed_file","message":"a \ufffd"},
      {"index":5,"code":"unsupported","message":"b"}]})"));
}

TEST(ApiErrorTest, SaysWhatTheLibrarySays) {
  const Error error(ErrorCode::kLimitExceeded, "too large", "make it smaller");
  EXPECT_EQ(ItemErrorOf(3, error), (ItemError{3, "limit_exceeded", "too large (make it smaller)"}));
  EXPECT_EQ(ApiErrorOf(error, "image").status, 400);
  EXPECT_EQ(ApiErrorOf(error, "image").param, "image");
  EXPECT_EQ(ApiErrorOf(Error(ErrorCode::kNotFound, "a")).status, 404);
  EXPECT_EQ(ApiErrorOf(Error(ErrorCode::kInternal, "a")).status, 500);
  EXPECT_EQ(ApiErrorOf(Error(ErrorCode::kCancelled, "a")).status, 503);
}

TEST(EmbeddingsReplyTest, HasTheFormOfOpenAi) {
  std::string text = EmbeddingsReplyBegin("a \"model\"");
  AppendEmbedding(0, std::vector<float>{0.5F, -0.25F, 1.0F / 3, 1e-10F, 0.1F},
                  EncodingFormat::kFloat, true, text);
  AppendEmbedding(2, std::vector<float>{1, -0.0F}, EncodingFormat::kFloat, false, text);
  text += EmbeddingsReplyEnd(7, std::vector<ItemError>{{1, "unsupported", "why"}});
  // numpy.float32 prints these numbers so
  EXPECT_EQ(text,
            R"({"object":"list","model":"a \"model\"","data":[)"
            R"({"object":"embedding","index":0,"embedding":[0.5,-0.25,0.33333334,1e-10,0.1]},)"
            R"({"object":"embedding","index":2,"embedding":[1,-0]}],)"
            R"("usage":{"prompt_tokens":7,"total_tokens":7},)"
            R"("errors":[{"index":1,"code":"unsupported","message":"why"}]})"
            "\n");
}

TEST(EmbeddingsReplyTest, Base64IsOfLittleEndianFloats) {
  std::string text;
  AppendEmbedding(0, std::vector<float>{0.5F, -0.25F, 1.0F / 3, 1e-10F, 0.1F},
                  EncodingFormat::kBase64, true, text);
  // base64.b64encode(struct.pack("<5f", 0.5, -0.25, 1 / 3, 1e-10, 0.1))
  EXPECT_EQ(text, R"({"object":"embedding","index":0,"embedding":"AAAAPwAAgL6rqqo+/+bbLs3MzD0="})");
}

TEST(EmbeddingsReplyTest, NumbersReadBackTheSameAndFitTheBound) {
  std::mt19937 random(1);
  std::vector<float> numbers = {0,
                                -0.0F,
                                std::numeric_limits<float>::denorm_min(),
                                -std::numeric_limits<float>::min(),
                                -std::numeric_limits<float>::max(),
                                16777217.0F,
                                123456789.0F};
  while (numbers.size() < 2000) {
    const auto number = std::bit_cast<float>(static_cast<uint32_t>(random()));
    if (std::isfinite(number)) numbers.push_back(number);
  }
  for (const EncodingFormat format : {EncodingFormat::kFloat, EncodingFormat::kBase64}) {
    for (const float number : numbers) {
      std::string text;
      AppendEmbedding(0, std::vector<float>(100, number), format, true, text);
      EXPECT_LE(text.size(), EmbeddingBytes(100, format)) << number;
    }
    std::string text = EmbeddingsReplyBegin("m");
    AppendEmbedding(std::numeric_limits<size_t>::max(), numbers, format, true, text);
    AppendEmbedding(0, numbers, format, false, text);
    text += EmbeddingsReplyEnd(std::numeric_limits<int64_t>::max(), {});
    EXPECT_LE(text.size(), EmbeddingsReplyBytes("m", 2, 2000, format));
    if (format == EncodingFormat::kBase64) continue;
    const json reply = json::parse(text);
    EXPECT_EQ(reply["data"][1]["embedding"].get<std::vector<float>>(), numbers);
    EXPECT_FALSE(reply.contains("errors"));
  }
}

TEST(EmbeddingsReplyTest, RefusesWhatIsNotFinite) {
  std::string text;
  for (const float number : {kInfinity, -kInfinity, std::numeric_limits<float>::quiet_NaN()}) {
    for (const EncodingFormat format : {EncodingFormat::kFloat, EncodingFormat::kBase64}) {
      EXPECT_THROW(AppendEmbedding(0, std::vector<float>{number}, format, true, text), Error);
    }
  }
  EXPECT_EQ(text, "");
}

TEST(ClassifyReplyTest, HasLabelsInTheOrderOfTheScores) {
  const std::vector<std::string> labels = {"a \"cat\"", "a dog"};
  std::string text = ClassifyReplyBegin("m");
  AppendClassification(0, std::vector<ScoredLabel>{{1, 0.25F, 0.9F}, {0, -0.5F, 1e-6F}}, labels,
                       true, text);
  AppendClassification(2, {}, labels, false, text);
  text += ClassifyReplyEnd(std::vector<ItemError>{{1, "malformed_file", "why"}});
  EXPECT_EQ(json::parse(text), json::parse(R"({"object":"list","model":"m","data":[
      {"index":0,"labels":[{"label":"a dog","score":0.25,"probability":0.9},
                           {"label":"a \"cat\"","score":-0.5,"probability":1e-6}]},
      {"index":2,"labels":[]}],
      "errors":[{"index":1,"code":"malformed_file","message":"why"}]})"));
  EXPECT_EQ(ClassifyReplyEnd({}), "]}\n");
  EXPECT_THROW(
      AppendClassification(0, std::vector<ScoredLabel>{{0, kInfinity, 0}}, labels, true, text),
      Error);
}

TEST(ClassifyReplyTest, IsNoLargerThanSaid) {
  const std::vector<std::string> labels = {std::string(50, '\x01'), "b", std::string(50, '\xff')};
  std::vector<ScoredLabel> scores;
  for (size_t i = 0; i < labels.size(); ++i) scores.push_back({i, -1.1754944e-38F, 1.1754944e-38F});
  std::string text = ClassifyReplyBegin("m");
  for (size_t i = 0; i < 3; ++i) {
    AppendClassification(std::numeric_limits<size_t>::max() - i, scores, labels, i == 0, text);
  }
  text += ClassifyReplyEnd({});
  EXPECT_LE(text.size(), ClassifyReplyBytes("m", 3, labels));
}

TEST(ModelsReplyTest, ListsModels) {
  EXPECT_EQ(ModelsReply({}), "{\"object\":\"list\",\"data\":[]}\n");
  const std::vector<ServedModel> models = {{"m", 7, 768}, {"an alias", 7, 768}};
  EXPECT_EQ(json::parse(ModelsReply(models)), json::parse(R"({"object":"list","data":[
      {"id":"m","object":"model","created":7,"owned_by":"siglip","dimension":768},
      {"id":"an alias","object":"model","created":7,"owned_by":"siglip","dimension":768}]})"));
}

TEST(IndexReplyTest, TellsWhatThereIs) {
  IndexStatus status;
  status.folders = {{"/p", 3, 2, 1}, {"/\xff", 0, 0, 0}};
  status.contents = 5;
  status.undecodable = 1;
  status.bytes = 4096;
  json expected = json::parse(R"({"object":"index","model":null,"dimension":null,"texts":true,
      "updating":false,"weak_standout":2.7,"contents":5,
      "undecodable":1,"bytes":4096,"folders":[{"path":"/p","files":3,"missing":2,"unreadable":1},
      {"path":"/\ufffd","path_base64":"L/8=","files":0,"missing":0,"unreadable":0}]})");
  EXPECT_EQ(json::parse(IndexReply(status, {.texts = true})), expected);
  status.space.emplace();
  status.space->model = "m";
  status.space->fingerprint.dimension = 768;
  expected["model"] = "m";
  expected["dimension"] = 768;
  expected["texts"] = false;
  expected["updating"] = true;
  EXPECT_EQ(json::parse(IndexReply(status, {.updating = true})), expected);
}

TEST(OpenApiTest, DescribesWhatHasToBeThere) {
  const json description = json::parse(OpenApi());
  EXPECT_EQ(description["openapi"], "3.1.0");
  EXPECT_TRUE(description["paths"].contains("/v1/embeddings"));
}

}  // namespace
}  // namespace siglip::server
