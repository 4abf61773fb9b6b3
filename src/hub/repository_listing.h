// What the hub says a model consists of, and which of it is needed here.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace siglip {

/// Answers that are longer are refused.
inline constexpr size_t kMaxListingBytes = size_t{32} << 20;

struct RepositoryListing {
  std::string commit;
  std::vector<std::string> files;  // whatever the hub calls them: not to be used as paths
};

/// Reads the hub's answer about one revision. Throws Error(kMalformedFile) naming `name`.
RepositoryListing ParseListing(std::string_view json, const std::string& name);

/// The files to download, each a known name without folder, weights last: configuration,
/// preprocessing, tokenizer, and the weights in one form. Throws Error(kUnsupported) naming `name`
/// when there is no configuration or no weights in safetensors.
std::vector<std::string> NeededFiles(const std::vector<std::string>& files,
                                     const std::string& name);

}  // namespace siglip
