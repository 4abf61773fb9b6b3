// See convert_to_hf.h.
#include "commands/convert_to_hf.h"

#include <array>
#include <optional>
#include <system_error>

#include "siglip/checkpoint.hpp"
#include "siglip/error.hpp"
#include "siglip/transformers/image_processor.hpp"
#include "siglip/transformers/tokenizer.hpp"
#include "terminal/text.h"

namespace siglip::cli {
namespace {

constexpr char kPreprocessorFile[] = "preprocessor_config.json";
constexpr char kProcessorFile[] = "processor_config.json";
constexpr char kOpenClipFile[] = "open_clip_config.json";

/// Texts of SigLIP 2 come out of Gemma's vocabulary, and its pictures are resized bilinearly.
constexpr int64_t kSiglip2Words = 256000;

/// The folder that a checkpoint, given as a folder or a file, lies in.
std::filesystem::path FolderOf(const std::filesystem::path& checkpoint) {
  std::error_code ignored;
  return std::filesystem::is_directory(checkpoint, ignored) ? checkpoint : checkpoint.parent_path();
}

/// How the pictures of a folder are prepared, as preprocessor_config.json.
struct HfPreprocessing {
  std::string json;
  std::string note;  ///< For the user, a line or nothing.
};

/// transformers ignores fields that it does not have.
std::string WhatTransformersIgnores(const ImageProcessorConfig& config) {
  if (config.rounding == PixelRounding::kDown) return {};
  std::string note = std::string(kPreprocessorFile) +
                     " has siglip's own \"rounding\": transformers may crop a pixel further to the "
                     "left or top";
  if (config.fill_color != std::array<uint8_t, 3>{0, 0, 0}) note += ", and leaves the border black";
  if (config.min_height != 0) note += ", and refuses \"min_height\"";
  return note + "\n";
}

/// What files of a folder say of preprocessing; nothing when none does, or when it cannot be done.
std::optional<HfPreprocessing> FindPreprocessing(const std::filesystem::path& folder) {
  try {
    if (Siglip2ImageProcessor::IsFor(folder)) {
      return HfPreprocessing{Siglip2ImageProcessor::FromPretrained(folder).config().ToJson(), {}};
    }
    const auto processor = SiglipImageProcessor::FromPretrained(folder);
    return HfPreprocessing{processor.config().ToJson(),
                           WhatTransformersIgnores(processor.config())};
  } catch (const Error& error) {
    if (error.code() == ErrorCode::kNotFound || error.code() == ErrorCode::kUnsupported) {
      return std::nullopt;
    }
    throw;
  }
}

/// SigLIP's own preprocessing at the size of this model.
HfPreprocessing Guess(const ModelInfo& model) {
  const std::string is_a_guess = std::string(kPreprocessorFile) + " is a guess: ";
  if (model.image_size == 0) {
    Siglip2ImageProcessorConfig config;
    config.patch_size = model.config.patch_size;
    config.max_num_patches = model.tokens_per_picture;
    return {config.ToJson(), is_a_guess + "up to " + std::to_string(config.max_num_patches) +
                                 " patches, as SigLIP 2 NaFlex\n"};
  }
  ImageProcessorConfig config;
  config.height = config.width = model.image_size;
  const bool is_siglip2 = model.text && model.text->config.vocab_size >= kSiglip2Words;
  config.resample = is_siglip2 ? Resample::kBilinear : Resample::kBicubic;
  const std::string side = std::to_string(model.image_size);
  return {
      config.ToJson(),
      is_a_guess + side + "x" + side + ", " +
          (is_siglip2 ? "bilinear as SigLIP 2"
                      : "bicubic as SigLIP; SigLIP 2, Gemma 3 and MedSigLIP need \"resample\": 2") +
          "\n"};
}

/// What the new folder gets beside the files that are copied: nothing where these say how pictures
/// are prepared. For a folder whose own files cannot be followed: one whole view where they make
/// several pictures of one, a guess where they say nothing.
HfPreprocessing CompletePreprocessing(const std::filesystem::path& checkpoint) {
  const std::filesystem::path folder = FolderOf(checkpoint);
  const auto has = [&](const char* name) {
    std::error_code ignored;
    return std::filesystem::exists(folder / name, ignored);
  };
  const std::optional<HfPreprocessing> found = FindPreprocessing(folder);
  const bool copied = has(kPreprocessorFile) || (has(kProcessorFile) && !has(kOpenClipFile));
  if (found && copied) return {};
  const ModelInfo model = InspectModel(checkpoint);
  if (model.config.num_channels != 3) return {};
  if (found) return *found;
  if (model.image_size == 0) return Guess(model);
  try {
    return {SiglipImageProcessor::OneWholeView(folder, model.image_size).ToJson(),
            std::string(kPreprocessorFile) + " makes one whole view of every picture, where the " +
                "checkpoint's own processor takes other steps\n"};
  } catch (const Error& error) {
    if (error.code() != ErrorCode::kNotFound) throw;
    return Guess(model);
  }
}

std::string WrittenParts(const ModelParts& written) {
  if (written.image_tower && written.text_tower) return "both towers, logit scale and bias";
  return written.image_tower ? "image tower" : "text tower";
}

/// Parts that transformers' SiglipModel has no place for.
std::string PartsLeftOut(const ModelParts& found, const ModelParts& written) {
  std::string parts;
  const auto add = [&](bool is_left_out, const char* name) {
    if (is_left_out) parts += (parts.empty() ? "" : ", ") + std::string(name);
  };
  add(found.logits && !written.logits, "logit scale and bias");
  add(found.classifier, "classifier");
  add(found.projector, "projector");
  return parts.empty() ? parts : "left out: " + parts + "\n";
}

/// open_clip changes texts before they become ids, transformers does not.
std::string CleaningLeftOut(const std::filesystem::path& folder) {
  std::error_code ignored;
  if (!std::filesystem::exists(folder / kOpenClipFile, ignored)) return {};
  try {
    if (Tokenizer::FromPretrained(folder)->cleaning() == TextCleaning::kNone) return {};
  } catch (const Error&) {
    return {};  // texts had no ids before
  }
  return "texts are no longer cleaned as open_clip does, which a folder of transformers cannot ask "
         "for: those with capitals or punctuation may get other ids\n";
}

}  // namespace

std::string ConvertToHuggingFace(const std::filesystem::path& checkpoint,
                                 const std::filesystem::path& folder, const WriteOptions& options) {
  const ModelParts found = FindParts(checkpoint);
  const HfPreprocessing preprocessing =
      found.image_tower ? CompletePreprocessing(checkpoint) : HfPreprocessing{};
  const ModelParts written = ConvertToTransformers(checkpoint, folder, options, preprocessing.json);
  return Printable(folder.string()) + ": " + WrittenParts(written) + "\n" + preprocessing.note +
         (written.text_tower ? CleaningLeftOut(FolderOf(checkpoint)) : "") +
         PartsLeftOut(found, written);
}

}  // namespace siglip::cli
