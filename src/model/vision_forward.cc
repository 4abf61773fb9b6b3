#include "model/vision_forward.h"

#include <utility>
#include <vector>

#include "model/matrix_rows.h"
#include "model/vision_model_state.h"
#include "siglip/error.hpp"

namespace siglip {

VisionForward::VisionForward(VisionModel model)
    : model_(std::move(model)), workspace_(model_.state().vision_model.context(), 1) {}

void VisionForward::Run(std::span<const ReadyPicture> pictures) {
  const SiglipVisionTransformer& vision_model = model_.state().vision_model;
  const int64_t image_size = vision_model.plan().image_size;
  std::vector<PictureTask> tasks;
  std::vector<int64_t> tokens;
  for (const ReadyPicture& picture : pictures) {
    if (picture.pooler_output != nullptr && !vision_model.has_head()) {
      throw NoPoolingHead("model");
    }
    PictureTask& task = tasks.emplace_back();
    task.pixels = {.values = picture.pixel_values,
                   .grid = picture.grid,
                   .height = image_size,
                   .width = image_size};
    task.positions = vision_model.embeddings().PositionEmbedding(picture.grid);
    if (picture.last_hidden_state != nullptr) {
      task.last_hidden_state = DenseRows(picture.last_hidden_state, 0, picture.grid.tokens(),
                                         vision_model.context().config.hidden_size);
    }
    task.pooler_output = picture.pooler_output;
    tokens.push_back(picture.grid.tokens());
  }
  vision_model.Forward(tasks, workspace_.For(tokens).member(0));
}

Error NoPoolingHead(const std::string& name) {
  return Error(
      ErrorCode::kUnsupported,
      name + ": the image tower has no pooling head, hence no embedding of a whole picture",
      "its patches have embeddings: siglip embed --tokens, last_hidden_state");
}

}  // namespace siglip
