// The hub's interface: what a model consists of, what a file is, its bytes.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>

#include "hub/hub_name.h"
#include "hub/repository_listing.h"
#include "siglip/http_transport.hpp"

namespace siglip {

struct FileMetadata {
  std::string etag;  // a checksum
  uint64_t size = 0;
};

/// Failures that may pass are TransientFailure in all of these; everything else is Error, with what
/// the user can do about a model that is not there or not for everybody.
class HubClient {
 public:
  /// Reads endpoint, token and timeout from the environment. Throws Error(kIo) when it forbids
  /// traffic. A transport that is null stands for libcurl's, see NewCurlTransport.
  HubClient(std::shared_ptr<HttpTransport> transport, const std::atomic<bool>* stop);

  RepositoryListing List(const HubName& name);
  FileMetadata Describe(const HubName& name, const std::string& commit, const std::string& file);

  /// The bytes of a file from `offset` on. `sink` also learns where they begin in the file: at 0 if
  /// the server cannot begin at `offset`.
  using FileSink = std::function<void(uint64_t begin, std::span<const std::byte>)>;
  void Fetch(const HubName& name, const std::string& commit, const std::string& file,
             uint64_t offset, const FileSink& sink);

 private:
  struct Answer {
    HttpResponse response;
    bool of_hub = false;  // or of a server it redirects to
    std::string url;      // that answered, for errors
  };
  enum class Redirects { kAll, kToStorageNot };
  /// `sink` takes the body of a successful answer; other bodies are dropped.
  Answer Send(HttpRequest request, Redirects redirects, const HttpTransport::BodySink& sink);
  HttpRequest RequestFor(const std::string& url) const;
  std::string FileUrl(const HubName& name, const std::string& commit,
                      const std::string& file) const;
  /// Throws if the answer is no success.
  void RequireSuccess(const Answer& answer, const HubName& name) const;
  /// For status 401 and 403. `code` and `message` are of the hub.
  [[noreturn]] void ThrowNoAccess(const Answer& answer, const HubName& name,
                                  const std::string& code, const std::string& message) const;

  std::string endpoint_;
  std::string origin_;  // of the endpoint: nobody else gets the token
  std::string token_;
  const int timeout_seconds_;
  const std::atomic<bool>* const stop_;
  const std::shared_ptr<HttpTransport> transport_;
};

}  // namespace siglip
