// See checkpoint_folder.h.
#include "checkpoint_folder.h"

#include <string>
#include <string_view>
#include <system_error>

#include "siglip/error.h"

namespace siglip::cli {

void RefuseExistingCheckpoint(const std::filesystem::path& folder) {
  for (const std::string_view name :
       {"config.json", "model.safetensors", "model.safetensors.index.json", "open_clip_config.json",
        "open_clip_model.safetensors", "packed.safetensors", "preprocessor_config.json"}) {
    std::error_code ignored;
    if (std::filesystem::exists(folder / name, ignored)) {
      throw Error(ErrorCode::kInvalidArgument,
                  folder.string() + ": holds a checkpoint already (" + std::string(name) + ")",
                  "--force replaces it");
    }
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
