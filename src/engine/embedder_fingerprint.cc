// See embedder_fingerprint.h.
#include "engine/embedder_fingerprint.h"

#include <string>

#include "base/cpu_features.h"
#include "base/json.h"
#include "configuration/tower_weights_hash.h"
#include "image/preprocessing_text.h"
#include "model/linear.h"
#include "text/tokenizer_hash.h"

namespace siglip {
namespace {

/// Several names of hidden_act mean the same.
const char* NameOf(Activation activation) {
  switch (activation) {
    case Activation::kGeluTanh: return "gelu_pytorch_tanh";
    case Activation::kGeluErf: return "gelu";
    case Activation::kQuickGelu: return "quick_gelu";
    case Activation::kRelu: return "relu";
    case Activation::kSilu: break;
  }
  return "silu";
}

/// Sizes and counts are in the shapes of the weights.
std::string ArchitectureText(const SiglipEncoderConfig& config) {
  return JsonText({{"hidden_act", NameOf(ParseActivation(config.hidden_act))},
                   {"layer_norm_eps", config.layer_norm_eps},
                   {"num_attention_heads", config.num_attention_heads}});
}

std::string PreprocessingText(const ImageProcessor& processor) {
  if (const SiglipImageProcessor* fixed = processor.fixed())
    return PreprocessingText(fixed->config());
  return PreprocessingText(processor.naflex()->config());
}

PictureFingerprint DescribePictures(const ImageTower& tower, const FingerprintParts& parts) {
  PictureFingerprint pictures;
  pictures.image_architecture = ArchitectureText(tower.model().config());
  pictures.preprocess = tower.processor().mode();
  pictures.preprocessing = PreprocessingText(tower.processor());
  pictures.alpha = parts.decode.alpha;
  pictures.exif_orientation = parts.decode.apply_exif_orientation;
  pictures.fast_decode = parts.decode.fast;
  pictures.max_num_patches = tower.most_tokens();
  pictures.tokens = parts.options.output == Output::kTokens;
  return pictures;
}

template <class Tower>
void DescribeComputing(const Tower& tower, Fingerprint& fingerprint) {
  fingerprint.precision = tower.precision();
  const InstructionSet isa = ParseInstructionSet(tower.runtime()->instruction_set());
  fingerprint.instruction_set_class =
      std::string(ToString(InstructionSetClass(isa, fingerprint.precision)));
}

}  // namespace

Fingerprint DescribeParts(const FingerprintParts& parts) {
  Fingerprint fingerprint;
  fingerprint.normalize = parts.options.normalize;
  if (parts.text_model != nullptr) {
    const SiglipTextConfig& config = parts.text_model->config();
    fingerprint.texts.emplace().text_architecture = ArchitectureText(config);
    fingerprint.dimension = config.embedding_size();
    DescribeComputing(*parts.text_model, fingerprint);
  }
  if (parts.image_tower != nullptr) {  // texts beside pictures are computed in the same way
    fingerprint.pictures = DescribePictures(*parts.image_tower, parts);
    fingerprint.dimension = parts.image_tower->model().config().hidden_size;
    DescribeComputing(parts.image_tower->model(), fingerprint);
  }
  return fingerprint;
}

void AddHashes(const std::filesystem::path& folder, const Tokenizer* tokenizer,
               Fingerprint& fingerprint) {
  if (fingerprint.pictures) {
    fingerprint.pictures->image_weights = TowerWeightsHash(folder, Part::kVision);
  }
  if (fingerprint.texts) {
    fingerprint.texts->text_weights = TowerWeightsHash(folder, Part::kText);
    fingerprint.texts->tokenizer = TokenizerHash(folder, *tokenizer);
  }
}

}  // namespace siglip
