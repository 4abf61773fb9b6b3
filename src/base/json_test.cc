// Tests of reading and writing JSON.
#include "base/json.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <utility>

#include "scratch_folder.h"
#include "siglip/error.hpp"

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
  for (const char* text : {"",
                           " ",
                           "{",
                           "[1,]",
                           "{\"a\":1}x",
                           "{'a':1}",
                           "nan",
                           "inf",
                           "+1",
                           "01",
                           ".5",
                           "1.",
                           "1e",
                           "-",
                           "-NaN",
                           "\"\\u12\"",
                           "\"\\ud800\\u\"",
                           "\"\\x\"",
                           "\"\x80\"",
                           "\"\xED\xA0\x80\"",
                           "// comment\n1",
                           "\"a\nb\"",
                           "\"",
                           "tru",
                           "{\"a\"}",
                           "{1:2}"}) {
    const Error error = ParseFailure(text);
    EXPECT_EQ(error.code(), ErrorCode::kMalformedFile) << text;
    EXPECT_EQ(error.message().rfind("x.json: ", 0), 0U) << error.message();
    EXPECT_EQ(error.message().find("json.exception"), std::string::npos) << error.message();
  }
  EXPECT_EQ(ParseFailure(std::string("1\0", 2)).code(), ErrorCode::kMalformedFile);
  EXPECT_EQ(ParseFailure(std::string("\"a\0\"", 4)).code(), ErrorCode::kMalformedFile);
}

// Lines and columns: json.loads of CPython 3.11.
TEST(Json, ErrorsNameLineAndColumn) {
  const std::pair<const char*, const char*> cases[] = {
      {"{\"a\": }", "line 1, column 7: expected a value, found '}'"},
      {"[1,\n 2 3]", "line 2, column 4: expected ',' or ']', found '3'"},
      {"{\n  \"ü\": x}", "line 2, column 8: expected a value, found 'x'"},
      {"[1", "line 1, column 3: expected ',' or ']', found the end of the text"},
      {"{\"a\" 1}", "line 1, column 6: expected ':', found '1'"},
      {"{\"a\": 1,\n \"b\": \"x\ny\"}", "line 2, column 9: "},
      {"[01]", "line 1, column 3: "},
      {"[1] 2", "line 1, column 5: expected the end of the text, found '2'"},
      {"{a: 1}", "line 1, column 2: expected a key in double quotes, found 'a'"},
      {"[tru]", "line 1, column 2: expected a value, found 't'"},
      {"{\"a\":1,}", "line 1, column 8: expected a key in double quotes, found '}'"}};
  for (const auto& [text, expected] : cases) {
    const std::string message = ParseFailure(text).message();
    EXPECT_NE(message.find(std::string("x.json: not valid JSON: ") + expected), std::string::npos)
        << message;
  }
  EXPECT_NE(ParseFailure("{\"a\": [1,\n2").hint().find("cut short"), std::string::npos);
}

// What json.dumps(json.loads(text)) of CPython 3.11 gives.
TEST(Json, ReadsWhatPythonReadsAndWritesItAsPythonDoes) {
  const std::pair<const char*, const char*> cases[] = {
      {"NaN", "NaN"},
      {"[Infinity, -Infinity]", "[Infinity,-Infinity]"},
      {"1e999", "Infinity"},
      {"-1e999", "-Infinity"},
      {"1e-999", "0.0"},
      {"{\"a\":1,\"b\":2,\"a\":3}", "{\"a\":3,\"b\":2}"},
      {"{\"a\": {\"a\": 1}, \"a\": [1]}", "{\"a\":[1]}"},
      {"{\"a\": 1, \"\\u0061\": 2}", "{\"a\":2}"},
      {"\"\\ud800\"", "\"\\ud800\""},
      {"\"\\ud83d\\ude00\"", "\"\\ud83d\\ude00\""},
      {"\"\\uDE00\\uD83D\"", "\"\\ude00\\ud83d\""},
      {"\"x\\ud83d\\u0041\"", "\"x\\ud83dA\""},
      {"{\"\\udfff\":1}", "{\"\\udfff\":1}"},
      {"18446744073709551615", "18446744073709551615"},
      {"-9223372036854775808", "-9223372036854775808"},
      {"-0", "0"},
      {"0.1", "0.1"},
      {"\"\\u0000\\/\\b\\f\\r\\n\\t\\\"\\\\\"", "\"\\u0000/\\b\\f\\r\\n\\t\\\"\\\\\""},
      {" [ ] ", "[]"},
      {"{\r\n\t}", "{}"}};
  for (const auto& [text, expected] : cases) {
    EXPECT_EQ(JsonText(ParseJson(text, "x.json"), -1, /*only_ascii=*/true), expected) << text;
  }
  EXPECT_EQ(ParseJson("\xEF\xBB\xBF[1]", "x.json")[0], 1);
}

TEST(Json, StrictlyReadRefusesWhatTheStandardLeavesOpen) {
  for (const char* text :
       {"NaN", "Infinity", "-Infinity", "1e999", "-1e999", "\"\\ud800\"", "\"\\udc00\"",
        "{\"a\":1,\"a\":1}", "[{\"b\": {\"c\": 1, \"\\u0063\": 1}}]", "\xEF\xBB\xBF[1]"}) {
    EXPECT_THROW(ParseStrictJson(text, "x.json"), Error) << text;
    EXPECT_NO_THROW(ParseJson(text, "x.json")) << text;
  }
  EXPECT_NO_THROW(
      ParseStrictJson(R"({"a": {"a": 1}, "b": {"a": 2}, "c": [{"a": 1}, {"a": 2}]})", "x"));
}

TEST(Json, IsWrittenAsTheLibraryWritesIt) {
  const Json value = {{"a", {1, 2.5, nullptr, Json::array(), Json::object()}},
                      {"b", {{"ü", "é\n\x7f"}, {"c", true}}}};
  EXPECT_EQ(JsonText(value), value.dump());
  EXPECT_EQ(JsonText(value, 2), value.dump(2));
  EXPECT_EQ(JsonText(value, 0, true), value.dump(0, ' ', true));
  EXPECT_EQ(JsonText("a\x80\xED"), "\"a\\ufffd\\ufffd\"");
}

// Values that no field can have are errors of the field, and shown as the file has them.
TEST(Json, ValuesOutOfReachAreRefusedWhereTheyAreUsed) {
  const auto message = [](const char* text, const auto& use) {
    try {
      use(ParseJson(text, "x.json"), "k", "x.json");
    } catch (const Error& error) {
      return error.message();
    }
    return std::string("was accepted");
  };
  EXPECT_EQ(message("NaN", JsonNumber), "x.json: field 'k': expected a finite number, found NaN");
  EXPECT_EQ(message("-1e400", JsonNumber),
            "x.json: field 'k': expected a finite number, found -Infinity");
  EXPECT_EQ(message("1e400", JsonInteger),
            "x.json: field 'k': expected an integer, found Infinity");
  EXPECT_EQ(message("123456789012345678901234567890", JsonInteger),
            "x.json: field 'k': expected an integer, found 1.2345678901234568e+29");
  EXPECT_EQ(message("\"a\\ud800\"", JsonString),
            "x.json: field 'k': expected text without a lone surrogate, found \"a\\ud800\"");
  EXPECT_EQ(message("[NaN]", JsonBool), "x.json: field 'k': expected true or false, found [NaN]");
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
