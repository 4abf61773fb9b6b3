#include "siglip/embedder.hpp"

#include <algorithm>
#include <utility>

#include "engine/embedder_fingerprint.h"
#include "engine/embedder_parts.h"
#include "engine/image_tower.h"
#include "engine/picture_embedder.h"
#include "engine/picture_pipeline.h"
#include "model/sequence_schedule.h"
#include "siglip/checkpoint.hpp"
#include "siglip/error.hpp"
#include "siglip/hub.hpp"
#include "siglip/transformers/siglip_model.hpp"
#include "weights/checkpoint.h"

namespace siglip {
namespace {

// Enough that a picture much slower than the rest rarely makes the other threads wait for it.
constexpr int kPicturesPerThread = 4;

PipelineOptions OptionsOfPipeline(const EmbedOptions& options, int threads, Precision precision) {
  if (options.in_flight < 0) {
    throw Error(ErrorCode::kInvalidArgument,
                "in_flight: expected 0 or more, found " + std::to_string(options.in_flight));
  }
  PipelineOptions pipeline;
  pipeline.in_flight = options.in_flight > 0 ? options.in_flight : kPicturesPerThread * threads;
  pipeline.order = options.order;
  pipeline.group_tokens = RowsPerPass(precision);
  return pipeline;
}

}  // namespace

Embedder Embedder::Open(const std::filesystem::path& model, const EmbedderOptions& options) {
  const std::filesystem::path folder = ResolveModel(model.string());
  EmbedderOptions chosen = options;
  if (!chosen.runtime) chosen.runtime = Runtime::Create();
  Embedder embedder(std::make_unique<Parts>(folder, chosen));
  if (options.load_image_tower) embedder.vision_model();
  if (options.load_text_tower) embedder.text_model();
  // Loading refuses what is no checkpoint.
  if (!options.load_image_tower && !options.load_text_tower) Checkpoint::Open(folder);
  return embedder;
}

Embedder::Embedder(VisionModel model, ImageProcessor processor, const DecodeOptions& decode,
                   const std::string& name)
    : Embedder(std::make_unique<Parts>(ImageTower(std::move(model), std::move(processor), name),
                                       decode, name)) {}

Embedder::Embedder(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
Embedder::Embedder(Embedder&&) noexcept = default;
Embedder& Embedder::operator=(Embedder&&) noexcept = default;
Embedder::~Embedder() = default;

uint64_t Embedder::Run(const PictureSource& source, const ResultSink& sink,
                       const EmbedOptions& options, const std::atomic<bool>* stop) const {
  PictureEmbedder embedder = parts_->NewEmbedder(options);
  const auto pipeline = PicturePipeline::New(
      parts_->workers, parts_->StagesOf(embedder),
      OptionsOfPipeline(options, parts_->workers.threads(), vision_model().precision()));
  return pipeline->Run(source, sink, stop);
}

Tensor Embedder::Embed(std::span<const Picture> pictures, const EmbedOptions& options) const {
  EmbedOptions of_pictures = options;
  of_pictures.details = false;
  PictureEmbedder embedder = parts_->NewEmbedder(of_pictures);
  const auto pipeline =
      PicturePipeline::New(parts_->workers, parts_->StagesOf(embedder),
                           {.group_tokens = RowsPerPass(vision_model().precision())});
  Shape shape = embedder.shape();
  shape.insert(shape.begin(), std::ssize(pictures));
  Tensor embeddings(DType::kF32, shape);
  auto next = embeddings.floats().begin();
  pipeline->Run(pictures, [&](const EmbedResult& result) {
    if (result.error) throw Error(*result.error);
    next = std::ranges::copy(result.embedding.floats(), next).out;
  });
  return embeddings;
}

Tensor Embedder::EmbedTexts(std::span<const std::string> texts, const EmbedOptions& options) const {
  if (options.output == Output::kTokens) {
    throw Error(ErrorCode::kInvalidArgument, "output: tokens are those of pictures, not of texts");
  }
  return parts_->Texts().Embed(texts, options.normalize);
}

Tensor Embedder::Probabilities(const TensorView& pictures, const TensorView& texts) const {
  return Sigmoid(parts_->Logits()(NormalizeRows(pictures), NormalizeRows(texts)));
}

Tensor Embedder::EmbedTestPicture(const EmbedOptions& options) const {
  return parts_->NewEmbedder(options).EmbedTestPicture();
}

Shape Embedder::embedding_shape(Output output) const {
  return parts_->NewEmbedder({.output = output}).shape();
}

StageSeconds Embedder::stage_seconds() const { return parts_->seconds.seconds(); }
const EmbedderOptions& Embedder::options() const { return parts_->options; }
const std::shared_ptr<const Runtime>& Embedder::runtime() const { return parts_->options.runtime; }
const VisionModel& Embedder::vision_model() const { return parts_->Tower().model(); }
const ImageProcessor& Embedder::image_processor() const { return parts_->Tower().processor(); }
int64_t Embedder::most_tokens() const { return parts_->Tower().most_tokens(); }
const SiglipTextModel& Embedder::text_model() const { return parts_->Texts().model(); }
const Tokenizer& Embedder::tokenizer() const { return parts_->Texts().tokenizer(); }
bool Embedder::compares_texts() const {
  if (parts_->folder.empty()) return false;
  const ModelParts found = FindParts(parts_->folder);
  return found.text_tower && found.logits;
}

const SiglipLogits& Embedder::logits() const { return parts_->Logits(); }

Fingerprint Embedder::fingerprint(EmbeddingContent content, const EmbedOptions& options,
                                  FingerprintHashes hashes) const {
  FingerprintParts parts = {.decode = parts_->options.decode, .options = options};
  const Tokenizer* text_tokenizer = nullptr;
  if (content != EmbeddingContent::kTexts) parts.image_tower = &parts_->Tower();
  if (content != EmbeddingContent::kPictures) {
    parts.text_model = &text_model();
    text_tokenizer = &tokenizer();
  }
  Fingerprint fingerprint = DescribeParts(parts);
  if (hashes == FingerprintHashes::kComputed) {
    AddHashes(parts_->Folder(), text_tokenizer, fingerprint);
  }
  return fingerprint;
}

}  // namespace siglip
