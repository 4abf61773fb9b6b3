// The classes of transformers under their names: tensors in, tensors out.
//
//   auto processor = siglip::SiglipImageProcessor::FromPretrained(model);
//   auto tower = siglip::SiglipVisionModel::FromPretrained(model);
//   auto output = tower(processor(images));    // last_hidden_state [B, N, D], pooler_output [B, D]
#pragma once

#include "siglip/transformers/configuration.hpp"
#include "siglip/transformers/image_classification.hpp"
#include "siglip/transformers/image_processor.hpp"
#include "siglip/transformers/projector.hpp"
#include "siglip/transformers/siglip_model.hpp"
#include "siglip/transformers/text_model.hpp"
#include "siglip/transformers/tokenizer.hpp"
#include "siglip/transformers/vision_model.hpp"
