// The demo model end to end, from files and words to predicted classes.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "demo_model.h"
#include "source_folders.h"

namespace siglip {
namespace {

TEST(GoldenDemo, EmbeddingsAndClassesEqualTheReference) {
  const SafetensorsFile expected = SafetensorsFile::Open(kDemoExpected);
  const Embedder embedder = Embedder::Open(kDemo, DemoOptions(Precision::kFloat32));
  const Tensor pictures = EmbedDemoPictures(embedder);
  ASSERT_EQ(pictures.dim(0), 400);
  EXPECT_LE(LargestRowError(pictures, ReadFloats(expected, "image_embeds")), kTolerance);

  const std::vector<std::string> prompts = ReadDemoStrings("prompts.json");
  ASSERT_EQ(prompts.size(), 120U);
  EXPECT_LE(LargestRowError(embedder.EmbedTexts(prompts), ReadFloats(expected, "text_embeds")),
            kTolerance);
  const std::vector<std::string> captions = ReadDemoStrings("labels.json", "caption");
  ASSERT_EQ(captions.size(), 400U);
  EXPECT_LE(LargestRowError(embedder.EmbedTexts(captions), ReadFloats(expected, "caption_embeds")),
            kTolerance);
  EXPECT_EQ(PredictDemoClasses(embedder, pictures), ExpectedDemoClasses());
}

TEST(GoldenDemo, OtherPrecisionsKeepDirectionsAndClasses) {
  for (const DemoGates& gates : kDemoGates) {
    ExpectDemoGates(Embedder::Open(kDemo, DemoOptions(gates.precision)), gates);
  }
}

}  // namespace
}  // namespace siglip
