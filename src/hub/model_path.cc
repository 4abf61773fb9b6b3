#include "hub/model_path.h"

#include "base/model_folder.h"

namespace siglip {

std::filesystem::path FindModel(const std::filesystem::path& model, ModelFiles needed) {
  std::filesystem::path path = ResolveModel(model.string(), {}, needed);
  CheckModelPath(path);
  return path;
}

}  // namespace siglip
