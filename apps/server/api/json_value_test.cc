#include "server/api/json_value.h"

#include <gmock/gmock.h>

#include <vector>

#include "server/api/json_check.h"
#include "server/api/refusal_test.h"

namespace siglip::server {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using namespace std::string_literals;

std::string WhyNoJson(const std::string& text) {
  const ApiError error = RefusalOf([&] { CheckJson(text); });
  EXPECT_EQ(error.status, 400);
  EXPECT_EQ(error.code, "malformed_json");
  return error.message;
}

std::string Nested(size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); }

TEST(CheckJsonTest, TakesWhatTheRfcHas) {
  for (const char* text :
       {"null", " true ", "false", "\"\"", "0", "-0", "-12.50e+3", "1E9", "1e999", "[]", "[ ]",
        "{}", "{ \"a\" : [ 1 , \"b\" ] }", "\"\\u00e9\\ud83d\\ude00\\n\\/\\\\\\\"\"", "\"\x7f\"",
        "\"h\xc3\xa9llo w\xc3\xb6rld, \xf0\x9f\x98\x80 and a tail that is longer\""}) {
    EXPECT_NO_THROW(CheckJson(text)) << text;
  }
}

TEST(CheckJsonTest, RefusesWhatTheRfcHasNot) {
  for (const char* text : {"",
                           " ",
                           "nul",
                           "True",
                           "NaN",
                           "-",
                           "01",
                           "+1",
                           ".5",
                           "1.",
                           "1e",
                           "1e+",
                           "0x10",
                           "-a",
                           "[",
                           "]",
                           "[1",
                           "[1,",
                           "[1,]",
                           "[,1]",
                           "[1 2]",
                           "{",
                           "{\"a\"",
                           "{\"a\":",
                           "{\"a\":1",
                           "{\"a\":1,",
                           "{\"a\":1,}",
                           "{a:1}",
                           "{'a':1}",
                           "{\"a\" 1}",
                           "{1:2}",
                           "\"",
                           "\"a",
                           "\"\\",
                           "\"\\x\"",
                           "\"\\u12\"",
                           "\"\\u12g4\"",
                           "1 2",
                           "{} {}",
                           "// a\n1",
                           "\"a\nb\"",
                           "\"\x01\"",
                           "\"\\ud83d\"",
                           "\"\\ud83d\\u0041\"",
                           "\"\\ude00\"",
                           "\"\\ud83dx\""}) {
    WhyNoJson(text);
  }
}

TEST(CheckJsonTest, SaysAtWhichByte) {
  EXPECT_EQ(WhyNoJson("{\"a\":tru}"),
            "the body is not valid JSON at byte 5: expected a value, found 't'");
  EXPECT_EQ(WhyNoJson("[1"),
            "the body is not valid JSON at byte 2: expected ',' or ']', found the end");
}

TEST(CheckJsonTest, RefusesZeroBytes) {
  EXPECT_THAT(WhyNoJson("1\0"s),
              HasSubstr("at byte 1: expected the end behind the value, found byte 0x00"));
  EXPECT_THAT(WhyNoJson("[\0 1]"s), HasSubstr("at byte 1"));
  EXPECT_THAT(WhyNoJson("\"01234567890123456789\0\""s), HasSubstr("at byte 21"));
}

TEST(CheckJsonTest, RefusesWhatIsNoUtf8) {
  for (const char* character : {"\x80", "\xc3", "\xc0\xaf", "\xe0\x80\xaf", "\xed\xa0\x80",
                                "\xf4\x90\x80\x80", "\xff", "\xf0\x9f\x98"}) {
    EXPECT_THAT(WhyNoJson("[\"0123456789" + std::string(character) + "\"]"),
                HasSubstr("at byte 12: expected UTF-8"));
  }
}

TEST(CheckJsonTest, FindsASpecialByteAtAnyPlace) {
  for (size_t place = 0; place < 24; ++place) {
    for (const char special : {'"', '\\', '\x1f', '\0', '\x80', '\xff'}) {
      std::string text(24, 'a');
      text[place] = special;
      EXPECT_THROW(CheckJson("\"" + text + "\""), ApiError) << place << " " << int{special};
    }
    for (const char plain : {' ', '!', '#', '[', ']', '\x7f', '='}) {
      std::string text(24, 'a');
      text[place] = plain;
      EXPECT_NO_THROW(CheckJson("\"" + text + "\"")) << place << " " << plain;
    }
  }
}

TEST(CheckJsonTest, BoundsTheDepth) {
  EXPECT_NO_THROW(CheckJson(Nested(16)));
  EXPECT_THAT(WhyNoJson(Nested(17)), HasSubstr("at byte 16: nested more than 16 deep"));
  WhyNoJson(std::string(20 << 20, '['));
  std::string objects;
  for (int i = 0; i < 17; ++i) objects += "{\"a\":";
  WhyNoJson(objects + "1" + std::string(17, '}'));
}

TEST(CheckJsonTest, RefusesEqualKeys) {
  EXPECT_THAT(WhyNoJson(R"({"a":1,"b":2,"a":3})"), HasSubstr("two fields called \"a\""));
  WhyNoJson(R"({"x":{"a":1,"\u0061":2}})");
  EXPECT_NO_THROW(CheckJson(R"({"a":{"a":1},"b":{"a":1},"":[{"a":1},{"a":1}]})"));
}

TEST(CheckJsonTest, BoundsKeys) {
  const auto with_fields = [](size_t count) {
    std::string text = "{\"first\":0";
    for (size_t i = 1; i < count; ++i) text += ",\"" + std::to_string(i) + "\":0";
    return text + "}";
  };
  EXPECT_NO_THROW(CheckJson(with_fields(1000)));
  EXPECT_THAT(WhyNoJson(with_fields(1001)), HasSubstr("more than 1000 fields"));
  EXPECT_NO_THROW(CheckJson("{\"" + std::string(1000, 'a') + "\":0}"));
  EXPECT_THAT(WhyNoJson("{\"" + std::string(1001, 'a') + "\":0}"),
              HasSubstr("longer than 1000 bytes"));
}

TEST(JsonValueTest, ReadsWhatWasChecked) {
  const JsonValue value =
      JsonValue::Parse("\xEF\xBB\xBF {\"a\" : [1, \"x]\\\"}\" ,{}], \"b\":null}\n");
  ASSERT_EQ(value.kind(), JsonValue::Kind::kObject);
  std::vector<std::string> fields;
  value.VisitFields([&](const std::string& key, JsonValue field) {
    fields.push_back(key + "=" + std::string(field.text()));
  });
  EXPECT_THAT(fields, ElementsAre("a=[1, \"x]\\\"}\" ,{}]", "b=null"));
  std::vector<std::string> items;
  JsonValue::Parse("[1, \"x]\\\"}\" ,{ },[]]").VisitItems([&](size_t index, JsonValue item) {
    items.push_back(std::to_string(index) + std::string(item.text()));
    return index < 2;
  });
  EXPECT_THAT(items, ElementsAre("01", "1\"x]\\\"}\"", "2{ }"));
}

TEST(JsonValueTest, UndoesEscapes) {
  EXPECT_EQ(JsonValue::Parse(R"("a\"\\\/\b\f\n\r\tb\u00e9\u20ac\ud83d\ude00\u0000")").String(),
            "a\"\\/\b\f\n\r\tb\u00e9\u20ac\U0001F600\0"s);
  EXPECT_EQ(JsonValue::Parse(R"("")").String(), "");
}

TEST(JsonValueTest, ReadsNumbers) {
  const auto integer = [](const char* text) { return JsonValue(text).Integer(); };
  EXPECT_EQ(integer("9223372036854775807"), 9223372036854775807);
  EXPECT_EQ(integer("-3"), -3);
  EXPECT_EQ(integer("2.0"), 2);
  EXPECT_EQ(integer("2e3"), 2000);
  for (const char* text : {"1.5", "1e300", "1e999", "9223372036854775808", "-1e16"}) {
    EXPECT_EQ(integer(text), std::nullopt) << text;
  }
  EXPECT_EQ(JsonValue("-0.25").Number(), -0.25);
  EXPECT_EQ(JsonValue("1e999").Number(), std::nullopt);
}

}  // namespace
}  // namespace siglip::server
