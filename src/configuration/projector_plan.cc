#include "configuration/projector_plan.h"

#include <cmath>
#include <string>

#include "configuration/stored_shape.h"
#include "siglip/error.hpp"

namespace siglip {
namespace {

constexpr char kPaliGemmaWeight[] = "multi_modal_projector.linear.weight";
constexpr char kPaliGemmaBias[] = "multi_modal_projector.linear.bias";
constexpr char kGemma3Weight[] = "multi_modal_projector.mm_input_projection_weight";
constexpr char kGemma3Norm[] = "multi_modal_projector.mm_soft_emb_norm.weight";

/// Image tokens a side: the root of `mm_tokens_per_image` of config.json, rounded down.
int64_t TokensPerSide(const Checkpoint& checkpoint, const SiglipVisionConfig& config) {
  constexpr int64_t kDefaultTokens = 256;
  constexpr const char* kKey = "mm_tokens_per_image";
  const auto found = checkpoint.config().find(kKey);
  const int64_t tokens = found == checkpoint.config().end() || found->is_null()
                             ? kDefaultTokens
                             : JsonInteger(*found, kKey, checkpoint.config_name());
  if (tokens < 1 || tokens > config.num_patches()) {
    throw Error(ErrorCode::kInvalidArgument,
                checkpoint.config_name() + ": field '" + kKey + "': expected a number from 1 to " +
                    std::to_string(config.num_patches()) + " (patches of a picture), found " +
                    std::to_string(tokens));
  }
  return static_cast<int64_t>(std::sqrt(static_cast<double>(tokens)));
}

}  // namespace

ProjectorPlan PlanProjector(const Checkpoint& checkpoint, const SiglipVisionConfig& config) {
  ProjectorPlan plan;
  plan.is_gemma3 = HasTensor(checkpoint, kGemma3Weight);
  if (plan.is_gemma3) {
    // kernel_size = patches_per_image // tokens_per_side
    plan.kernel = config.patches_per_side() / TokensPerSide(checkpoint, config);
    plan.width = StoredExtent(checkpoint, kGemma3Weight, 1);
    plan.tensors = {{kGemma3Weight, {config.hidden_size, plan.width}},
                    {kGemma3Norm, {config.hidden_size}}};
  } else {
    plan.width = StoredExtent(checkpoint, kPaliGemmaWeight, 0);
    plan.tensors = {{kPaliGemmaWeight, {plan.width, config.hidden_size}},
                    {kPaliGemmaBias, {plan.width}}};
  }
  const int64_t side = config.patches_per_side() / plan.kernel;
  plan.image_tokens = side * side;
  return plan;
}

}  // namespace siglip
