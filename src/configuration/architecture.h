// What each tower consists of, written down once: its tensors, what is done with them, and what
// follows from that. The classes that compute it are in src/model.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "configuration/vision_tower_plan.h"
#include "siglip/checkpoint.hpp"
#include "siglip/transformers/configuration.hpp"
#include "weights/weight_source.h"

namespace siglip {

/// What the values of a new model's tensor are drawn from.
struct Initialization {
  enum class Distribution { kConstant, kUniform, kNormal, kTruncatedNormal };
  Distribution distribution = Distribution::kConstant;
  /// The constant, half the width of the uniform interval around 0, or the standard deviation.
  double scale = 0;
};

/// What a tensor is for.
enum class Use {
  kAdded,         ///< Added to tokens or scaling them: everything that is no matrix.
  kLookedUp,      ///< A table that stays in its file: of each input a few rows are read.
  kEveryToken,    ///< A matrix that every token is multiplied with,
  kOncePerInput,  ///< or one vector of every picture or text.
};

struct ArchitectureTensor {
  TensorSpec spec;  ///< With its canonical name.
  Use use = Use::kAdded;
  Initialization initialization;
};

struct Architecture {
  std::vector<ArchitectureTensor> tensors;  ///< In the order of the forward pass.
  /// Widths of all attentions among tokens, and of those in which one query attends over them.
  int64_t attention_width = 0;
  int64_t pooling_width = 0;

  std::vector<TensorSpec> specs() const;
  int64_t parameters() const;
  WeightBytes weight_bytes() const;
  /// Two per multiply-add of one input of this many tokens.
  double flop(int64_t tokens) const;
};

/// With the pooling head unless config.vision_use_head is false. The initialisation is that of
/// transformers' SiglipPreTrainedModel._init_weights.
Architecture VisionArchitecture(const AnyVisionConfig& config);
Architecture TextArchitecture(const SiglipTextConfig& config);

}  // namespace siglip
