#include "engine/picture_embedder.h"

#include <algorithm>
#include <chrono>
#include <exception>
#include <new>

#include "engine/finish_vector.h"
#include "image/opened_picture.h"
#include "model/vision_output.h"
#include "siglip/error.h"

namespace siglip {
namespace {

Shape ShapeOf(const ImageTower& tower, Output output) {
  const int64_t width = tower.config().hidden_size;
  return output == Output::kTokens ? Shape{tower.most_tokens(), width} : Shape{width};
}

/// A picture with edges, gradients and colours, larger than the model's size where it is resized,
/// so that the filter shows too.
Image TestPicture(const ImageTower& tower) {
  const int64_t side = tower.native_side();
  Image image;
  image.height = image.width = tower.resizes() ? side + side / 2 : side;
  image.rgb.resize(static_cast<size_t>(image.height * image.width * 3));
  for (size_t i = 0; i < image.rgb.size(); ++i) {
    image.rgb[i] = static_cast<uint8_t>((i * i) >> 9 ^ i);
  }
  return image;
}

double ToSeconds(std::chrono::nanoseconds time) {
  return std::chrono::duration<double>(time).count();
}

/// A few per picture, too few to be felt.
class Lap {
 public:
  double Seconds() const { return ToSeconds(std::chrono::steady_clock::now() - start_); }

 private:
  const std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

/// Errors of reading and decoding name the picture already.
Error Naming(const std::string& name, ErrorCode code, const std::string& message,
             const std::string& hint) {
  const bool named = message.starts_with(name + ":");
  return {code, named ? message : name + ": " + message, hint};
}

/// The exception at hand as an error of this picture.
Error ErrorOfPicture(const std::string& name) {
  try {
    throw;
  } catch (const Error& error) {
    return Naming(name, error.code(), error.message(), error.hint());
  } catch (const std::bad_alloc&) {
    return Naming(name, ErrorCode::kLimitExceeded, "not enough memory for this picture",
                  "fewer --threads, or a smaller --max-memory");
  } catch (const std::exception& exception) {
    return Naming(name, ErrorCode::kInternal, exception.what(), {});
  }
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
  if (options.output == Output::kPooled && !tower.has_head()) throw NoPoolingHead(name);
}

void PictureEmbedder::Prepare(PictureInFlight& picture) const {
  EmbedResult& result = picture.result;
  try {
    const Lap lap;
    OpenedPicture opened(*picture.picture, decode_);
    result.width = opened.size().width;
    result.height = opened.size().height;
    tower_.Preprocess(opened, picture.prepared);
    const double read = ToSeconds(opened.read_time());
    const double decode = ToSeconds(opened.decode_time());
    seconds_.Add({.read = read, .decode = decode, .resize = lap.Seconds() - read - decode});
    result.rows = picture.prepared.rows;
    result.columns = picture.prepared.columns;
  } catch (...) {
    result.error = ErrorOfPicture(result.name);
  }
}

void PictureEmbedder::Compute(std::span<PictureInFlight> group, ImageTower::Solo* solo) {
  for (auto& [picture, prepared, result] : group) {
    const Lap lap;
    try {
      result.embedding = Embed(prepared, solo);
      seconds_.Add({.compute = lap.Seconds()});
    } catch (const UnusableEmbedding&) {
      result.error = ErrorOfPicture(result.name);
      if (!model_is_sound_) EmbedTestPicture();
    } catch (...) {
      result.error = ErrorOfPicture(result.name);
    }
  }
}

Tensor PictureEmbedder::Embed(const PreparedPicture& picture, ImageTower::Solo* solo) const {
  const bool tokens = options_.output == Output::kTokens;
  // Zeros remain behind the tokens of a picture that has fewer than others.
  Tensor embedding(DType::kF32, shape_);
  float* out = embedding.floats().data();
  if (solo != nullptr) {
    solo->Run(picture, tokens ? out : nullptr, tokens ? nullptr : out);
  } else {
    const VisionOutput output = tower_.Run(std::span(&picture, 1));
    std::ranges::copy(tokens ? output.last_hidden_state.floats() : output.pooler_output->floats(),
                      out);
  }
  const auto width = static_cast<size_t>(embedding.dim(-1));
  const auto vectors = static_cast<size_t>(tokens ? picture.tokens() : 1);
  const std::span<float> values = embedding.floats();
  for (size_t i = 0; i < vectors; ++i) {
    FinishVector(values.subspan(i * width, width), options_.normalize);
  }
  return embedding;
}

Tensor PictureEmbedder::EmbedTestPicture() {
  try {
    PreparedPicture picture;
    tower_.Preprocess(TestPicture(tower_), picture);
    Tensor embedding = Embed(picture, nullptr);
    model_is_sound_ = true;
    return embedding;
  } catch (const UnusableEmbedding& error) {
    throw Error(error.code(), name_ + ": " + error.message() + ", for a test picture too",
                error.hint());
  }
}

}  // namespace siglip
