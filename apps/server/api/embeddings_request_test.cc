#include "server/api/embeddings_request.h"

#include <gmock/gmock.h>

#include "server/api/refusal_test.h"

namespace siglip::server {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr int64_t kDimension = 768;
// "\xff\xd8" as Python's base64.b64encode has it; that it is called a PNG below does not matter.
constexpr const char* kPicture = "/9g=";
constexpr const char* kUri = "data:image/png;base64,/9g=";

EmbeddingsRequest Read(const std::string& json) { return ReadEmbeddingsRequest(json, kDimension); }

/// With single quotes for double ones.
std::string Quoted(std::string text) {
  for (char& character : text) {
    if (character == '\'') character = '"';
  }
  return text;
}

/// What the items of a request are: "text TEXT", "picture" or "CODE: MESSAGE", separated by "; ".
std::string Items(const std::string& json) {
  std::string text;
  for (const InputItem& item : Read(Quoted(json)).items) {
    text += text.empty() ? "" : "; ";
    if (const auto* const words = std::get_if<InputText>(&item)) text += "text " + words->text;
    if (const auto* const picture = std::get_if<InputPicture>(&item)) {
      text += picture->bytes == "\xff\xd8" ? "picture" : "other bytes";
    }
    if (const auto* const error = std::get_if<ItemError>(&item)) {
      text += error->code + ": " + error->message;
    }
  }
  return text;
}

ApiError EmbeddingsRefusal(const std::string& json) {
  return RefusalOf([&] { Read(Quoted(json)); });
}

std::string WhyNot(const std::string& json) {
  const ApiError error = EmbeddingsRefusal(json);
  EXPECT_EQ(error.status, 400) << json;
  return error.message;
}

TEST(EmbeddingsRequestTest, TextsAreStrings) {
  EXPECT_EQ(Items("{'input':'a cat'}"), "text a cat");
  EXPECT_EQ(Items("{'input':['a cat','a dog']}"), "text a cat; text a dog");
  // also what looks like base64, an address, or a data URI of something else
  EXPECT_EQ(Items("{'input':'/9g='}"), "text /9g=");
  EXPECT_EQ(Items("{'input':'http://a/b.jpg'}"), "text http://a/b.jpg");
  EXPECT_EQ(Items("{'input':'data:text/plain,a'}"), "text data:text/plain,a");
  EXPECT_EQ(Items("{'input':'a cat','modality':'text'}"), "text a cat");
}

TEST(EmbeddingsRequestTest, DataUrisArePictures) {
  EXPECT_EQ(Items(std::string("{'input':'") + kUri + "'}"), "picture");
  EXPECT_EQ(Items("{'input':['DATA:Image/JPEG;Base64,/9g','a']}"), "picture; text a");
  EXPECT_EQ(Items(R"({'input':'data:image\/jpeg;charset=a;base64,\/9g='})"), "picture");
  EXPECT_EQ(Items(std::string("{'modality':'text','input':'") + kUri + "'}"), "picture");
}

TEST(EmbeddingsRequestTest, ModalityImageMakesPicturesOfStrings) {
  EXPECT_EQ(Items(std::string("{'input':['") + kPicture + "','" + kUri + "'],'modality':'image'}"),
            "picture; picture");
  EXPECT_EQ(Items("{'input':[{'text':'a'},'/9g'],'modality':'image'}"), "text a; picture");
}

TEST(EmbeddingsRequestTest, ObjectsNameWhatTheyAre) {
  EXPECT_EQ(Items("{'input':{'text':'a cat'}}"), "text a cat");
  EXPECT_EQ(Items("{'input':[{'image':'/9g='},{'image':'data:image/webp;base64,/9g='}]}"),
            "picture; picture");
  EXPECT_EQ(Items("{'input':{'image':'/9g=','text':null,'other':[1]}}"), "picture");
  EXPECT_EQ(Items("{'input':{'image':'/9g=','text':''}}"), "picture");
}

TEST(EmbeddingsRequestTest, PartsNameTheirType) {
  EXPECT_EQ(Items("{'input':[{'type':'text','text':'a'}]}"), "text a");
  EXPECT_EQ(Items("{'input':{'type':'image_url','image_url':'data:image/png;base64,/9g='}}"),
            "picture");
  EXPECT_EQ(Items("{'input':{'type':'image_url','image_url':{'url':'data:image/png;base64,/9g=',"
                  "'detail':'low'}}}"),
            "picture");
  EXPECT_EQ(Items("{'input':{'type':'image','image_url':{'url':'data:image/png;base64,/9g='}}}"),
            "picture");
  EXPECT_EQ(Items("{'input':{'type':'image_base64','image_base64':'/9g='}}"), "picture");
  EXPECT_EQ(Items("{'input':{'type':'image_base64','image_base64':'data:image/a;base64,/9g='}}"),
            "picture");
}

TEST(EmbeddingsRequestTest, ContentHasOnePart) {
  EXPECT_EQ(
      Items("{'inputs':[{'content':[{'type':'text','text':'a'}]},"
            "{'content':[{'type':'image_url','image_url':{'url':'data:image/a;base64,/9g='}}]}"
            "]}"),
      "text a; picture");
  EXPECT_EQ(Items("{'input':{'content':'a cat'}}"), "text a cat");
}

TEST(EmbeddingsRequestTest, MessagesHaveOnePictureOrText) {
  EXPECT_EQ(Items("{'messages':[{'role':'user','content':[{'type':'image_url','image_url':{'url':"
                  "'data:image/a;base64,/9g='}},{'type':'text','text':''}]}]}"),
            "picture");
  EXPECT_EQ(Items("{'messages':[{'role':'user','content':'a cat'}]}"), "text a cat");
  EXPECT_EQ(Items("{'messages':[{'role':'user','content':[{'type':'text','text':'a'}]}]}"),
            "text a");
}

TEST(EmbeddingsRequestTest, RefusesMessagesOfAnyOtherForm) {
  EXPECT_THAT(WhyNot("{'messages':[{'role':'user','content':[{'type':'image_url','image_url':"
                     "'data:image/a;base64,/9g='},{'type':'text','text':'Describe it'}]}]}"),
              HasSubstr("messages[0].content: expected one text or one picture, which has an "
                        "embedding of its own, found a text and a picture together"));
  EXPECT_THAT(WhyNot("{'messages':[]}"), HasSubstr("expected one message"));
  EXPECT_THAT(WhyNot("{'messages':[{'role':'user','content':'a'},{'role':'user','content':'b'}]}"),
              HasSubstr("expected one message"));
  EXPECT_THAT(WhyNot("{'messages':[{'role':'system','content':'a'}]}"),
              HasSubstr("messages[0].role: expected \"user\""));
  EXPECT_THAT(WhyNot("{'messages':[{'role':'user'}]}"), HasSubstr("expected \"content\""));
  EXPECT_THAT(WhyNot("{'messages':['a']}"), HasSubstr("messages[0]"));
  EXPECT_THAT(WhyNot("{'messages':{}}"), HasSubstr("messages"));
  EXPECT_THAT(WhyNot("{'messages':[{'content':[]}]}"), HasSubstr("found an empty list"));
  EXPECT_THAT(WhyNot("{'messages':[{'content':'a'}],'input':'b'}"),
              HasSubstr("one of \"input\", \"inputs\" and \"messages\""));
}

TEST(EmbeddingsRequestTest, ReadsTheOtherFields) {
  const EmbeddingsRequest plain = Read(R"({"input":"a"})");
  EXPECT_EQ(plain.model, std::nullopt);
  EXPECT_EQ(plain.encoding_format, EncodingFormat::kFloat);
  EXPECT_TRUE(plain.normalize);
  EXPECT_FALSE(plain.partial);
  const EmbeddingsRequest all =
      Read(R"({"partial":true,"normalize":false,"dimensions":768.0,"encoding_format":"base64",)"
           R"("model":"m","user":7,"new":{"a":[[]]},"input":"a"})");
  EXPECT_EQ(all.model, "m");
  EXPECT_EQ(all.encoding_format, EncodingFormat::kBase64);
  EXPECT_FALSE(all.normalize);
  EXPECT_TRUE(all.partial);
  const EmbeddingsRequest nulls = Read(
      R"({"model":null,"encoding_format":null,"dimensions":null,"modality":null,"normalize":null,)"
      R"("partial":null,"inputs":null,"messages":null,"input":"a"})");
  EXPECT_TRUE(nulls.normalize);
}

TEST(EmbeddingsRequestTest, RefusesFieldsOutOfRange) {
  const auto param = [](const std::string& field) {
    return EmbeddingsRefusal("{'input':'a'," + field + "}").param;
  };
  EXPECT_EQ(param("'model':1"), "model");
  EXPECT_EQ(param("'encoding_format':'int8'"), "encoding_format");
  EXPECT_EQ(param("'encoding_format':1"), "encoding_format");
  EXPECT_EQ(param("'modality':'audio'"), "modality");
  EXPECT_EQ(param("'normalize':'yes'"), "normalize");
  EXPECT_EQ(param("'partial':1"), "partial");
  for (const char* value : {"512", "0", "-1", "768.5", "'768'", "1e999", "99999999999999999999"}) {
    EXPECT_EQ(param("'dimensions':" + std::string(value)), "dimensions") << value;
  }
  EXPECT_THAT(
      WhyNot("{'input':'a','dimensions':512}"),
      HasSubstr("dimensions: expected 768 or nothing, since embeddings of this model cannot "
                "be shortened, found the number 512"));
}

TEST(EmbeddingsRequestTest, RefusesTokenNumbers) {
  for (const char* input : {"[1,2,3]", "[[1,2],[3]]", "['a',[1]]", "7", "[[]]"}) {
    const ApiError error = EmbeddingsRefusal("{'partial':true,'input':" + std::string(input) + "}");
    EXPECT_EQ(error.status, 400);
    EXPECT_EQ(error.code, "unsupported") << input;
    EXPECT_THAT(error.message, HasSubstr("check_embedding_ctx_length=False"));
  }
  std::string many = "{'input':[1";
  for (int i = 0; i < 5000; ++i) many += ",1";
  EXPECT_THAT(WhyNot(many + "]}"), HasSubstr("check_embedding_ctx_length=False"));
}

TEST(EmbeddingsRequestTest, RefusesAddressesAndPathsOfPictures) {
  for (const char* address :
       {"http://a.example/b.jpg", "https://a.example/b.jpg", "file:///etc/a", "FILE:a", "ftp://a/b",
        "blob:http://a", "//a.example/b.jpg", "s3://a/b", R"(https:\/\/a.example\/b.jpg)"}) {
    for (const char* form : {"{'image':'@'}", "{'type':'image_url','image_url':'@'}",
                             "{'type':'image_url','image_url':{'url':'@'}}",
                             "{'type':'image_base64','image_base64':'@'}"}) {
      std::string item = form;
      item.replace(item.find('@'), 1, address);
      EXPECT_THAT(WhyNot("{'input':" + item + "}"),
                  HasSubstr("nothing in a request is ever fetched"));
    }
    EXPECT_THAT(WhyNot("{'modality':'image','input':'" + std::string(address) + "'}"),
                HasSubstr("nothing in a request is ever fetched"));
  }
  for (const char* path : {"cat.jpg", "/home/me/cat.jpg", "../cat", R"(C:\\cat)", "~/cat"}) {
    EXPECT_THAT(WhyNot("{'input':{'image':'" + std::string(path) + "'}}"),
                HasSubstr("no file is ever opened for a request"));
  }
}

TEST(EmbeddingsRequestTest, RefusesOtherDataUris) {
  const auto why = [](const std::string& uri) {
    return WhyNot("{'input':{'image':'" + uri + "'}}");
  };
  EXPECT_THAT(why("data:text/plain;base64,/9g="), HasSubstr("found one of another type"));
  EXPECT_THAT(why("data:;base64,/9g="), HasSubstr("found one of another type"));
  EXPECT_THAT(why("data:image/svg+xml,%3Csvg%3E"), HasSubstr("percent-encoded"));
  EXPECT_THAT(why("data:image/png,/9g="), HasSubstr("percent-encoded"));
  EXPECT_THAT(why("data:image/png;base64"), HasSubstr("expected a comma"));
  EXPECT_THAT(why("data:" + std::string(1000, 'a')), HasSubstr("expected a comma"));
  EXPECT_THAT(why("data:image/png;" + std::string(300, 'a') + ";base64,/9g="),
              HasSubstr("expected a comma in a data URI, within 256 bytes"));
  EXPECT_THAT(why("data:image/png;base64,"), HasSubstr("found an empty one"));
  EXPECT_THAT(why("data:image/png;base64,/9 g"), HasSubstr("without blanks"));
  EXPECT_THAT(why("data:image/png;base64,http://a"), Not(HasSubstr("fetched")));
  EXPECT_THAT(WhyNot("{'input':{'type':'image_url','image_url':'/9g='}}"),
              HasSubstr("expected a data URI"));
  EXPECT_THAT(why("/9-g"), HasSubstr("alphabet for URLs"));
  EXPECT_THAT(why(""), HasSubstr("found an empty one"));
  EXPECT_THAT(why("/9gg="), HasSubstr("input.image: expected no '='"));
}

TEST(EmbeddingsRequestTest, ShortensWhatItShows) {
  const std::string message = WhyNot("{'input':{'image':'" + std::string(100000, '!') + "'}}");
  EXPECT_LT(message.size(), 300U);
}

TEST(EmbeddingsRequestTest, RefusesItemsThatAreNone) {
  EXPECT_THAT(WhyNot("{'input':''}"), HasSubstr("input: expected a text, found an empty string"));
  EXPECT_THAT(WhyNot("{'input':{'text':''}}"), HasSubstr("found an empty string"));
  EXPECT_THAT(WhyNot("{'input':{'content':[{'type':'text','text':''}]}}"),
              HasSubstr("found only empty texts"));
  EXPECT_THAT(WhyNot("{'input':{}}"), HasSubstr("an object with none of these"));
  EXPECT_THAT(WhyNot("{'input':{'image_url':'a'}}"), HasSubstr("an object with none of these"));
  EXPECT_THAT(WhyNot("{'input':{'type':'video_url'}}"),
              HasSubstr("input.type: expected \"text\", \"image_url\", \"image\" or "
                        "\"image_base64\", found the string \"video_url\""));
  EXPECT_THAT(WhyNot("{'input':{'type':'image_url','image_url':{}}}"), HasSubstr("no \"url\""));
  EXPECT_THAT(WhyNot("{'input':{'type':'image_url'}}"), HasSubstr("expected \"image_url\""));
  EXPECT_THAT(WhyNot("{'input':{'type':'text','text':['a']}}"), HasSubstr("expected a string"));
  EXPECT_THAT(WhyNot("{'input':{'image':{'url':'a'}}}"), HasSubstr("expected a string"));
  EXPECT_THAT(WhyNot("{'input':{'content':[]}}"), HasSubstr("found an empty list"));
  EXPECT_THAT(WhyNot("{'input':{'content':['a']}}"), HasSubstr("expected an object"));
  EXPECT_THAT(WhyNot("{'input':{'content':7}}"), HasSubstr("expected a string or a list of parts"));
  EXPECT_THAT(WhyNot("{'input':[true]}"), HasSubstr("found true"));
  EXPECT_THAT(WhyNot("{'input':[null]}"), HasSubstr("found null"));
}

TEST(EmbeddingsRequestTest, RefusesTextAndPictureInOneItem) {
  for (const char* item :
       {"{'text':'a','image':'/9g='}", "{'type':'text','text':'a','image':'/9g='}",
        "{'type':'image_base64','image_base64':'/9g=','text':'a'}",
        "{'content':[{'type':'text','text':'a'},{'type':'image_base64','image_base64':'/9g='}]}",
        "{'type':'text','text':'','image':'/9g='}"}) {
    EXPECT_THAT(WhyNot("{'input':" + std::string(item) + "}"),
                HasSubstr("a text and a picture together: send two items"));
  }
  EXPECT_THAT(
      WhyNot("{'input':{'content':[{'type':'text','text':'a'},{'type':'text','text':'b'}]}}"),
      HasSubstr("several: send them as items of a list"));
  EXPECT_THAT(WhyNot("{'input':{'type':'image_base64','image_base64':'/9g=','image':'/9g='}}"),
              HasSubstr("found two pictures"));
}

TEST(EmbeddingsRequestTest, ContentStandsAlone) {
  EXPECT_THAT(WhyNot("{'input':{'content':[{'content':[{'text':'a'}]}]}}"),
              HasSubstr("no \"content\" inside another"));
  for (const char* beside : {"'text':'a'", "'image':'/9g='", "'type':'text'", "'text':''"}) {
    EXPECT_THAT(WhyNot("{'input':{'content':'a'," + std::string(beside) + "}}"),
                HasSubstr("nothing beside \"content\""));
  }
  EXPECT_EQ(Items("{'input':{'content':'a','text':null,'role':'user'}}"), "text a");
}

TEST(EmbeddingsRequestTest, BoundsTheNumberOfParts) {
  const auto with = [](int empty) {
    std::string parts;
    for (int i = 0; i < empty; ++i) parts += "{'text':''},";
    return "{'input':{'content':[" + parts + "{'text':'a'}]}}";
  };
  EXPECT_EQ(Items(with(15)), "text a");
  EXPECT_THAT(WhyNot(with(16)), HasSubstr("input.content: expected 1 to 16 items"));
}

TEST(EmbeddingsRequestTest, BoundsTheNumberOfItems) {
  const auto with = [](size_t count) {
    std::string json = "{\"partial\":true,\"input\":[\"a\"";
    for (size_t i = 1; i < count; ++i) json += ",\"a\"";
    return json + "]}";
  };
  EXPECT_EQ(Read(with(2048)).items.size(), 2048U);
  EXPECT_THAT(WhyNot(with(2049)), HasSubstr("input: expected 1 to 2048 items, found more"));
  EXPECT_THAT(WhyNot("{'input':[]}"), HasSubstr("found an empty list"));
  EXPECT_EQ(EmbeddingsRefusal("{}").param, "input");
  EXPECT_EQ(EmbeddingsRefusal("{'input':null}").param, "input");
}

TEST(EmbeddingsRequestTest, NamesEveryBadItem) {
  const ApiError error = EmbeddingsRefusal("{'input':['a','',{'image':'/9g='},{'image':'!'}]}");
  EXPECT_EQ(error.status, 400);
  EXPECT_EQ(error.param, "input[1]");
  EXPECT_THAT(error.message, HasSubstr("so many items were refused: 2"));
  ASSERT_EQ(error.items.size(), 2U);
  EXPECT_EQ(error.items[0].index, 1U);
  EXPECT_EQ(error.items[1].index, 3U);
  EXPECT_EQ(error.items[1].code, "invalid_argument");
  EXPECT_THAT(error.items[1].message, HasSubstr("input[3].image: expected a digit of base64"));
  EXPECT_EQ(EmbeddingsRefusal("{'inputs':['a','']}").param, "inputs[1]");
}

TEST(EmbeddingsRequestTest, PartialRequestsKeepTheGoodItems) {
  EXPECT_EQ(Items("{'partial':true,'input':['a','',{'image':'/9g='}]}"),
            "text a; invalid_argument: input[1]: expected a text, found an empty string; picture");
  EXPECT_EQ(EmbeddingsRefusal("{'partial':true,'input':['','']}").items.size(), 2U);
}

TEST(EmbeddingsRequestTest, RefusesWhatIsNoObject) {
  for (const char* body : {"[]", "'a'", "1", "null", "['a']"}) {
    EXPECT_THAT(WhyNot(body), HasSubstr("expected an object as the body")) << body;
  }
  EXPECT_EQ(EmbeddingsRefusal("{'input':'a'").code, "malformed_json");
  EXPECT_EQ(EmbeddingsRefusal("").code, "malformed_json");
  EXPECT_EQ(EmbeddingsRefusal("{'input':'a','input':'b'}").code, "malformed_json");
}

TEST(EmbeddingsRequestTest, APictureMayBeTheBody) {
  const EmbeddingsRequest request = ReadPictureBody("\xff\xd8");
  ASSERT_EQ(request.items.size(), 1U);
  EXPECT_EQ(std::get<InputPicture>(request.items.front()).bytes, "\xff\xd8");
  EXPECT_EQ(RefusalOf([] { ReadPictureBody(""); }).status, 400);
}

TEST(EmbeddingsRequestTest, HoldsNoMoreThanTheBody) {
  std::string json = R"({"input":[)";
  for (int i = 0; i < 10; ++i) {
    json += std::string(i == 0 ? "" : ",") + R"({"image":")" + std::string(40000, 'A') + R"("})";
  }
  json += "]}";
  size_t bytes = 0;
  for (const InputItem& item : Read(json).items) {
    bytes += std::get<InputPicture>(item).bytes.capacity();
  }
  EXPECT_EQ(Read(json).items.size(), 10U);
  EXPECT_LT(bytes, json.size());
}

}  // namespace
}  // namespace siglip::server
