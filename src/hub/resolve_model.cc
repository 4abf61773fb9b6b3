// ResolveModel: the folder of a model that is named. See siglip/hub.hpp.
#include <algorithm>

#include "base/file_system.h"
#include "base/model_folder.h"
#include "hub/hub_cache.h"
#include "hub/hub_environment.h"
#include "hub/hub_name.h"
#include "siglip/error.hpp"
#include "siglip/hub.hpp"

namespace siglip {
namespace {

/// Files of one kind, whatever the project that wrote them. Only that there are some is looked at
/// here: those who load them know better what is missing, and say so.
struct Contents {
  bool anything = false;
  bool configuration = false;
  bool weights = false;
};

/// Names whose blob is missing do not count.
Contents Examine(const std::filesystem::path& snapshot) {
  Contents contents;
  for (const std::filesystem::path& path : ListFolder(snapshot)) {
    if (!FileExists(path) || IsFolder(path)) continue;
    const std::filesystem::path name = path.filename();
    contents.anything = true;
    const std::string ending = name.extension().string();
    const bool both = ending == ".npz" || ending == ".gguf";
    contents.configuration |= both || name == "config.json" || name == "open_clip_config.json";
    contents.weights |=
        both || ending == ".safetensors" || ending == ".bin" || ending == ".pt" || ending == ".pth";
  }
  return contents;
}

void CheckComplete(const std::filesystem::path& snapshot, const HubName& name, ModelFiles needed) {
  const Contents contents = Examine(snapshot);
  const char* missing = nullptr;
  if (!contents.anything) {
    missing = "no file";
  } else if (needed == ModelFiles::kAll && !contents.configuration) {
    missing = "no configuration";
  } else if (needed == ModelFiles::kAll && !contents.weights) {
    missing = "no weights";
  }
  if (missing == nullptr) return;
  const Error in_part(
      ErrorCode::kNotFound,
      name.ToString() + ": is in the cache only in part: " + missing + " in " + snapshot.string(),
      "siglip pull " + name.ToString() + " completes it");
  // What has no configuration may be whole, and no model.
  const bool may_be_whole = contents.anything && !contents.configuration;
  throw may_be_whole ? DiagnoseFolder(snapshot, in_part) : in_part;
}

}  // namespace

std::filesystem::path ResolveModel(const std::string& name_or_folder, const std::string& revision,
                                   ModelFiles needed) {
  if (FileExists(name_or_folder)) return name_or_folder;

  const std::optional<HubName> name = ParseHubName(name_or_folder, revision);
  if (!name) {
    throw Error(ErrorCode::kNotFound,
                name_or_folder + ": no such folder, and no name of the Hugging Face hub",
                "names are like google/siglip-base-patch16-224");
  }
  const std::filesystem::path root = HubCacheFolder();
  const HubCache cache(root, *name);
  const std::optional<std::string> commit = cache.FindCommit();
  if (!commit || !IsFolder(cache.Snapshot(*commit))) {
    throw Error(ErrorCode::kNotFound,
                name->ToString() +
                    ": no such folder, and not in the cache of the Hugging Face hub, " +
                    root.string(),
                "siglip pull " + name->ToString() + " downloads it");
  }
  CheckComplete(cache.Snapshot(*commit), *name, needed);
  return cache.Snapshot(*commit);
}

}  // namespace siglip
