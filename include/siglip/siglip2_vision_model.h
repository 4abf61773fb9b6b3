// The image tower of SigLIP 2 NaFlex: pictures of any size and shape, as patches -> embeddings.
//
//   auto processor = siglip::Siglip2ImageProcessor::FromPretrained(folder);
//   auto model = siglip::Siglip2VisionModel::FromPretrained(folder);
//   auto output = model(processor(images));   // output.pooler_output [B, D]
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

#include "siglip/atomic_file.h"
#include "siglip/runtime.h"
#include "siglip/siglip2_vision_config.h"
#include "siglip/vision_model.h"

namespace siglip {

/// transformers' class of this name: NaFlex. Most SigLIP 2 checkpoints have fixed resolution and
/// are SiglipVisionModel's.
class Siglip2VisionModel : public VisionModel {
 public:
  /// As VisionModel::Open; throws Error(kUnsupported) for a checkpoint of fixed resolution.
  static Siglip2VisionModel FromPretrained(const std::filesystem::path& folder,
                                           std::shared_ptr<const Runtime> runtime = nullptr,
                                           PrecisionChoice precision = {});

  /// Random weights as transformers initialises them, the same for the same seed on every machine.
  Siglip2VisionModel(const Siglip2VisionConfig& config, uint64_t seed,
                     std::shared_ptr<const Runtime> runtime = nullptr,
                     PrecisionChoice precision = {});
  /// The checkpoint of such a model, written tensor by tensor: it need not fit into memory.
  static void SaveRandom(const Siglip2VisionConfig& config, uint64_t seed,
                         const std::filesystem::path& folder, const WriteOptions& options = {},
                         const std::string& preprocessor_json = {});

  const Siglip2VisionConfig& config() const;

 private:
  using VisionModel::VisionModel;
};

}  // namespace siglip
