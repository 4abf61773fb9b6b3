// See checkpoint_folder.h.
#include "checkpoint_folder.h"

#include <string>
#include <string_view>
#include <system_error>

#include "siglip/error.h"

namespace siglip::cli {
namespace {

constexpr std::string_view kPackedFile = "packed.safetensors";

bool Exists(const std::filesystem::path& path) {
  std::error_code ignored;
  return std::filesystem::exists(path, ignored);
}

}  // namespace

void CheckOutputFolder(const std::filesystem::path& folder, CheckpointForm form, bool force) {
  if (form != CheckpointForm::kPacked && Exists(folder / kPackedFile)) {
    throw Error(ErrorCode::kInvalidArgument,
                folder.string() + ": holds " + std::string(kPackedFile) +
                    ", which would be loaded instead of what is written",
                "write to another folder, or remove that file");
  }
  if (force) return;
  for (const std::string_view name :
       {kPackedFile, std::string_view("config.json"), std::string_view("model.safetensors"),
        std::string_view("model.safetensors.index.json"), std::string_view("open_clip_config.json"),
        std::string_view("open_clip_model.safetensors"),
        std::string_view("preprocessor_config.json")}) {
    if (!Exists(folder / name)) continue;
    throw Error(ErrorCode::kInvalidArgument,
                folder.string() + ": holds a checkpoint already (" + std::string(name) + ")",
                "--force replaces it");
  }
}

void RefuseToConvertInPlace(const std::filesystem::path& input,
                            const std::filesystem::path& folder) {
  std::error_code ignored;
  const std::filesystem::path place = std::filesystem::is_directory(input, ignored)
                                          ? input
                                          : std::filesystem::absolute(input, ignored).parent_path();
  if (!std::filesystem::equivalent(place, folder, ignored)) return;
  throw Error(ErrorCode::kInvalidArgument,
              folder.string() + ": is the checkpoint that is to be converted",
              "write to another folder");
}

}  // namespace siglip::cli
