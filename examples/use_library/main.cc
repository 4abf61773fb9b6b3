// Embeds one picture with the installed library: use_library MODEL_FOLDER PICTURE
#include <siglip/siglip_image_processor.h>
#include <siglip/vision_model.h>

#include <array>
#include <cstdio>
#include <exception>

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: %s MODEL_FOLDER PICTURE\n", argv[0]);
    return 2;
  }
  try {
    const auto processor = siglip::SiglipImageProcessor::FromPretrained(argv[1]);
    const auto model = siglip::SiglipVisionModel::FromPretrained(argv[1]);

    const std::array pictures = {siglip::DecodeImageFile(argv[2])};
    const siglip::Tensor pixel_values = processor(pictures);  // [1, 3, H, W]
    const siglip::VisionOutput output = model(pixel_values);

    std::printf("last_hidden_state %s\n",
                siglip::ToString(output.last_hidden_state.shape()).c_str());
    if (output.pooler_output) {
      std::printf("pooler_output %s, first value %.6f\n",
                  siglip::ToString(output.pooler_output->shape()).c_str(),
                  output.pooler_output->floats()[0]);
    }
  } catch (const std::exception& error) {
    std::fprintf(stderr, "use_library: %s\n", error.what());
    return 1;
  }
}
