#include <gtest/gtest.h>

#include <limits>
#include <nlohmann/json.hpp>

#include "server/api/duplicates_reply.h"
#include "server/api/duplicates_request.h"
#include "server/api/refusal_test.h"

namespace siglip::server {
namespace {

using nlohmann::json;

std::string ParamOfDuplicatesRefusal(const std::string& text) {
  return RefusalOf([&] { ReadDuplicatesRequest(text); }).param;
}

std::vector<DuplicateGroup> Groups(int count) {
  std::vector<DuplicateGroup> groups;
  for (int i = 0; i < count; ++i) {
    const std::string path = "/p/" + std::to_string(i);
    groups.push_back({{{.path = path,
                        .content = i,
                        .bytes = 100,
                        .mtime_ns = 1500000000,
                        .width = 4,
                        .height = 3},
                       {.path = path + "\xff",
                        .content = i + 50,
                        .bytes = 30,
                        .mtime_ns = -1,
                        .score = 0.97F}}});
  }
  return groups;
}

TEST(DuplicatesRequestTest, ReadsItsFields) {
  const DuplicatesRequest plain = ReadDuplicatesRequest("{}");
  EXPECT_EQ(plain.options.kind, DuplicateKind::kSamePicture);
  EXPECT_EQ(plain.options.threshold, std::nullopt);
  EXPECT_EQ(plain.offset, 0);
  EXPECT_EQ(plain.top, 20);
  const DuplicatesRequest all =
      ReadDuplicatesRequest(R"({"kind":"similar","threshold":0.5,"offset":3,"top":1000})");
  EXPECT_EQ(all.options.kind, DuplicateKind::kSimilar);
  EXPECT_EQ(all.options.threshold, 0.5F);
  EXPECT_EQ(all.offset, 3);
  EXPECT_EQ(all.top, 1000);
  EXPECT_EQ(ReadDuplicatesRequest(R"({"kind":"same-bytes"})").options.kind,
            DuplicateKind::kSameBytes);
}

TEST(DuplicatesRequestTest, RefusesFieldsOutOfRange) {
  EXPECT_EQ(ParamOfDuplicatesRefusal(R"({"kind":"same"})"), "kind");
  EXPECT_EQ(ParamOfDuplicatesRefusal(R"({"threshold":0})"), "threshold");
  EXPECT_EQ(ParamOfDuplicatesRefusal(R"({"threshold":1e-7})"), "threshold");
  EXPECT_EQ(ParamOfDuplicatesRefusal(R"({"threshold":1.01})"), "threshold");
  EXPECT_EQ(ParamOfDuplicatesRefusal(R"({"threshold":1e300})"), "threshold");
  EXPECT_EQ(ParamOfDuplicatesRefusal(R"({"threshold":"a"})"), "threshold");
  EXPECT_EQ(ParamOfDuplicatesRefusal(R"({"kind":"same-bytes","threshold":0.9})"), "threshold");
  EXPECT_EQ(ParamOfDuplicatesRefusal(R"({"offset":-1})"), "offset");
  EXPECT_EQ(ParamOfDuplicatesRefusal(R"({"top":0})"), "top");
  EXPECT_EQ(ParamOfDuplicatesRefusal(R"({"top":1001})"), "top");
}

TEST(DuplicatesReplyTest, HasTheGroupsThatWereAskedFor) {
  const DuplicatesRequest request = ReadDuplicatesRequest(R"({"offset":1,"top":2})");
  const auto hash = [](int64_t content) { return content < 50 ? "0123" : ""; };
  const json reply = json::parse(DuplicatesReply(Groups(5), request, hash));
  EXPECT_EQ(reply["object"], "list");
  EXPECT_EQ(reply["kind"], "same-picture");
  EXPECT_EQ(reply["total"], 5);
  ASSERT_EQ(reply["data"].size(), 2U);
  EXPECT_EQ(reply["data"][0], json::parse(R"({"spare_bytes":30,"files":[
      {"id":1,"hash":"0123","path":"/p/1","width":4,"height":3,"bytes":100,"mtime":1.5,"score":1},
      {"id":51,"path":"/p/1\ufffd","path_base64":"L3AvMf8=","width":0,"height":0,"bytes":30,
       "mtime":-0.000000001,"score":0.97}]})"));
  EXPECT_EQ(reply["data"][1]["files"][0]["path"], "/p/2");
}

TEST(DuplicatesReplyTest, MayHaveNone) {
  const auto hash = [](int64_t) { return ""; };
  DuplicatesRequest request;
  EXPECT_EQ(json::parse(DuplicatesReply({}, request, hash))["data"], json::array());
  request.offset = std::numeric_limits<int64_t>::max();
  EXPECT_EQ(json::parse(DuplicatesReply(Groups(2), request, hash))["data"], json::array());
}

TEST(DuplicatesReplyTest, IsNoLargerThanSaid) {
  std::vector<DuplicateGroup> groups = Groups(3);
  for (DuplicateGroup& group : groups) {
    for (DuplicateFile& file : group.files) {
      file.path = std::string(200, '\x01') + std::string(200, '\xff');
      file.content = file.bytes = file.width = file.height =
          std::numeric_limits<int64_t>::max() / 2;
      file.mtime_ns = std::numeric_limits<int64_t>::min();
      file.score = -1.1754944e-38F;
    }
  }
  const auto hash = [](int64_t) { return std::string(32, 'a'); };
  EXPECT_LE(DuplicatesReply(groups, {}, hash).size(), DuplicatesReplyBytes(groups, {}));
}

}  // namespace
}  // namespace siglip::server
