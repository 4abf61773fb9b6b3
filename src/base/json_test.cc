// Tests of the guarded JSON parser.
#include "base/json.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>

#include "scratch_folder.h"
#include "siglip/error.h"

namespace siglip {
namespace {

/// The Error that parsing throws; fails the test when there is none.
Error ParseFailure(const std::string& text) {
  try {
    ParseJson(text, "x.json");
  } catch (const Error& error) {
    return error;
  }
  ADD_FAILURE() << "was accepted: " << text.substr(0, 100);
  return Error(ErrorCode::kInternal, "");
}

std::string Nested(int depth) {
  return std::string(static_cast<size_t>(depth), '[') +
         std::string(static_cast<size_t>(depth), ']');
}

TEST(Json, ParsesWhatIsValid) {
  const Json json = ParseJson(R"({"a": [1, 2.5, null], "b": {"a": "ü"}})", "x.json");
  EXPECT_EQ(json["a"][1].get<double>(), 2.5);
  EXPECT_EQ(json["b"]["a"].get<std::string>(), "ü");
}

TEST(Json, RefusesWhatIsNotJson) {
  for (const char* text : {"", " ", "{", "[1,]", "{\"a\":1}x", "{'a':1}", "nan", "1e999", "01",
                           "\"\\ud800\"", "\"\x80\"", "// comment\n1", "\"a\nb\""}) {
    const Error error = ParseFailure(text);
    EXPECT_EQ(error.code(), ErrorCode::kMalformedFile) << text;
    EXPECT_EQ(error.message().rfind("x.json: ", 0), 0U) << error.message();
  }
  EXPECT_EQ(ParseFailure(std::string("1\0", 2)).code(), ErrorCode::kMalformedFile);
}

TEST(Json, NestsAsDeepAsAllowedAndNoDeeper) {
  EXPECT_NO_THROW(ParseJson(Nested(kMaxJsonDepth), "x.json"));
  EXPECT_NE(ParseFailure(Nested(kMaxJsonDepth + 1)).message().find("deeper than 64"),
            std::string::npos);
  EXPECT_EQ(ParseFailure(std::string(10'000'000, '[')).code(), ErrorCode::kMalformedFile);
  std::string objects;
  for (int i = 0; i <= kMaxJsonDepth; ++i) objects += "{\"a\":";
  EXPECT_NE(ParseFailure(objects).message().find("deeper than 64"), std::string::npos);
}

TEST(Json, RefusesDuplicateKeysOfOneObjectOnly) {
  EXPECT_NO_THROW(ParseJson(R"({"a": {"a": 1}, "b": {"a": 2}, "c": [{"a": 1}, {"a": 2}]})", "x"));
  EXPECT_NE(
      ParseFailure(R"({"a": 1, "b": {"c": 1}, "a": 2})").message().find("duplicate key \"a\""),
      std::string::npos);
  EXPECT_NE(ParseFailure(R"([{"b": {"c": 1, "c": 1}}])").message().find("duplicate key \"c\""),
            std::string::npos);
  // The same key spelt in another way.
  EXPECT_NE(ParseFailure(R"({"a": 1, "\u0061": 2})").message().find("duplicate"),
            std::string::npos);
}

TEST(Json, RefusesTextBeyondTheLimitBeforeParsing) {
  const std::string text(kMaxJsonBytes + 1, ' ');
  EXPECT_EQ(ParseFailure(text).code(), ErrorCode::kLimitExceeded);
}

TEST(Json, FilesAreNamedInErrors) {
  const ScratchFolder scratch;
  const std::filesystem::path path = scratch / "broken.json";
  std::ofstream(path) << "{\"a\": }";
  try {
    ParseJsonFile(path);
    ADD_FAILURE() << "was accepted";
  } catch (const Error& error) {
    EXPECT_NE(error.message().find(path.string()), std::string::npos) << error.message();
  }
  std::ofstream(path) << "[7]";
  EXPECT_EQ(ParseJsonFile(path)[0], 7);
  std::filesystem::remove(path);
  EXPECT_THROW(ParseJsonFile(path), Error);
}

TEST(JsonInteger, TakesIntegersAndFloatsWithoutFraction) {
  EXPECT_EQ(JsonInteger(Json(-3), "k", "x"), -3);
  EXPECT_EQ(JsonInteger(Json(224.0), "k", "x"), 224);
  EXPECT_EQ(JsonInteger(Json(INT64_MAX), "k", "x"), INT64_MAX);
  EXPECT_EQ(JsonInteger(ParseJson("-9223372036854775808", "x"), "k", "x"), INT64_MIN);
  for (const char* text :
       {"0.5", "1e300", "-1e300", "9223372036854775808", "true", "null", "\"1\"", "[1]", "{}"}) {
    EXPECT_THROW(JsonInteger(ParseJson(text, "x"), "k", "x"), Error) << text;
  }
}

TEST(JsonNumber, TakesNumbersOnly) {
  EXPECT_EQ(JsonNumber(Json(0.25), "k", "x"), 0.25);
  EXPECT_EQ(JsonNumber(Json(2), "k", "x"), 2.0);
  EXPECT_THROW(JsonNumber(Json("2"), "k", "x"), Error);
  EXPECT_THROW(JsonNumber(Json(true), "k", "x"), Error);
  EXPECT_THROW(JsonNumber(Json(INFINITY), "k", "x"), Error);
}

TEST(JsonBool, TakesTrueAndFalseOnly) {
  EXPECT_TRUE(JsonBool(Json(true), "k", "x"));
  EXPECT_THROW(JsonBool(Json(1), "k", "x"), Error);
}

TEST(JsonObject, TakesObjectsOnly) {
  EXPECT_NO_THROW(JsonObject(Json::object(), "k", "x"));
  EXPECT_THROW(JsonObject(Json::array(), "k", "x"), Error);
  EXPECT_THROW(JsonObject(Json(), "k", "x"), Error);
}

TEST(JsonArray, TakesArraysOnly) {
  EXPECT_NO_THROW(JsonArray(Json::array(), "k", "x"));
  EXPECT_THROW(JsonArray(Json::object(), "k", "x"), Error);
  EXPECT_THROW(JsonArray(Json("[]"), "k", "x"), Error);
}

TEST(JsonString, ErrorsNameFileFieldAndValue) {
  EXPECT_EQ(JsonString(Json("a"), "k", "x"), "a");
  try {
    JsonString(Json{{"long", std::string(1000, 'y')}}, "hidden_act", "config.json");
    ADD_FAILURE() << "was accepted";
  } catch (const Error& error) {
    const std::string message = error.message();
    EXPECT_NE(message.find("config.json"), std::string::npos);
    EXPECT_NE(message.find("'hidden_act'"), std::string::npos);
    EXPECT_NE(message.find("expected a string, found {\"long\""), std::string::npos);
    EXPECT_LT(message.size(), 200U);
  }
}

}  // namespace
}  // namespace siglip
