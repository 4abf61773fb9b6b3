// What an embedder has: its towers, loaded when they are first needed, and its threads.
#pragma once

#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/fork_handler.h"
#include "engine/image_tower.h"
#include "engine/picture_embedder.h"
#include "engine/picture_pipeline.h"
#include "engine/stage_totals.h"
#include "engine/text_part.h"
#include "engine/worker_pool.h"
#include "model/text_forward.h"
#include "model/vision_forward.h"
#include "siglip/embedder.hpp"
#include "siglip/transformers/siglip_model.hpp"

namespace siglip {

struct Embedder::Parts {
  /// Of a folder. `options.runtime` is there.
  Parts(const std::filesystem::path& folder, const EmbedderOptions& options);
  /// Of an image tower alone.
  Parts(ImageTower image_tower, const DecodeOptions& decode, const std::string& name);

  const ImageTower& Tower();
  const TextPart& Texts();
  const SiglipLogits& Logits();

  /// Throws Error as Embedder::Run does before it asks the source.
  PictureEmbedder NewEmbedder(const EmbedOptions& options);
  /// `embedder` must outlive them.
  PictureStages StagesOf(PictureEmbedder& embedder);

  // Of a worker, of towers that are loaded. To be called by that worker.

  VisionForward& ForwardOf(int worker);
  TextForward& TextForwardOf(int worker);

  void ForgetThreads();

  /// Throws Error(kUnsupported) when there is none.
  const std::filesystem::path& Folder() const;

  EmbedderOptions options;
  const std::string name;              // what errors call the model
  const std::filesystem::path folder;  // empty: made of an image tower
  StageTotals seconds;

  std::mutex loading;  // guards what follows
  std::optional<ImageTower> tower;
  std::unique_ptr<const TextPart> texts;
  std::optional<SiglipLogits> logits;

  // Each of these threads embeds pictures of its own; the runtime has others, which compute one
  // together.
  WorkerPool workers;
  std::vector<std::unique_ptr<VisionForward>> forwards;  // of each worker, made when first needed
  std::vector<std::unique_ptr<TextForward>> text_forwards;  // the same

  ForkHandler fork_handler{[this] { ForgetThreads(); }};
};

}  // namespace siglip
