// Tensors in, tensors out, by the classes of transformers: tensors MODEL PICTURE TEXT
#include <array>
#include <cstdio>
#include <exception>
#include <siglip/transformers.hpp>
#include <string>

int main(int argc, char** argv) {
  if (argc != 4) {
    std::fprintf(stderr, "usage: %s MODEL PICTURE TEXT\n", argv[0]);
    return 2;
  }
  try {
    const auto processor = siglip::SiglipImageProcessor::FromPretrained(argv[1]);
    const auto tokenizer = siglip::Tokenizer::FromPretrained(argv[1]);
    const auto model = siglip::SiglipModel::FromPretrained(argv[1]);

    const std::array pictures = {siglip::DecodeImageFile(argv[2])};
    const std::array texts = {std::string(argv[3])};
    const siglip::Tensor pixel_values = processor(pictures);  // [1, 3, H, W]
    const siglip::Tensor input_ids = (*tokenizer)(texts);     // [1, T]
    const siglip::SiglipOutput output = model(input_ids, pixel_values);

    const siglip::Tensor& tokens = output.vision_model_output.last_hidden_state;
    std::printf("last_hidden_state %s, image_embeds %s, text_embeds %s\n",
                siglip::ToString(tokens.shape()).c_str(),
                siglip::ToString(output.image_embeds.shape()).c_str(),
                siglip::ToString(output.text_embeds.shape()).c_str());
    std::printf("logit %.4f, probability %.4f\n", output.logits_per_image.floats()[0],
                output.probabilities.floats()[0]);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "tensors: %s\n", error.what());
    return 1;
  }
}
