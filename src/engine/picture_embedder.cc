#include "engine/picture_embedder.h"

#include <algorithm>
#include <vector>

#include "engine/current_error.h"
#include "engine/finish_vector.h"
#include "engine/lap.h"
#include "image/opened_picture.h"
#include "siglip/error.hpp"

namespace siglip {
namespace {

Shape ShapeOf(const ImageTower& tower, Output output) {
  const int64_t width = tower.model().config().hidden_size;
  return output == Output::kTokens ? Shape{tower.most_tokens(), width} : Shape{width};
}

/// A picture with edges, gradients and colours, larger than the model's size where it is resized,
/// so that the filter shows too.
Image TestPicture(const ImageTower& tower) {
  const int64_t side = tower.native_side();
  Image image;
  image.height = image.width = tower.processor().resizes() ? side + side / 2 : side;
  image.rgb.resize(static_cast<size_t>(image.height * image.width * 3));
  for (size_t i = 0; i < image.rgb.size(); ++i) {
    image.rgb[i] = static_cast<uint8_t>((i * i) >> 9 ^ i);
  }
  return image;
}

}  // namespace

PictureEmbedder::PictureEmbedder(const ImageTower& tower, const DecodeOptions& decode,
                                 const EmbedOptions& options, const std::string& name,
                                 StageTotals& seconds)
    : tower_(tower),
      decode_(decode),
      options_(options),
      name_(name),
      seconds_(seconds),
      shape_(ShapeOf(tower, options.output)) {
  if (options.output == Output::kPooled && !tower.model().has_head()) throw NoPoolingHead(name);
}

void PictureEmbedder::Prepare(PictureInFlight& picture) const {
  EmbedResult& result = picture.result;
  try {
    const Lap lap;
    OpenedPicture opened(*picture.picture, decode_);
    result.width = opened.size().width;
    result.height = opened.size().height;
    if (options_.details) result.details = opened.DetailsWithoutGreys();
    tower_.Preprocess(opened, picture.prepared, result.details ? &result.details->greys : nullptr);
    const double read = ToSeconds(opened.read_time());
    const double decode = ToSeconds(opened.decode_time());
    seconds_.Add({.read = read, .decode = decode, .resize = lap.Seconds() - read - decode});
    result.rows = picture.prepared.rows;
    result.columns = picture.prepared.columns;
  } catch (...) {
    result.error = ErrorOfPicture(result.name);
    result.details.reset();
  }
}

void PictureEmbedder::Compute(std::span<PictureInFlight> group, VisionForward* forward) {
  const Lap lap;
  if (forward != nullptr) {
    ComputeTogether(group, *forward);
  } else {
    for (auto& [picture, prepared, result] : group) {
      try {
        result.embedding = ComputeOnAllThreads(prepared);
      } catch (...) {
        result.error = ErrorOfPicture(result.name);
      }
    }
  }
  for (auto& [picture, prepared, result] : group) {
    if (result.error) continue;
    try {
      Finish(prepared, result.embedding);
    } catch (const UnusableEmbedding&) {
      result.error = ErrorOfPicture(result.name);
      result.embedding = {};
      if (!model_is_sound_) EmbedTestPicture();
    }
  }
  seconds_.Add({.compute = lap.Seconds()});
}

void PictureEmbedder::ComputeTogether(std::span<PictureInFlight> group,
                                      VisionForward& forward) const {
  const bool tokens = options_.output == Output::kTokens;
  try {
    std::vector<ReadyPicture> ready;
    for (auto& [picture, prepared, result] : group) {
      // Zeros remain behind the tokens of a picture that has fewer than others.
      result.embedding = Tensor(DType::kF32, shape_);
      float* const out = result.embedding.floats().data();
      ready.push_back(Ready(prepared, tokens ? out : nullptr, tokens ? nullptr : out));
    }
    forward.Run(ready);
  } catch (...) {
    for (PictureInFlight& picture : group) {
      picture.result.error = ErrorOfPicture(picture.result.name);
      picture.result.embedding = {};
    }
  }
}

Tensor PictureEmbedder::ComputeOnAllThreads(const PreparedPicture& picture) const {
  Tensor embedding(DType::kF32, shape_);
  const VisionOutput output = tower_.Run(picture);
  const bool tokens = options_.output == Output::kTokens;
  std::ranges::copy(tokens ? output.last_hidden_state.floats() : output.pooler_output->floats(),
                    embedding.floats().begin());
  return embedding;
}

void PictureEmbedder::Finish(const PreparedPicture& picture, Tensor& embedding) const {
  const auto width = static_cast<size_t>(embedding.dim(-1));
  const bool tokens = options_.output == Output::kTokens;
  const auto vectors = static_cast<size_t>(tokens ? picture.tokens() : 1);
  const std::span<float> values = embedding.floats();
  for (size_t i = 0; i < vectors; ++i) {
    FinishVector(values.subspan(i * width, width), options_.normalize);
  }
}

Tensor PictureEmbedder::EmbedTestPicture() {
  try {
    PreparedPicture picture;
    tower_.Preprocess(TestPicture(tower_), picture);
    Tensor embedding = ComputeOnAllThreads(picture);
    Finish(picture, embedding);
    model_is_sound_ = true;
    return embedding;
  } catch (const UnusableEmbedding& error) {
    throw Error(error.code(), name_ + ": " + error.message() + ", for a test picture too",
                error.hint());
  }
}

}  // namespace siglip
