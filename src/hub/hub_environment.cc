// See hub_environment.h.
#include "hub/hub_environment.h"

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <optional>
#include <string_view>
#include <system_error>

#include "base/file_system.h"
#include "base/mapped_file.h"
#include "base/user_folders.h"
#include "hub/url.h"
#include "siglip/error.hpp"

namespace siglip {
namespace {

constexpr const char* kDefaultEndpoint = "https://huggingface.co";
constexpr int kDefaultTimeoutSeconds = 10;
constexpr int kLongestTimeoutSeconds = 24 * 60 * 60;
constexpr size_t kLongestToken = 4096;

std::string Variable(const char* name) {
  const char* const value = std::getenv(name);
  return value == nullptr ? std::string() : std::string(value);
}

std::filesystem::path Known(const std::optional<std::filesystem::path>& folder) {
  if (folder) return *folder;
  throw Error(ErrorCode::kNotFound, "the home folder, where models are kept, is not known",
              "set HF_HUB_CACHE to a folder for them");
}

/// Cache and token are in here unless something else is said.
std::filesystem::path HuggingFaceHome() {
  if (const std::string home = Variable("HF_HOME"); !home.empty()) return Known(WithoutTilde(home));
  return Known(UserCacheFolder()) / "huggingface";
}

bool IsTrue(std::string value) {
  std::ranges::transform(value, value.begin(), [](char c) {
    return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  });
  return value == "1" || value == "ON" || value == "YES" || value == "TRUE";
}

std::string_view WithoutWhitespace(std::string_view text) {
  constexpr std::string_view kWhitespace = " \t\r\n";
  const size_t begin = text.find_first_not_of(kWhitespace);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kWhitespace) + 1 - begin);
}

/// `origin` is what errors call it: the token itself must not be shown.
std::string CheckToken(std::string_view text, const std::string& origin) {
  const std::string_view token = WithoutWhitespace(text);
  const bool printable = std::ranges::all_of(token, [](char c) { return c > ' ' && c < 0x7F; });
  if (!printable || token.size() > kLongestToken) {
    throw Error(ErrorCode::kInvalidArgument, origin + ": does not hold an access token",
                "expected are letters and digits in one line");
  }
  return std::string(token);
}

}  // namespace

std::filesystem::path HubCacheFolder() {
  for (const char* name : {"HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"}) {
    if (const std::string folder = Variable(name); !folder.empty()) {
      return Known(WithoutTilde(folder));
    }
  }
  return HuggingFaceHome() / "hub";
}

std::string HubEndpoint() {
  std::string endpoint = Variable("HF_ENDPOINT");
  if (endpoint.empty()) return kDefaultEndpoint;
  if (!ParseUrl(endpoint) || endpoint.find_first_of("?#") != std::string::npos) {
    throw Error(ErrorCode::kInvalidArgument,
                "HF_ENDPOINT: expected the URL of a hub, found '" + endpoint + "'",
                std::string("such as ") + kDefaultEndpoint);
  }
  while (endpoint.ends_with('/')) endpoint.pop_back();
  return endpoint;
}

std::string HubToken() {
  if (const std::string token = Variable("HF_TOKEN"); !token.empty()) {
    return CheckToken(token, "HF_TOKEN");
  }
  const std::string variable = Variable("HF_TOKEN_PATH");
  const std::filesystem::path path =
      variable.empty() ? HuggingFaceHome() / "token" : Known(WithoutTilde(variable));
  if (!FileExists(path)) return {};
  const MappedFile file = MappedFile::Open(path);
  return CheckToken({reinterpret_cast<const char*>(file.bytes().data()), file.bytes().size()},
                    path.string());
}

bool HubIsOffline() {
  return IsTrue(Variable("HF_HUB_OFFLINE")) || IsTrue(Variable("TRANSFORMERS_OFFLINE"));
}

int HubTimeoutSeconds() {
  const std::string text = Variable("HF_HUB_DOWNLOAD_TIMEOUT");
  if (text.empty()) return kDefaultTimeoutSeconds;
  int seconds = 0;
  const auto [end, status] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (status != std::errc() || end != text.data() + text.size() || seconds < 1 ||
      seconds > kLongestTimeoutSeconds) {
    throw Error(ErrorCode::kInvalidArgument,
                "HF_HUB_DOWNLOAD_TIMEOUT: expected seconds from 1 to " +
                    std::to_string(kLongestTimeoutSeconds) + ", found '" + text + "'");
  }
  return seconds;
}

}  // namespace siglip
