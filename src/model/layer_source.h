// What the layers of a network are built from.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "siglip/runtime.hpp"
#include "siglip/transformers/configuration.hpp"
#include "weights/weight_source.h"

namespace siglip {

class WorkspaceCache;

std::shared_ptr<WorkspaceCache> NewWorkspaceCache();

/// What all layers of a tower have in common.
struct LayerContext {
  SiglipEncoderConfig config;
  std::shared_ptr<const Runtime> runtime;
  Precision precision = Precision::kFloat32;
  /// Of a tower that cuts patches out of planes of pixels: the values of one. Else 0.
  int64_t patch_values = 0;
  /// Memory of earlier calls, which the next ones use.
  std::shared_ptr<WorkspaceCache> workspaces = NewWorkspaceCache();
};

/// Where the weights of a layer come from, its name there, and the tower it belongs to.
struct LayerSource {
  const WeightSource& weights;
  std::string scope;  ///< e.g. "vision_model.encoder.layers.3"
  const LayerContext& context;

  /// The same source one level down: scope + "." + name.
  LayerSource operator/(const std::string& name) const;
};

}  // namespace siglip
