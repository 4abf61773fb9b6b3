// See hub_client.h.
#include "hub/hub_client.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <string_view>
#include <utility>

#include "base/atomic_file.h"
#include "hub/checksum.h"
#include "hub/curl_transport.h"
#include "hub/hub_environment.h"
#include "hub/url.h"
#include "siglip/error.hpp"
#include "siglip/runtime.hpp"

namespace siglip {
namespace {

constexpr int kMostRedirects = 10;

std::string CheckedEndpoint() {
  if (HubIsOffline()) {
    throw Error(ErrorCode::kIo, "nothing is downloaded while HF_HUB_OFFLINE is set",
                "unset it, and TRANSFORMERS_OFFLINE, or use what is in the cache");
  }
  return HubEndpoint();
}

bool Succeeded(const HttpResponse& response) {
  return response.status >= 200 && response.status <= 299;
}

/// `name` is in lower case. The last of several headers counts; empty if there is none.
std::string HeaderOf(const HttpResponse& response, std::string_view name) {
  const auto is_name = [name](std::string_view other) {
    return std::ranges::equal(other, name, [](char a, char b) {
      return (a >= 'A' && a <= 'Z' ? static_cast<char>(a - 'A' + 'a') : a) == b;
    });
  };
  std::string found;
  for (const auto& [other, value] : response.headers) {
    if (is_name(other)) found = value;
  }
  return found;
}

bool IsRedirect(const HttpResponse& response) {
  return response.status >= 301 && response.status <= 308 && response.status != 304 &&
         !HeaderOf(response, "location").empty();
}

/// A text of the server for a message: not too much of it.
std::string Shortened(const std::string& text) { return text.substr(0, 200); }

std::optional<uint64_t> ParseCount(std::string_view text) {
  uint64_t count = 0;
  const auto [end, status] = std::from_chars(text.data(), text.data() + text.size(), count);
  if (status != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return count;
}

/// W/"abc" or "abc" -> abc
std::string WithoutQuotes(std::string_view etag) {
  if (etag.starts_with("W/")) etag.remove_prefix(2);
  if (etag.size() >= 2 && etag.starts_with('"') && etag.ends_with('"')) {
    etag = etag.substr(1, etag.size() - 2);
  }
  return std::string(etag);
}

/// Where in the file the body of a partial answer begins: "bytes 100-199/200" -> 100.
std::optional<uint64_t> ParseRangeBegin(std::string_view range) {
  constexpr std::string_view kUnit = "bytes ";
  if (!range.starts_with(kUnit)) return std::nullopt;
  range.remove_prefix(kUnit.size());
  return ParseCount(range.substr(0, range.find('-')));
}

}  // namespace

HubClient::HubClient(std::shared_ptr<HttpTransport> transport, const std::atomic<bool>* stop)
    : endpoint_(CheckedEndpoint()),
      origin_(OriginOf(endpoint_)),
      token_(HubToken()),
      timeout_seconds_(HubTimeoutSeconds()),
      stop_(stop),
      transport_(transport != nullptr ? std::move(transport) : NewCurlTransport()) {}

RepositoryListing HubClient::List(const HubName& name) {
  const std::string url =
      endpoint_ + "/api/models/" + name.repository + "/revision/" + PercentEncoded(name.revision);
  std::string body;
  const Answer answer = Send(
      RequestFor(url), Redirects::kAll, [&](const HttpResponse&, std::span<const std::byte> bytes) {
        if (body.size() + bytes.size() > kMaxListingBytes) {
          throw Error(ErrorCode::kLimitExceeded, url + ": the answer is longer than " +
                                                     std::to_string(kMaxListingBytes) + " bytes");
        }
        body.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
      });
  RequireSuccess(answer, name);
  return ParseListing(body, url);
}

FileMetadata HubClient::Describe(const HubName& name, const std::string& commit,
                                 const std::string& file) {
  const std::string url = FileUrl(name, commit, file);
  HttpRequest request = RequestFor(url);
  request.head = true;
  const Answer answer = Send(std::move(request), Redirects::kToStorageNot,
                             [](const HttpResponse&, std::span<const std::byte>) {});
  const HttpResponse& response = answer.response;
  if (!IsRedirect(response)) RequireSuccess(answer, name);

  if (HeaderOf(response, "x-repo-commit") != commit) {
    throw Error(ErrorCode::kMismatch,
                url + ": header X-Repo-Commit: expected " + commit + ", found '" +
                    Shortened(HeaderOf(response, "x-repo-commit")) + "'",
                "HF_ENDPOINT must name a Hugging Face hub, and proxies must pass its headers on");
  }
  const auto either = [&](const char* of_storage, const char* of_answer) {
    const std::string value = HeaderOf(response, of_storage);
    return value.empty() ? HeaderOf(response, of_answer) : value;
  };
  const std::string etag = WithoutQuotes(either("x-linked-etag", "etag"));
  if (!IsChecksum(etag)) {
    throw Error(ErrorCode::kUnsupported,
                url + ": header ETag: expected a SHA-1 or SHA-256, found '" + Shortened(etag) + "'",
                "without a checksum the file cannot be trusted");
  }
  const std::string size = either("x-linked-size", "content-length");
  const std::optional<uint64_t> bytes = ParseCount(size);
  if (!bytes) {
    throw Error(ErrorCode::kMalformedFile,
                url + ": header Content-Length: expected bytes, found '" + Shortened(size) + "'");
  }
  return {etag, *bytes};
}

void HubClient::Fetch(const HubName& name, const std::string& commit, const std::string& file,
                      uint64_t offset, const FileSink& sink) {
  HttpRequest request = RequestFor(FileUrl(name, commit, file));
  if (offset > 0) request.headers.emplace_back("Range", "bytes=" + std::to_string(offset) + "-");
  uint64_t position = 0;
  bool begun = false;
  const Answer answer =
      Send(request, Redirects::kAll,
           [&](const HttpResponse& response, std::span<const std::byte> bytes) {
             if (!begun && response.status == 206) {
               const std::string range = HeaderOf(response, "content-range");
               if (ParseRangeBegin(range) != offset) {
                 throw Error(ErrorCode::kMismatch,
                             request.url + ": header Content-Range: expected " + "bytes from " +
                                 std::to_string(offset) + " on, found '" + Shortened(range) + "'");
               }
               position = offset;
             }
             begun = true;
             sink(position, bytes);
             position += bytes.size();
           });
  if (offset > 0 && answer.response.status == 416) {
    sink(0, {});  // the server's file is not that long: what is here is none of it
    return;
  }
  RequireSuccess(answer, name);
}

std::string HubClient::FileUrl(const HubName& name, const std::string& commit,
                               const std::string& file) const {
  return endpoint_ + "/" + name.repository + "/resolve/" + commit + "/" + PercentEncoded(file);
}

HttpRequest HubClient::RequestFor(const std::string& url) const {
  return {.url = url,
          .headers = {{"User-Agent", "siglip/" + std::string(Version())},
                      {"Accept-Encoding", "identity"}},  // sizes and checksums are of this
          .timeout_seconds = timeout_seconds_,
          .stop = stop_};
}

HubClient::Answer HubClient::Send(HttpRequest request, Redirects redirects,
                                  const HttpTransport::BodySink& sink) {
  const auto take = [&](const HttpResponse& head, std::span<const std::byte> bytes) {
    ThrowIfStopped(stop_);
    if (Succeeded(head)) sink(head, bytes);
  };
  const HttpHeaders headers = request.headers;
  for (int i = 0; i <= kMostRedirects; ++i) {
    const std::string origin = OriginOf(request.url);
    request.headers = headers;
    if (!token_.empty() && origin == origin_) {
      request.headers.emplace_back("Authorization", "Bearer " + token_);
    }
    ThrowIfStopped(stop_);
    HttpResponse response = transport_->Send(request, take);
    // The redirect to the storage of large files has everything there is to know about them.
    const bool to_storage = !HeaderOf(response, "x-linked-etag").empty();
    if (!IsRedirect(response) || (redirects == Redirects::kToStorageNot && to_storage)) {
      return {std::move(response), origin == origin_, WithoutQuery(request.url)};
    }
    const std::string location = ResolveLocation(request.url, HeaderOf(response, "location"));
    if (origin.starts_with("https:") && !OriginOf(location).starts_with("https:")) {
      throw Error(ErrorCode::kIo, WithoutQuery(request.url) + ": redirects to " +
                                      WithoutQuery(location) + ", a connection that is not secure");
    }
    request.url = location;
  }
  throw Error(ErrorCode::kIo, WithoutQuery(request.url) + ": more than " +
                                  std::to_string(kMostRedirects) + " redirects");
}

void HubClient::RequireSuccess(const Answer& answer, const HubName& name) const {
  const HttpResponse& response = answer.response;
  if (Succeeded(response)) return;
  // Only the hub itself can mean the model; the storage may have its own reasons.
  const std::string code = answer.of_hub ? HeaderOf(response, "x-error-code") : "EntryNotFound";
  const std::string shown = name.ToString();
  const std::string explanation = HeaderOf(response, "x-error-message");
  const std::string message = answer.url + ": HTTP status " + std::to_string(response.status) +
                              (explanation.empty() ? "" : ": " + Shortened(explanation));
  switch (response.status) {
    case 408:
    case 500:
    case 502:
    case 503:
    case 504: throw TransientFailure(message);
    case 429:
      throw TransientFailure(message, token_.empty() ? "HF_TOKEN raises the number of requests"
                                                     : "wait, or download less at once");
    case 401:
    case 403: ThrowNoAccess(answer, name, code, message);
    case 404:
      if (code == "RevisionNotFound") {
        throw Error(ErrorCode::kNotFound,
                    name.repository + ": has no revision '" + name.revision + "'",
                    endpoint_ + "/" + name.repository + "/tree/main lists them");
      }
      if (code != "EntryNotFound") {
        throw Error(ErrorCode::kNotFound, shown + ": " + endpoint_ + " has no such model",
                    "check the name, and HF_ENDPOINT if it is set; " + endpoint_ +
                        "/models lists what there is");
      }
      throw Error(ErrorCode::kIo, message, "the file may just have been removed; try again");
    case 407:
      throw Error(ErrorCode::kIo, message,
                  "the proxy wants name and password: http://NAME:PASSWORD@HOST:PORT");
    default: throw Error(ErrorCode::kIo, message);
  }
}

void HubClient::ThrowNoAccess(const Answer& answer, const HubName& name, const std::string& code,
                              const std::string& message) const {
  const std::string shown = name.ToString();
  const bool unauthorised = answer.response.status == 401;
  const std::string other_account =
      token_.empty() ? "set HF_TOKEN to a token of it" : "the token in use must be of that account";
  if (code == "GatedRepo") {
    throw Error(ErrorCode::kIo, shown + ": access to this model must be granted",
                "accept its terms at " + endpoint_ + "/" + name.repository +
                    " with an account, and " + other_account);
  }
  if (code == "RepoNotFound" || (answer.of_hub && unauthorised && token_.empty())) {
    throw Error(ErrorCode::kNotFound,
                shown + ": " + endpoint_ + " has no such model, or keeps it private",
                "check the name; if an account has access to it, " + other_account);
  }
  if (answer.of_hub && unauthorised) {
    throw Error(ErrorCode::kIo, shown + ": " + endpoint_ + " does not accept the access token",
                "check HF_TOKEN, or the token file if that is not set");
  }
  throw Error(
      ErrorCode::kIo, message,
      answer.of_hub && !token_.empty()
          ? "the token must be allowed to read this model: see " + endpoint_ + "/settings/tokens"
          : "the server, a firewall or a proxy keeps you out");
}

}  // namespace siglip
