// Siglip2Model.
#include "siglip/siglip2_model.h"

#include <utility>

namespace siglip {

Siglip2Model::Siglip2Model(Siglip2VisionModel vision_model, SiglipTextModel text_model,
                           SiglipLogits logits)
    : vision_model_(std::move(vision_model)), text_model_(std::move(text_model)), logits_(logits) {
  CheckTowersFit(vision_model_.config(), text_model_.config());
}

Siglip2Model Siglip2Model::FromPretrained(const std::filesystem::path& folder,
                                          std::shared_ptr<const Runtime> runtime,
                                          PrecisionChoice precision) {
  if (!runtime) runtime = Runtime::Create();
  // The small part first: a folder that lacks it is refused before the towers are read.
  const SiglipLogits logits = SiglipLogits::FromPretrained(folder);
  return {Siglip2VisionModel::FromPretrained(folder, runtime, precision),
          SiglipTextModel::FromPretrained(folder, runtime, precision), logits};
}

SiglipOutput Siglip2Model::operator()(const Tensor& input_ids, const Siglip2Inputs& pictures,
                                      const Siglip2ModelOptions& options) const {
  return CompareOutputs(vision_model_(pictures, options.vision),
                        text_model_(input_ids, options.text), logits_);
}

}  // namespace siglip
