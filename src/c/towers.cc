// Each step alone: a picture prepared, a tower run.
#include <algorithm>
#include <optional>
#include <span>
#include <string>

#include "c/arguments.h"
#include "c/failure.h"
#include "c/structs.h"
#include "siglip/embedder.hpp"
#include "siglip/error.hpp"
#include "siglip/tensor.hpp"
#include "siglip/transformers/image_processor.hpp"
#include "siglip/transformers/text_model.hpp"
#include "siglip/transformers/vision_model.hpp"

namespace siglip {

size_t PictureValues(const Embedder& embedder) {
  const VisionModel& tower = embedder.vision_model();
  const auto channels = static_cast<size_t>(tower.config().num_channels);
  if (tower.resolution() == Resolution::kNaflex) {
    return Count("picture_values", {static_cast<size_t>(embedder.most_tokens()),
                                    static_cast<size_t>(tower.config().patch_values())});
  }
  const auto side = static_cast<size_t>(tower.image_size());
  return Count("picture_values", {channels, side, side});
}

namespace {

/// Throws Error(kInvalidArgument) unless `count` values are so many of `n` inputs, each of whole
/// parts of `part` values. The answer is how many parts each has.
size_t PartsOfEach(const char* name, const void* values, size_t count, size_t n, size_t part) {
  RequirePointer(name, values);
  const size_t one_of_each = Count(name, {n, part});
  Count(name, {count});
  if (count % one_of_each != 0) {
    Refuse(name, "a multiple of " + std::to_string(one_of_each) + " values", std::to_string(count));
  }
  return count / one_of_each;
}

/// What siglip_outputs asks for.
siglip_outputs ReadOutputs(const siglip_outputs* outputs) {
  RequirePointer("outputs", outputs);
  const siglip_outputs read = ReadStruct("outputs", outputs);
  if (read.last_hidden_state == nullptr && read.pooler_output == nullptr) {
    Refuse("outputs", "last_hidden_state or pooler_output", "neither");
  }
  return read;
}

/// Before anything is computed.
void RequireOutputs(const siglip_outputs& outputs, size_t last_hidden_state, size_t pooler_output) {
  if (outputs.last_hidden_state != nullptr) {
    RequireRoom("last_hidden_state", outputs.last_hidden_state, outputs.last_hidden_state_count,
                last_hidden_state);
  }
  if (outputs.pooler_output != nullptr) {
    RequireRoom("pooler_output", outputs.pooler_output, outputs.pooler_output_count, pooler_output);
  }
}

template <class Output>  // those that are optional differ
void Write(const siglip_outputs& outputs, const Output& output) {
  const std::optional<Tensor> last_hidden_state = output.last_hidden_state;
  const std::optional<Tensor> pooler_output = output.pooler_output;
  if (outputs.last_hidden_state != nullptr) {
    std::ranges::copy(last_hidden_state->floats(), outputs.last_hidden_state);
  }
  if (outputs.pooler_output != nullptr) {
    std::ranges::copy(pooler_output->floats(), outputs.pooler_output);
  }
}

/// Patches of each picture, or the pixels of a picture of fixed size.
Shape ShapeOfPixels(const VisionModel& tower, const float* values, size_t count, size_t n) {
  const SiglipVisionTowerConfig& config = tower.config();
  const auto pictures = static_cast<int64_t>(n);
  if (tower.resolution() == Resolution::kNaflex) {
    const size_t patches =
        PartsOfEach("pixel_values", values, count, n, static_cast<size_t>(config.patch_values()));
    return {pictures, static_cast<int64_t>(patches), config.patch_values()};
  }
  const int64_t side = tower.image_size();
  const size_t expected =
      Count("pixel_values", {n, static_cast<size_t>(config.num_channels), static_cast<size_t>(side),
                             static_cast<size_t>(side)});
  RequirePointer("pixel_values", values);
  if (count != expected) {
    Refuse("pixel_values", std::to_string(expected) + " values", std::to_string(count));
  }
  return {pictures, config.num_channels, side, side};
}

void RunImageTower(const Embedder& embedder, std::span<const float> pixels, size_t n,
                   const int64_t* spatial_shapes, const siglip_outputs& outputs) {
  const VisionModel& tower = embedder.vision_model();
  const Shape shape = ShapeOfPixels(tower, pixels.data(), pixels.size(), n);
  const bool naflex = tower.resolution() == Resolution::kNaflex;
  if (!naflex && spatial_shapes != nullptr) {
    Refuse("spatial_shapes", "NULL for a model of fixed resolution", "a pointer");
  }
  if (naflex) RequirePointer("spatial_shapes", spatial_shapes);
  if (outputs.pooler_output != nullptr && !tower.has_head()) {
    throw Error(ErrorCode::kUnsupported, "pooler_output: the model has no pooling head");
  }
  const auto width = static_cast<size_t>(tower.config().hidden_size);
  const auto tokens = static_cast<size_t>(naflex ? shape[1] : embedder.most_tokens());
  RequireOutputs(outputs, Count("last_hidden_state", {n, tokens, width}),
                 Count("pooler_output", {n, width}));
  TensorView shapes;
  if (naflex) {
    shapes =
        TensorView(DType::kI64, {shape[0], 2}, std::as_bytes(std::span(spatial_shapes, 2 * n)));
  }
  Write(outputs, tower({TensorView(DType::kF32, shape, std::as_bytes(pixels)), {}, shapes}));
}

void RunTextTower(const SiglipTextModel& tower, std::span<const int64_t> ids, size_t n,
                  const siglip_outputs& outputs) {
  const size_t length = PartsOfEach("input_ids", ids.data(), ids.size(), n, 1);
  RequireOutputs(
      outputs,
      Count("last_hidden_state", {ids.size(), static_cast<size_t>(tower.config().hidden_size)}),
      Count("pooler_output", {n, static_cast<size_t>(tower.config().embedding_size())}));
  const Shape shape = {static_cast<int64_t>(n), static_cast<int64_t>(length)};
  TextForwardOptions options;
  options.output_last_hidden_state = outputs.last_hidden_state != nullptr;
  Write(outputs, tower(TensorView(DType::kI64, shape, std::as_bytes(ids)), options));
}

}  // namespace
}  // namespace siglip

siglip_status siglip_preprocess(const siglip_embedder* embedder, const siglip_picture* picture,
                                float* pixel_values, size_t value_count, int64_t spatial_shape[2]) {
  return siglip::Guarded([&] {
    const siglip::Embedder& used = siglip::Handle(embedder).embedder;
    siglip::RequirePointer("picture", picture);
    siglip::CheckPicture(*picture, "picture");
    const siglip::VisionModel& tower = used.vision_model();
    const size_t needed = siglip::PictureValues(used);
    siglip::RequireRoom("pixel_values", pixel_values, value_count, needed);
    siglip::PreparedPicture prepared;
    used.image_processor().Prepare(siglip::ToPicture(*picture, "picture"), used.options().decode,
                                   prepared, tower.image_size());
    if (tower.resolution() == siglip::Resolution::kFixed) {
      prepared.rows = prepared.columns = tower.image_size() / tower.config().patch_size;
    }
    float* const end = std::ranges::copy(prepared.pixel_values.floats(), pixel_values).out;
    std::fill(end, pixel_values + needed, 0.0F);
    if (spatial_shape != nullptr) {
      spatial_shape[0] = prepared.rows;
      spatial_shape[1] = prepared.columns;
    }
  });
}

siglip_status siglip_run_image_tower(const siglip_embedder* embedder, const float* pixel_values,
                                     size_t value_count, size_t n, const int64_t* spatial_shapes,
                                     const siglip_outputs* outputs) {
  return siglip::Guarded([&] {
    const siglip::Embedder& used = siglip::Handle(embedder).embedder;
    siglip::RequirePointer("pixel_values", pixel_values);
    siglip::RunImageTower(used, {pixel_values, value_count}, n, spatial_shapes,
                          siglip::ReadOutputs(outputs));
  });
}

siglip_status siglip_run_text_tower(const siglip_embedder* embedder, const int64_t* input_ids,
                                    size_t id_count, size_t n, const siglip_outputs* outputs) {
  return siglip::Guarded([&] {
    const siglip::Embedder& used = siglip::Handle(embedder).embedder;
    siglip::RequirePointer("input_ids", input_ids);
    siglip::RunTextTower(used.text_model(), {input_ids, id_count}, n, siglip::ReadOutputs(outputs));
  });
}
