// What a VisionModel consists of.
#pragma once

#include <memory>

#include "configuration/vision_tower_plan.h"
#include "model/siglip_vision.h"
#include "siglip/transformers/vision_model.hpp"
#include "weights/checkpoint.h"

namespace siglip {

struct VisionModel::State {
  State(AnyVisionConfig any, std::shared_ptr<const WeightSource> source,
        std::shared_ptr<const Runtime> runtime, Precision precision);

  AnyVisionConfig config;
  std::shared_ptr<const WeightSource> weights;
  SiglipVisionTransformer vision_model;
};

/// Of a checkpoint that is open already, whichever kind it is of.
VisionModel LoadVisionModel(const Checkpoint& checkpoint,
                            const std::shared_ptr<const Runtime>& runtime,
                            PrecisionChoice precision);

}  // namespace siglip
