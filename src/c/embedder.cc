// Opening runtimes and embedders, and what they are.
#include "siglip/embedder.hpp"

#include <limits>
#include <memory>
#include <optional>
#include <string>

#include "c/arguments.h"
#include "c/failure.h"
#include "c/structs.h"
#include "siglip/checkpoint.hpp"
#include "siglip/error.hpp"
#include "siglip/hub.hpp"
#include "siglip/transformers/image_processor.hpp"
#include "siglip/transformers/text_model.hpp"
#include "siglip/transformers/tokenizer.hpp"
#include "siglip/transformers/vision_model.hpp"

namespace siglip {
namespace {

/// The default for 0.
void SetLimit(const char* name, int64_t given, int64_t& limit) {
  if (given < 0) Refuse(name, "0 or more", std::to_string(given));
  if (given > 0) limit = given;
}

EmbedderOptions ReadOptions(const siglip_embedder_options* options) {
  const siglip_embedder_options given = ReadStruct("options", options);
  EmbedderOptions read;
  if (given.runtime != nullptr) read.runtime = given.runtime->runtime;
  read.precision = Choose<PrecisionChoice>(
      "precision", Number(given.precision),
      {{}, Precision::kFloat32, Precision::kBFloat16, Precision::kInt8, PrecisionChoice::Auto()});
  read.preprocess =
      Choose<std::optional<PreprocessMode>>("preprocess", Number(given.preprocess),
                                            {std::nullopt, PreprocessMode::kTorchvision,
                                             PreprocessMode::kPillow, PreprocessMode::kPillow13});
  read.decode.alpha =
      Choose("alpha", Number(given.alpha), {AlphaPolicy::kWhite, AlphaPolicy::kDrop});
  read.decode.apply_exif_orientation =
      !Flag("ignore_exif_orientation", given.ignore_exif_orientation);
  read.decode.fast = Flag("fast_decode", given.fast_decode);
  SetLimit("max_pixels", given.max_pixels, read.decode.limits.max_pixels);
  SetLimit("max_file_bytes", given.max_file_bytes, read.decode.limits.max_file_bytes);
  SetLimit("max_memory_bytes", given.max_memory_bytes, read.decode.limits.max_memory_bytes);
  int64_t milliseconds = 0;
  SetLimit("max_milliseconds", given.max_milliseconds, milliseconds);
  read.decode.limits.max_seconds = static_cast<double>(milliseconds) / 1000;
  SetLimit("max_num_patches", given.max_num_patches, read.max_num_patches);
  read.load_image_tower = Flag("load_image_tower", given.load_image_tower);
  read.load_text_tower = Flag("load_text_tower", given.load_text_tower);
  return read;
}

int32_t Int32(const char* name, int64_t value) {
  if (value < 0 || value > std::numeric_limits<int32_t>::max()) {
    throw Error(ErrorCode::kLimitExceeded,
                std::string(name) + ": " + std::to_string(value) + " does not fit in 32 bits");
  }
  return static_cast<int32_t>(value);
}

siglip_precision ToC(Precision precision) {
  switch (precision) {
    case Precision::kFloat32: break;
    case Precision::kBFloat16: return SIGLIP_PRECISION_BF16;
    case Precision::kInt8: return SIGLIP_PRECISION_INT8;
  }
  return SIGLIP_PRECISION_F32;
}

siglip_info Describe(const siglip_embedder& handle) {
  siglip_info info{};
  info.folder = handle.folder.c_str();
  info.instruction_set = handle.instruction_set.c_str();
  info.threads = handle.embedder.runtime()->threads();
  info.has_image_tower = handle.parts.image_tower ? 1 : 0;
  info.has_text_tower = handle.parts.text_tower ? 1 : 0;
  return info;
}

siglip_image_tower_info DescribeImageTower(const Embedder& embedder) {
  const VisionModel& tower = embedder.vision_model();
  siglip_image_tower_info info{};
  info.picture_values = PictureValues(embedder);
  info.weight_bytes = static_cast<size_t>(tower.weight_bytes());
  info.dimension = Int32("dimension", tower.config().hidden_size);
  info.tokens = Int32("tokens", embedder.most_tokens());
  info.image_size = Int32("image_size", tower.image_size());
  info.patch_size = Int32("patch_size", tower.config().patch_size);
  info.has_pooler = tower.has_head() ? 1 : 0;
  info.precision = ToC(tower.precision());
  return info;
}

siglip_text_tower_info DescribeTextTower(const Embedder& embedder) {
  const SiglipTextModel& tower = embedder.text_model();
  siglip_text_tower_info info{};
  info.weight_bytes = static_cast<size_t>(tower.weight_bytes());
  info.dimension = Int32("dimension", tower.config().embedding_size());
  info.hidden_size = Int32("hidden_size", tower.config().hidden_size);
  info.tokens = Int32("tokens", embedder.tokenizer().max_length());
  info.precision = ToC(tower.precision());
  return info;
}

}  // namespace
}  // namespace siglip

siglip_status siglip_runtime_open(int32_t threads, const char* instruction_set,
                                  siglip_runtime** runtime) {
  return siglip::Guarded([&] {
    siglip::RequirePointer("runtime", runtime);
    siglip::RuntimeOptions options;
    options.threads = threads;
    if (instruction_set != nullptr) {
      options.instruction_set = siglip::RequireText("instruction_set", instruction_set);
    }
    *runtime = new siglip_runtime{siglip::Runtime::Create(options)};
  });
}

void siglip_runtime_close(siglip_runtime* runtime) { delete runtime; }

siglip_status siglip_embedder_open(const char* model, const siglip_embedder_options* options,
                                   siglip_embedder** embedder) {
  return siglip::Guarded([&] {
    siglip::RequirePointer("embedder", embedder);
    const std::string folder = siglip::ResolveModel(siglip::RequireText("model", model)).string();
    siglip::Embedder opened = siglip::Embedder::Open(folder, siglip::ReadOptions(options));
    std::string instruction_set(opened.runtime()->instruction_set());
    const siglip::ModelParts parts = siglip::FindParts(folder);
    *embedder = new siglip_embedder{folder, std::move(instruction_set), parts, std::move(opened)};
  });
}

void siglip_embedder_close(siglip_embedder* embedder) { delete embedder; }

siglip_status siglip_get_info(const siglip_embedder* embedder, siglip_info* info) {
  return siglip::Guarded([&] {
    siglip::RequirePointer("info", info);
    siglip::WriteStruct("info", siglip::Describe(siglip::Handle(embedder)), info);
  });
}

siglip_status siglip_get_image_tower_info(const siglip_embedder* embedder,
                                          siglip_image_tower_info* info) {
  return siglip::Guarded([&] {
    siglip::RequirePointer("info", info);
    siglip::WriteStruct("info", siglip::DescribeImageTower(siglip::Handle(embedder).embedder),
                        info);
  });
}

siglip_status siglip_get_text_tower_info(const siglip_embedder* embedder,
                                         siglip_text_tower_info* info) {
  return siglip::Guarded([&] {
    siglip::RequirePointer("info", info);
    siglip::WriteStruct("info", siglip::DescribeTextTower(siglip::Handle(embedder).embedder), info);
  });
}
