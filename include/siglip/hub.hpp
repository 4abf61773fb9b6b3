// Models named as on the Hugging Face hub, kept in the cache that huggingface_hub keeps them in.
#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include "siglip/export.hpp"
#include "siglip/http_transport.hpp"

namespace siglip {

/// What a model in the cache must have to be found.
enum class ModelFiles {
  kAll,  ///< Configuration and weights.
  kAny,  ///< Any file; for those who need no more than preprocessing or a tokenizer.
};

/// The folder of a model. A path that exists is returned as it is. Anything else must be a name of
/// the hub, "organisation/name" or "organisation/name@revision", and is looked up in the cache:
/// nothing is downloaded. `revision` is a branch, tag or full commit hash; empty stands for the one
/// in the name, else for "main".
///
/// The cache is where HF_HUB_CACHE says, else HUGGINGFACE_HUB_CACHE, HF_HOME/hub,
/// XDG_CACHE_HOME/huggingface/hub or ~/.cache/huggingface/hub.
///
/// Throws Error(kNotFound) for what is neither and for models that the cache lacks or has only in
/// part, Error(kInvalidArgument) for a revision that cannot be one.
SIGLIP_EXPORT std::filesystem::path ResolveModel(const std::string& name_or_folder,
                                                 const std::string& revision = {},
                                                 ModelFiles needed = ModelFiles::kAll);

/// How far PullModel is.
struct PullProgress {
  std::string file;       ///< The one it works on.
  uint64_t total = 0;     ///< Bytes of all files.
  uint64_t present = 0;   ///< Of these, how many were here before.
  uint64_t received = 0;  ///< And how many have come since.
};

struct PullOptions {
  std::string revision = {};  ///< As for ResolveModel.
  std::function<void(const PullProgress&)> progress = nullptr;
  /// Becoming true ends the download with Error(kCancelled); the next one goes on from there.
  const std::atomic<bool>* stop = nullptr;
  /// What requests are sent through. Null stands for libcurl, which takes proxies and certificates
  /// as curl does.
  std::shared_ptr<HttpTransport> transport = nullptr;
};

/// Downloads what a model of the hub consists of (configuration, preprocessing, tokenizer,
/// safetensors weights) into the cache, as far as it is not there yet, and returns its folder.
/// Every file is checked against the checksum the hub gives. HF_ENDPOINT names another hub,
/// HF_TOKEN (or the file HF_TOKEN_PATH, HF_HOME/token) whom to be, HF_HUB_DOWNLOAD_TIMEOUT the
/// seconds of silence after which a connection is given up. Failures that may pass are tried again.
/// Throws Error, also when HF_HUB_OFFLINE is set: kUnsupported in a build without downloads, and in
/// one without libcurl when the options name no transport. What else a transport throws is passed
/// on.
SIGLIP_EXPORT std::filesystem::path PullModel(const std::string& name,
                                              const PullOptions& options = {});

}  // namespace siglip
