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
#include "image/preprocess_encoded.h"
#include "siglip/error.h"

namespace siglip {
namespace {

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

Shape EmbeddingShape(const SiglipVisionConfig& config, bool tokens) {
  if (tokens) return {config.num_patches(), config.hidden_size};
  return {config.hidden_size};
}

PictureWorker::PictureWorker(const SiglipVisionModel& model, const SiglipImageProcessor& processor,
                             const EngineOptions& options, std::function<bool()> all_threads)
    : model_(model),
      processor_(processor),
      options_(options),
      all_threads_(std::move(all_threads)),
      pixel_values_(DType::kF32, {1, 3, model.config().image_size, model.config().image_size}) {}

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
  } catch (const Error& error) {
    fail(error.code(), error.message(), error.hint());
  } catch (const std::bad_alloc&) {
    fail(ErrorCode::kLimitExceeded, "not enough memory for this picture",
         "fewer threads or a smaller memory limit");
  } catch (const std::exception& exception) {
    fail(ErrorCode::kInternal, exception.what(), {});
  }
  return result;
}

Tensor PictureWorker::Embed(const Image& image) {
  CheckSize({.width = image.width, .height = image.height});
  processor_.Preprocess(image, pixel_values_.floats());
  return Compute();
}

void PictureWorker::Preprocess(const std::string& path) {
  const Lap reading;
  const PictureFile file(path, options_.decode.limits);
  seconds_.read += reading.Seconds();
  const Lap preprocessing;
  EncodedImage image(file.bytes(), options_.decode, path);
  CheckSize(image.size());
  PreprocessEncoded(processor_, image, pixel_values_.floats());
  const double decode = std::chrono::duration<double>(image.decode_time()).count();
  seconds_.decode += decode;
  seconds_.resize += preprocessing.Seconds() - decode;
}

void PictureWorker::CheckSize(const ImageSize& picture) const {
  const auto [height, width] = processor_.OutputSize(picture.height, picture.width);
  const int64_t expected = model_.config().image_size;
  if (height == expected && width == expected) return;
  const std::string side = std::to_string(expected);
  throw Error(ErrorCode::kMismatch,
              "preprocessed to " + std::to_string(width) + "x" + std::to_string(height) +
                  ", the model takes " + side + "x" + side,
              "its preprocessing does not resize every picture to that size");
}

Tensor PictureWorker::Compute() {
  Tensor embedding(DType::kF32, EmbeddingShape(model_.config(), options_.tokens));
  float* out = embedding.floats().data();
  if (all_threads_()) {
    const VisionOutput output = model_(pixel_values_);
    const Tensor& computed = options_.tokens ? output.last_hidden_state : *output.pooler_output;
    std::ranges::copy(computed.floats(), out);
  } else {
    if (!forward_) forward_.emplace(model_);
    forward_->Run(std::as_const(pixel_values_).floats().data(), options_.tokens ? out : nullptr,
                  options_.tokens ? nullptr : out);
  }
  const auto width = static_cast<size_t>(embedding.dim(-1));
  const std::span<float> values = embedding.floats();
  for (size_t begin = 0; begin < values.size(); begin += width) {
    FinishVector(values.subspan(begin, width), options_.normalize);
  }
  return embedding;
}

}  // namespace siglip
