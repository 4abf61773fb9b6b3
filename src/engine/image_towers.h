// Making image towers of a model and its preprocessing.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "siglip/engine.h"
#include "siglip/image_tower.h"

namespace siglip {

/// Model and preprocessing of a checkpoint folder, of whichever kind it is.
std::unique_ptr<const ImageTower> LoadImageTower(const std::filesystem::path& folder,
                                                 const EngineOptions& options);

/// Of parts. `name` is what errors call the model. Throws Error(kMismatch) when the model takes
/// other pictures than preprocessing makes.
std::unique_ptr<const ImageTower> MakeImageTower(SiglipVisionModel model,
                                                 SiglipImageProcessor processor,
                                                 const std::string& name);
std::unique_ptr<const ImageTower> MakeImageTower(Siglip2VisionModel model,
                                                 Siglip2ImageProcessor processor,
                                                 const std::string& name);

/// Throws Error(kMismatch) when the model takes other pictures than preprocessing makes.
void CheckFits(const SiglipVisionConfig& config, const SiglipImageProcessor& processor,
               const std::string& name);
void CheckFits(const Siglip2VisionConfig& config, const Siglip2ImageProcessor& processor,
               const std::string& name);
/// Pictures have three channels. Throws Error(kMismatch) for a model that takes another number.
void CheckTakesColour(const SiglipVisionTowerConfig& config, const std::string& name);

}  // namespace siglip
