#include "siglip/fingerprint.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "base/atomic_file.h"
#include "base/json.h"
#include "expect_error.h"
#include "scratch_folder.h"
#include "siglip/checkpoint.hpp"
#include "siglip/embedder.hpp"
#include "siglip/transformers/image_processor.hpp"
#include "siglip/transformers/vision_model.hpp"
#include "source_folders.h"

namespace siglip {
namespace {

Fingerprint Example() {
  Fingerprint fingerprint;
  PictureFingerprint& pictures = fingerprint.pictures.emplace();
  pictures.image_weights = std::string(64, '1');
  pictures.image_architecture = R"({"hidden_act":"gelu"})";
  pictures.preprocessing = R"({"do_resize":true})";
  pictures.max_num_patches = 256;
  TextFingerprint& texts = fingerprint.texts.emplace();
  texts.text_weights = std::string(64, '2');
  texts.text_architecture = R"({"hidden_act":"gelu"})";
  texts.tokenizer = std::string(64, '3');
  fingerprint.instruction_set_class = "avx512";
  fingerprint.dimension = 768;
  return fingerprint;
}

Fingerprint With(const std::function<void(Fingerprint&)>& change) {
  Fingerprint fingerprint = Example();
  change(fingerprint);
  return fingerprint;
}

std::string Difference(const Fingerprint& expected, const Fingerprint& found,
                       FingerprintRelation relation) {
  const auto difference = FirstDifference(expected, found, relation);
  return difference ? ToString(*difference) : "";
}

struct Change {
  std::function<void(Fingerprint&)> make;
  std::string difference;
  /// Whether it counts in kComparable, and in kComparableAsQuery.
  bool comparable = true;
  bool query = true;
};

const std::vector<Change>& Changes() {
  static const std::string hash = std::string(64, '4');
  static const std::vector<Change> changes = {
      {[](Fingerprint& f) { f.pictures->image_weights = hash; },
       "image weights was " + std::string(64, '1') + ", is now " + hash},
      {[](Fingerprint& f) { f.pictures->image_architecture = "{}"; },
       R"(image architecture was {"hidden_act":"gelu"}, is now {})"},
      {[](Fingerprint& f) { f.pictures->preprocess = PreprocessMode::kPillow; },
       "preprocess was torchvision, is now pillow"},
      {[](Fingerprint& f) { f.pictures->preprocessing = "{}"; },
       R"(preprocessing was {"do_resize":true}, is now {})"},
      {[](Fingerprint& f) { f.pictures->alpha = AlphaPolicy::kDrop; },
       "alpha was white, is now drop"},
      {[](Fingerprint& f) { f.pictures->exif_orientation = false; },
       "exif orientation was yes, is now no"},
      {[](Fingerprint& f) { f.pictures->fast_decode = true; }, "fast decode was no, is now yes"},
      {[](Fingerprint& f) { f.pictures->max_num_patches = 1024; },
       "max num patches was 256, is now 1024"},
      {[](Fingerprint& f) { f.pictures->tokens = true; }, "tokens was no, is now yes"},
      {[](Fingerprint& f) { f.texts->text_weights = hash; },
       "text weights was " + std::string(64, '2') + ", is now " + hash},
      {[](Fingerprint& f) { f.texts->text_architecture = "{}"; },
       R"(text architecture was {"hidden_act":"gelu"}, is now {})"},
      {[](Fingerprint& f) { f.texts->tokenizer = hash; },
       "tokenizer was " + std::string(64, '3') + ", is now " + hash},
      {[](Fingerprint& f) { f.texts->tokenizer = ""; },
       "tokenizer was " + std::string(64, '3') + ", is now left out"},
      {[](Fingerprint& f) { f.dimension = 1024; }, "dimension was 768, is now 1024"},
      {[](Fingerprint& f) { f.precision = Precision::kInt8; }, "precision was f32, is now int8",
       true, false},
      {[](Fingerprint& f) { f.instruction_set_class = "avx2"; },
       "instruction set class was avx512, is now avx2", false, false},
      {[](Fingerprint& f) { f.normalize = true; }, "normalize was no, is now yes", false, false},
  };
  return changes;
}

TEST(Fingerprint, WordsAreReadBack) {
  std::map<std::string, std::string> words = Example().InWords();
  words["weights (checksum)"] = "01234567";
  EXPECT_EQ(Fingerprint::FromWords(words, "a"), Example());
  const Fingerprint pictures = With([](Fingerprint& f) {
    f.pictures->image_weights.clear();
    f.pictures->fast_decode = true;
    f.texts.reset();
    f.precision = Precision::kInt8;
  });
  EXPECT_EQ(Fingerprint::FromWords(pictures.InWords(), "a"), pictures);
  EXPECT_EQ(Fingerprint::FromWords({{"format", "pt"}, {"precision", "f32"}}, "a"), std::nullopt);
}

TEST(Fingerprint, WordsThatItDoesNotWrite) {
  const auto refuse = [](const std::string& key, const char* value, const std::string& said) {
    std::map<std::string, std::string> words = Example().InWords();
    words.erase(key);
    if (value != nullptr) words[key] = value;
    ExpectError(ErrorCode::kMalformedFile, {"a.safetensors", said},
                [&] { Fingerprint::FromWords(words, "a.safetensors"); });
  };
  refuse("alpha", nullptr, "'alpha' is missing");
  refuse("alpha", "grey", "grey");
  refuse("dimension", "12x", "'dimension'");
  refuse("dimension", "0", "'dimension'");
  refuse("max num patches", "-1", "'max_num_patches'");
  refuse("fast decode", "true", "'fast_decode'");
  refuse("image weights", "left out", "'image_weights'");
}

TEST(FingerprintTest, RelationsFieldByField) {
  using Relation = FingerprintRelation;
  for (const Change& change : Changes()) {
    const Fingerprint changed = With(change.make);
    EXPECT_EQ(Difference(Example(), changed, Relation::kSameBits), change.difference);
    EXPECT_EQ(Difference(Example(), changed, Relation::kComparable),
              change.comparable ? change.difference : "");
    EXPECT_EQ(Difference(Example(), changed, Relation::kComparableAsQuery),
              change.query ? change.difference : "");
    EXPECT_NE(changed, Example()) << change.difference;
  }
  for (const Relation relation :
       {Relation::kSameBits, Relation::kComparable, Relation::kComparableAsQuery}) {
    EXPECT_EQ(Difference(Example(), Example(), relation), "");
  }
}

TEST(FingerprintTest, TheJsonHoldsEveryField) {
  EXPECT_EQ(Fingerprint::FromJson(Example().ToJson(), "example"), Example());
  for (const Change& change : Changes()) {
    const Fingerprint changed = With(change.make);
    if (changed.texts->tokenizer.empty()) {
      ExpectError(ErrorCode::kInvalidArgument, {"'tokenizer' is left out"},
                  [&] { changed.ToJson(); });
    } else {
      EXPECT_EQ(Fingerprint::FromJson(changed.ToJson(), "changed"), changed) << change.difference;
    }
  }
}

TEST(FingerprintTest, PicturesOrTextsAlone) {
  const Fingerprint pictures = With([](Fingerprint& f) { f.texts.reset(); });
  const Fingerprint texts = With([](Fingerprint& f) { f.pictures.reset(); });
  for (const Fingerprint& part : {pictures, texts}) {
    EXPECT_EQ(Fingerprint::FromJson(part.ToJson(), "part"), part);
    EXPECT_EQ(Difference(part, Example(), FingerprintRelation::kComparable), "");
    EXPECT_EQ(Difference(Example(), part, FingerprintRelation::kComparableAsQuery), "");
  }
  EXPECT_EQ(Difference(pictures, Example(), FingerprintRelation::kSameBits),
            "content was pictures, is now pictures and texts");
  EXPECT_EQ(Difference(pictures, texts, FingerprintRelation::kComparable),
            "content was pictures, is now texts");
  EXPECT_FALSE(texts.InWords().contains("alpha"));
  EXPECT_EQ(pictures.InWords().at("fast decode"), "no");
  EXPECT_EQ(texts.InWords().at("dimension"), "768");
}

TEST(FingerprintTest, MalformedJson) {
  const auto refuse = [](const std::vector<std::string>& parts, const std::string& json) {
    ExpectError(ErrorCode::kMalformedFile, parts, [&] { Fingerprint::FromJson(json, "index"); });
  };
  refuse({"index"}, "");
  refuse({"index"}, "{");
  refuse({"index", "expected a JSON object"}, "[]");
  refuse({"index", "no field of pictures or of texts"}, "{}");
  const Json example = ParseJson(Example().ToJson(), "example");
  refuse({"no such field", "'colour'"}, [&] {
    Json json = example;
    json["colour"] = 1;
    return JsonText(json);
  }());
  const std::vector<Json> wrong = {nullptr,
                                   Json::array(),
                                   Json::object(),
                                   -1,
                                   0.5,
                                   1e300,
                                   18446744073709551615U,
                                   "",
                                   "no such name",
                                   "line\nend",
                                   std::string(5000, 'x'),
                                   std::string(64, 'A')};
  for (const auto& [key, value] : example.items()) {
    Json without = example;
    without.erase(key);
    refuse({"'" + key + "'"}, JsonText(without));
    for (const Json& other : wrong) {
      if (other == "no such name" && value.is_string() && key != "alpha" && key != "precision" &&
          key != "preprocess" && !key.ends_with("weights") && key != "tokenizer") {
        continue;  // any text will do
      }
      if (other == std::string(64, 'A') &&
          (key.ends_with("architecture") || key == "preprocessing" || key.ends_with("class"))) {
        continue;
      }
      Json changed = example;
      changed[key] = other;
      refuse({"index: field '" + key + "'"}, JsonText(changed));
    }
  }
  std::string twice = Example().ToJson();
  twice.insert(1, R"("alpha":"white",)");
  refuse({"index"}, twice);
}

class EmbedderFingerprintTest : public testing::Test {
 protected:
  // The user's own cache is left alone.
  void SetUp() override { ::setenv("XDG_CACHE_HOME", (scratch_ / "cache").c_str(), 1); }

  Fingerprint Of(const std::filesystem::path& folder, const EmbedderOptions& options = {},
                 const EmbedOptions& embed = {}) const {
    return Embedder::Open(folder, options).fingerprint(EmbeddingContent::kPicturesAndTexts, embed);
  }

  ScratchFolder scratch_;
};

TEST_F(EmbedderFingerprintTest, OptionsCount) {
  const auto difference = [&](const std::function<void(EmbedderOptions&)>& change) {
    EmbedderOptions options;
    change(options);
    return Difference(Of(kDemo), Of(kDemo, options), FingerprintRelation::kSameBits);
  };
  EXPECT_EQ(difference([](EmbedderOptions&) {}), "");
  EXPECT_EQ(difference([](EmbedderOptions& options) {
              options.runtime = Runtime::Create({.threads = 2, .instruction_set = {}});
            }),
            "");
  EXPECT_EQ(
      difference([](EmbedderOptions& options) { options.preprocess = PreprocessMode::kPillow; }),
      "preprocess was torchvision, is now pillow");
  EXPECT_EQ(difference([](EmbedderOptions& options) { options.decode.alpha = AlphaPolicy::kDrop; }),
            "alpha was white, is now drop");
  EXPECT_EQ(difference([](EmbedderOptions& options) { options.decode.fast = true; }),
            "fast decode was no, is now yes");
  const auto embedded = [&](const EmbedOptions& embed) {
    return Difference(Of(kDemo), Of(kDemo, {}, embed), FingerprintRelation::kSameBits);
  };
  EXPECT_EQ(embedded({.normalize = true}), "normalize was no, is now yes");
  EXPECT_EQ(embedded({.output = Output::kTokens}), "tokens was no, is now yes");
  EXPECT_EQ(difference([](EmbedderOptions& options) {
              options.precision = Precision::kInt8;
            }).substr(0, 30),
            "precision was f32, is now int8");
}

TEST_F(EmbedderFingerprintTest, APackedModelIsTheOneItWasMadeOf) {
  PackCheckpoint(kDemo, scratch_ / "packed", Precision::kInt8);
  EmbedderOptions options;
  options.precision = Precision::kInt8;
  EXPECT_EQ(Of(scratch_ / "packed"), Of(kDemo, options));
}

TEST_F(EmbedderFingerprintTest, SayWhatTheyAreOf) {
  const Embedder embedder = Embedder::Open(kDemo);
  const Fingerprint pictures = embedder.fingerprint(EmbeddingContent::kPictures);
  EXPECT_TRUE(pictures.pictures && !pictures.texts);
  EXPECT_FALSE(embedder.fingerprint(EmbeddingContent::kTexts).pictures);
  const Fingerprint without =
      embedder.fingerprint(EmbeddingContent::kPictures, {}, FingerprintHashes::kLeftOut);
  EXPECT_EQ(without.pictures->image_weights, "");
  EXPECT_FALSE(without.InWords().contains("image weights"));

  SiglipVisionConfig config;
  config.hidden_size = config.intermediate_size = 24;
  config.num_hidden_layers = 1;
  config.num_attention_heads = 3;
  const Embedder of_parts(SiglipVisionModel(config, 7),
                          SiglipImageProcessor({}, PreprocessMode::kPillow));
  EXPECT_EQ(of_parts.fingerprint(EmbeddingContent::kPictures, {}, FingerprintHashes::kLeftOut)
                .pictures->max_num_patches,
            196);
  ExpectError(ErrorCode::kUnsupported, {"made of parts"},
              [&] { of_parts.fingerprint(EmbeddingContent::kPictures); });
}

/// What two folders say about preprocessing or texts in other words is the same.
TEST_F(EmbedderFingerprintTest, WordsOfFilesDoNotCount) {
  const std::filesystem::path folder = scratch_ / "model";
  std::filesystem::copy(kDemo, folder);
  const auto edit = [&](const char* file, const std::function<void(Json&)>& change) {
    Json json = ParseJsonFile(kDemo / file);
    change(json);
    AtomicFile out(folder / file);
    out.Write(JsonText(json, 4));
    out.Commit();
    return Difference(Of(kDemo), Of(folder), FingerprintRelation::kSameBits);
  };
  EXPECT_EQ(edit("preprocessor_config.json",
                 [](Json& json) {
                   json["do_convert_rgb"] = false;
                   json["image_mean"] = 0.5;
                 }),
            "");
  EXPECT_EQ(edit("tokenizer_config.json", [](Json& json) { json["chat_template"] = "x"; }), "");
  EXPECT_NE(edit("tokenizer_config.json", [](Json& json) { json["do_lower_case"] = false; }), "");
  EXPECT_EQ(edit("tokenizer_config.json", [](Json&) {}), "");
  EXPECT_EQ(
      edit("preprocessor_config.json", [](Json& json) { json["resample"] = 2; }).substr(0, 17),
      "preprocessing was");
}

}  // namespace
}  // namespace siglip
