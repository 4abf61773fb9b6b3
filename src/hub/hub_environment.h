// What the environment says about hub and cache, under the names that huggingface_hub gives it.
// A variable that is empty counts as not set.
#pragma once

#include <filesystem>
#include <string>

namespace siglip {

/// Where models are kept. Throws Error(kNotFound) if not even the home folder is known.
std::filesystem::path HubCacheFolder();

/// "https://huggingface.co" or what HF_ENDPOINT says, without a slash at the end. Throws
/// Error(kInvalidArgument) for what is no http or https URL or has a query.
std::string HubEndpoint();

/// The access token, or nothing. Throws Error(kInvalidArgument) if it could not be sent, and
/// Error(kIo) for a token file that cannot be read.
std::string HubToken();

/// Whether HF_HUB_OFFLINE (or TRANSFORMERS_OFFLINE) forbids all traffic.
bool HubIsOffline();

/// Seconds of silence after which a connection is given up. Throws Error(kInvalidArgument).
int HubTimeoutSeconds();

}  // namespace siglip
