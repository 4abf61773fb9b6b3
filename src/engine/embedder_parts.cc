#include "engine/embedder_parts.h"

#include <utility>

#include "model/towers_fit.h"
#include "siglip/error.hpp"
#include "siglip/transformers/siglip_model.hpp"

namespace siglip {
namespace {

EmbedderOptions OptionsOf(const ImageTower& tower, const DecodeOptions& decode) {
  EmbedderOptions options;
  options.runtime = tower.model().runtime();
  options.precision = tower.model().precision();
  options.preprocess = tower.processor().mode();
  options.decode = decode;
  return options;
}

}  // namespace

Embedder::Parts::Parts(const std::filesystem::path& model_folder, const EmbedderOptions& chosen)
    : options(chosen),
      name(model_folder.string()),
      folder(model_folder),
      workers(options.runtime->threads()),
      forwards(static_cast<size_t>(workers.threads())),
      text_forwards(forwards.size()) {}

Embedder::Parts::Parts(ImageTower image_tower, const DecodeOptions& decode,
                       const std::string& model_name)
    : options(OptionsOf(image_tower, decode)),
      name(model_name),
      tower(std::move(image_tower)),
      workers(options.runtime->threads()),
      forwards(static_cast<size_t>(workers.threads())),
      text_forwards(forwards.size()) {}

const std::filesystem::path& Embedder::Parts::Folder() const {
  if (!folder.empty()) return folder;
  throw Error(ErrorCode::kUnsupported, "this embedder was made of parts that embed pictures only",
              "load it from a checkpoint folder to embed texts");
}

const ImageTower& Embedder::Parts::Tower() {
  const std::lock_guard lock(loading);
  if (!tower) {
    ImageTower loaded = ImageTower::Load(Folder(), options);
    if (texts) CheckTowersFit(loaded.model().config(), texts->model().config(), name);
    tower = std::move(loaded);
  }
  return *tower;
}

const TextPart& Embedder::Parts::Texts() {
  const std::lock_guard lock(loading);
  if (!texts) {
    auto loaded = std::make_unique<const TextPart>(Folder(), options.runtime, options.precision);
    if (tower) CheckTowersFit(tower->model().config(), loaded->model().config(), name);
    texts = std::move(loaded);
  }
  return *texts;
}

const SiglipLogits& Embedder::Parts::Logits() {
  const std::lock_guard lock(loading);
  if (!logits) logits = SiglipLogits::FromPretrained(Folder());
  return *logits;
}

void Embedder::Parts::ForgetThreads() {
  seconds.ForgetThreads();
  MakeLockAnew(loading);
  for (auto& forward : forwards) MakeAnew(forward);
  for (auto& forward : text_forwards) MakeAnew(forward);
}

PictureEmbedder Embedder::Parts::NewEmbedder(const EmbedOptions& embed_options) {
  return {Tower(), options.decode, embed_options, name, seconds};
}

PictureStages Embedder::Parts::StagesOf(PictureEmbedder& embedder) {
  return {
      .prepare = [&embedder](int, PictureInFlight& picture) { embedder.Prepare(picture); },
      .compute =
          [this, &embedder](int worker, std::span<PictureInFlight> group, bool on_all_threads) {
            embedder.Compute(group, on_all_threads ? nullptr : &ForwardOf(worker));
          },
  };
}

VisionForward& Embedder::Parts::ForwardOf(int worker) {
  auto& forward = forwards[static_cast<size_t>(worker)];
  if (!forward) forward = std::make_unique<VisionForward>(tower->model());
  return *forward;
}

TextForward& Embedder::Parts::TextForwardOf(int worker) {
  auto& forward = text_forwards[static_cast<size_t>(worker)];
  if (!forward) forward = std::make_unique<TextForward>(texts->model());
  return *forward;
}

}  // namespace siglip
