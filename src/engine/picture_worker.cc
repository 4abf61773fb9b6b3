#include "engine/picture_worker.h"

#include <algorithm>
#include <chrono>
#include <exception>
#include <new>
#include <span>
#include <utility>

#include "engine/finish_vector.h"
#include "image/encoded_image.h"
#include "image/picture_file.h"
#include "siglip/error.h"

namespace siglip {
namespace {

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

/// A few per picture, too few to be felt.
class Lap {
 public:
  double Seconds() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  }

 private:
  const std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

}  // namespace

Shape EmbeddingShape(const ImageTower& tower, bool tokens) {
  const int64_t width = tower.model().config().hidden_size;
  return tokens ? Shape{tower.most_tokens(), width} : Shape{width};
}

PictureWorker::PictureWorker(const ImageTower& tower, const EngineOptions& options,
                             const std::string& name, std::function<bool()> all_threads)
    : tower_(tower), options_(options), name_(name), all_threads_(std::move(all_threads)) {}

EmbedResult PictureWorker::EmbedFile(const std::string& path) {
  EmbedResult result;
  const auto fail = [&](ErrorCode code, const std::string& message, const std::string& hint) {
    // Errors of decoding name the file already.
    const bool named = message.starts_with(path);
    result.error.emplace(code, named ? message : path + ": " + message, hint);
  };
  try {
    Preprocess(path);
    const Lap lap;
    result.embedding = Compute();
    seconds_.compute += lap.Seconds();
    result.rows = picture_.rows;
    result.columns = picture_.columns;
  } catch (const UnusableEmbedding& error) {
    if (!model_is_sound_) EmbedTestPicture();
    fail(error.code(), error.message(), error.hint());
  } catch (const Error& error) {
    fail(error.code(), error.message(), error.hint());
  } catch (const std::bad_alloc&) {
    fail(ErrorCode::kLimitExceeded, "not enough memory for this picture",
         "fewer --threads, or a smaller --max-memory");
  } catch (const std::exception& exception) {
    fail(ErrorCode::kInternal, exception.what(), {});
  }
  return result;
}

Tensor PictureWorker::Embed(const Image& image) {
  tower_.Preprocess(image, picture_);
  return Compute();
}

Tensor PictureWorker::EmbedTestPicture() {
  try {
    Tensor embedding = Embed(TestPicture(tower_));
    model_is_sound_ = true;
    return embedding;
  } catch (const UnusableEmbedding& error) {
    throw Error(error.code(), name_ + ": " + error.message() + ", for a test picture too",
                error.hint());
  }
}

void PictureWorker::Preprocess(const std::string& path) {
  const Lap reading;
  const PictureFile file(path, options_.decode.limits);
  seconds_.read += reading.Seconds();
  const Lap preprocessing;
  EncodedImage image(file.bytes(), options_.decode, path);
  tower_.Preprocess(image, picture_);
  const double decode = std::chrono::duration<double>(image.decode_time()).count();
  seconds_.decode += decode;
  seconds_.resize += preprocessing.Seconds() - decode;
}

Tensor PictureWorker::Compute() {
  // Zeros remain behind the tokens of a picture that has fewer than others.
  Tensor embedding(DType::kF32, EmbeddingShape(tower_, options_.tokens));
  float* out = embedding.floats().data();
  if (all_threads_()) {
    const VisionOutput output = tower_.Run(picture_);
    const Tensor& computed = options_.tokens ? output.last_hidden_state : *output.pooler_output;
    std::ranges::copy(computed.floats(), out);
  } else {
    if (!forward_) forward_.emplace(tower_.model());
    const ReadyPicture ready =
        Ready(picture_, options_.tokens ? out : nullptr, options_.tokens ? nullptr : out);
    forward_->Run(std::span(&ready, 1));
  }
  const auto width = static_cast<size_t>(embedding.dim(-1));
  const int64_t vectors = options_.tokens ? picture_.tokens() : 1;
  const std::span<float> values = embedding.floats();
  for (size_t i = 0; i < static_cast<size_t>(vectors); ++i) {
    FinishVector(values.subspan(i * width, width), options_.normalize);
  }
  return embedding;
}

}  // namespace siglip
