// What names a model and what the hub answers: an Error, or names that can do no harm as paths.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>

#include "hub/hub_name.h"
#include "hub/repository_listing.h"
#include "siglip/error.hpp"

namespace siglip {
namespace {

void Require(bool condition) {
  if (!condition) std::abort();
}

bool IsPlain(std::string_view name) {
  return !name.empty() && name != "." && name != ".." &&
         name.find_first_of(std::string_view("/\\\0", 3)) == std::string_view::npos;
}

void TryListing(std::string_view text) {
  try {
    const RepositoryListing listing = ParseListing(text, "fuzz");
    Require(IsCommitHash(listing.commit));
    for (const std::string& file : NeededFiles(listing.files, "fuzz")) Require(IsPlain(file));
  } catch (const Error&) {
  }
}

void TryName(std::string_view text) {
  try {
    const std::optional<HubName> name = ParseHubName(text, {});
    if (!name) return;
    const size_t slash = name->repository.find('/');
    Require(IsPlain(name->repository.substr(0, slash)));
    Require(IsPlain(name->repository.substr(slash + 1)));
    Require(name->revision.find("..") == std::string::npos && name->revision.front() != '/');
    Require(ParseHubName(name->ToString(), {})->ToString() == name->ToString());
  } catch (const Error&) {
  }
}

}  // namespace
}  // namespace siglip

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  siglip::TryListing(text);
  siglip::TryName(text);
  return 0;
}
