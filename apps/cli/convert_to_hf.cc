// See convert_to_hf.h.
#include "convert_to_hf.h"

#include <optional>
#include <system_error>

#include "siglip/convert.h"
#include "siglip/error.h"
#include "siglip/image_processor.h"
#include "siglip/model_info.h"
#include "siglip/siglip2_image_processor.h"
#include "text.h"

namespace siglip::cli {
namespace {

constexpr char kPreprocessorFile[] = "preprocessor_config.json";

/// Texts of SigLIP 2 come out of Gemma's vocabulary, and its pictures are resized bilinearly.
constexpr int64_t kSiglip2Words = 256000;

bool Exists(const std::filesystem::path& path) {
  std::error_code ignored;
  return std::filesystem::exists(path, ignored);
}

/// The folder that a checkpoint, given as a folder or a file, lies in.
std::filesystem::path FolderOf(const std::filesystem::path& checkpoint) {
  std::error_code ignored;
  return std::filesystem::is_directory(checkpoint, ignored) ? checkpoint : checkpoint.parent_path();
}

/// What files of the checkpoint say of preprocessing, as JSON; nothing when none does, or when it
/// is not SigLIP's: timm's checkpoints say that pictures are cropped, which SigLIP was not trained
/// with.
std::optional<std::string> FindPreprocessing(const std::filesystem::path& folder) {
  try {
    return Siglip2ImageProcessor::IsFor(folder)
               ? Siglip2ImageProcessor::FromPretrained(folder).config().ToJson()
               : SiglipImageProcessor::FromPretrained(folder).config().ToJson();
  } catch (const Error& error) {
    if (error.code() == ErrorCode::kNotFound || error.code() == ErrorCode::kUnsupported) {
      return std::nullopt;
    }
    throw;
  }
}

/// SigLIP's own preprocessing at the size of this model, as JSON and in words.
struct Guess {
  std::string json;
  std::string words;
};

Guess GuessPreprocessing(const ModelInfo& model) {
  if (model.image_size == 0) {
    Siglip2ImageProcessorConfig config;
    config.patch_size = model.config.patch_size;
    config.max_num_patches = model.tokens_per_picture;
    return {config.ToJson(),
            "up to " + std::to_string(config.max_num_patches) + " patches, as SigLIP 2 NaFlex"};
  }
  ImageProcessorConfig config;
  config.height = config.width = model.image_size;
  const bool is_siglip2 = model.text && model.text->config.vocab_size >= kSiglip2Words;
  config.resample = is_siglip2 ? Resample::kBilinear : Resample::kBicubic;
  const std::string side = std::to_string(model.image_size);
  return {
      config.ToJson(),
      side + "x" + side + ", " +
          (is_siglip2 ? "bilinear as SigLIP 2"
                      : "bicubic as SigLIP; SigLIP 2, Gemma 3 and MedSigLIP need \"resample\": 2")};
}

/// What the new folder gets beside the files that are copied.
struct NewPreprocessing {
  std::string json;  // empty where a copied file says how pictures are prepared
  std::string note;  // names a guess
};

/// What files of the checkpoint say, or else a guess.
NewPreprocessing CompletePreprocessing(const std::filesystem::path& checkpoint) {
  const std::filesystem::path folder = FolderOf(checkpoint);
  const std::optional<std::string> found = FindPreprocessing(folder);
  if (Exists(folder / kPreprocessorFile) || Exists(folder / "processor_config.json")) return {};
  const ModelInfo model = InspectModel(checkpoint);
  if (model.config.num_channels != 3) return {};
  if (found) return {*found, {}};
  const Guess guess = GuessPreprocessing(model);
  return {guess.json, std::string(kPreprocessorFile) + " is a guess: " + guess.words + "\n"};
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

}  // namespace

std::string ConvertToHuggingFace(const std::filesystem::path& checkpoint,
                                 const std::filesystem::path& folder, const WriteOptions& options) {
  const ModelParts found = FindParts(checkpoint);
  const NewPreprocessing preprocessing =
      found.image_tower ? CompletePreprocessing(checkpoint) : NewPreprocessing{};
  const ModelParts written = ConvertToTransformers(checkpoint, folder, options, preprocessing.json);
  return Printable(folder.string()) + ": " + WrittenParts(written) + "\n" + preprocessing.note +
         PartsLeftOut(found, written);
}

}  // namespace siglip::cli
