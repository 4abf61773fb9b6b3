// See curl_transport.h. The only file that knows libcurl.
#include "hub/curl_transport.h"

#include <curl/curl.h>

#include <exception>
#include <new>
#include <optional>
#include <string_view>
#include <system_error>
#include <utility>

#include "base/atomic_file.h"
#include "hub/url.h"
#include "siglip/error.hpp"

namespace siglip {
namespace {

constexpr long kBufferBytes = 256L << 10;
constexpr size_t kMostHeaders = 200;
constexpr size_t kLongestHeader = size_t{16} << 10;

std::string_view WithoutSpace(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\n";
  const size_t begin = text.find_first_not_of(kSpace);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kSpace) + 1 - begin);
}

/// Failures of an open connection that may have passed a moment later.
bool MayPass(CURLcode code) {
  switch (code) {
    case CURLE_WEIRD_SERVER_REPLY:
    case CURLE_HTTP2:
    case CURLE_HTTP2_STREAM:
    case CURLE_HTTP3:
    case CURLE_PARTIAL_FILE:
    case CURLE_GOT_NOTHING:
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR: return true;
    default: return false;
  }
}

/// What one request needs while it runs, and what it brings.
struct Exchange {
  CURL* handle;
  const HttpTransport::BodySink& sink;
  const std::atomic<bool>* stop;
  HttpResponse response = {};
  std::exception_ptr failure = nullptr;  // thrown in a callback; libcurl cannot pass it on

  int Status() const {
    long status = 0;
    curl_easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &status);
    return static_cast<int>(status);
  }
};

size_t TakeHeader(const char* data, size_t size, size_t count, void* pointer) {
  auto& headers = static_cast<Exchange*>(pointer)->response.headers;
  const std::string_view line(data, size * count);
  if (line.starts_with("HTTP/")) {  // what came before belongs to an interim answer
    headers.clear();
    return line.size();
  }
  const size_t colon = line.find(':');
  if (colon == std::string_view::npos) return line.size();
  if (line.size() > kLongestHeader || headers.size() >= kMostHeaders) return 0;
  headers.emplace_back(line.substr(0, colon), WithoutSpace(line.substr(colon + 1)));
  return line.size();
}

size_t TakeBody(const char* data, size_t size, size_t count, void* pointer) {
  auto& exchange = *static_cast<Exchange*>(pointer);
  exchange.response.status = exchange.Status();
  try {
    exchange.sink(exchange.response, std::as_bytes(std::span(data, size * count)));
    return size * count;
  } catch (...) {
    exchange.failure = std::current_exception();
    return CURL_WRITEFUNC_ERROR;
  }
}

/// Called at least once a second, whatever happens; another answer than 0 ends the request.
int ReportProgress(void* pointer, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  const std::atomic<bool>* const stop = static_cast<const Exchange*>(pointer)->stop;
  return stop != nullptr && *stop ? 1 : 0;
}

/// Why a request brought no answer, and what can be done.
struct Explanation {
  std::string message;
  std::string hint;
  bool may_pass = false;
};

/// The handle after a request for `url` that failed. `detail` is libcurl's own text.
class FailedRequest {
 public:
  FailedRequest(CURL* handle, CURLcode code, const std::string& url, std::string detail)
      : handle_(handle), code_(code), detail_(std::move(detail)) {
    if (const std::optional<Url> parsed = ParseUrl(url)) {
      host_ = parsed->host;
      server_ = parsed->Server();
    }
    if (detail_.empty()) detail_ = curl_easy_strerror(code);
  }

  Explanation Explain() const {
    long proxy_status = 0;  // of an answer that refuses to lead on to the host
    curl_easy_getinfo(handle_, CURLINFO_HTTP_CONNECTCODE, &proxy_status);
    if (proxy_status >= 300) return ProxyRefuses(proxy_status);
    switch (code_) {
      case CURLE_COULDNT_RESOLVE_HOST: return NameNotResolved();
      case CURLE_COULDNT_RESOLVE_PROXY:
        return {"the name of the proxy cannot be resolved: " + detail_, kCheckProxy, true};
      case CURLE_COULDNT_CONNECT: return NotConnected();
      case CURLE_OPERATION_TIMEDOUT: return TimedOut();
      case CURLE_PROXY: return {"the proxy fails: " + detail_, kCheckProxy, true};
      case CURLE_PEER_FAILED_VERIFICATION:
      case CURLE_SSL_ISSUER_ERROR:
      case CURLE_SSL_CERTPROBLEM:
      case CURLE_SSL_CACERT_BADFILE:
        return {
            "the certificate of " + server_ + " is not trusted: " + detail_,
            "install ca-certificates and check the clock; where a proxy looks into connections, "
            "its certificate must be among the trusted ones",
            false};
      case CURLE_SSL_CONNECT_ERROR:
        return {"no secure connection to " + server_ + ": " + detail_, kCheckNetwork, true};
      default:
        return {"the connection to " + server_ + " failed: " + detail_, kCheckNetwork,
                MayPass(code_)};
    }
  }

 private:
  static constexpr const char* kCheckNetwork =
      "check the network, and https_proxy if a proxy is needed";
  static constexpr const char* kCheckProxy = "check https_proxy, http_proxy and no_proxy";
  static constexpr const char* kProxyPassword =
      "put name and password into https_proxy: http://NAME:PASSWORD@HOST:PORT";

  Explanation NameNotResolved() const {
    return {"the name of the host cannot be resolved: " + host_, kCheckNetwork, true};
  }

  Explanation NotConnected() const {
    // libcurl names whom it wanted to reach.
    if (detail_.find(" to ") != std::string::npos &&
        detail_.find(" to " + host_ + " ") == std::string::npos) {
      return {"cannot connect to the proxy for " + server_ + ": " + detail_, kCheckProxy, true};
    }
    long failure = 0;
    curl_easy_getinfo(handle_, CURLINFO_OS_ERRNO, &failure);
    const bool refused = code_ == CURLE_COULDNT_CONNECT && failure != 0;
    return {"cannot connect to " + server_ + ": " +
                (refused ? std::generic_category().message(static_cast<int>(failure)) : detail_),
            kCheckNetwork, true};
  }

  Explanation TimedOut() const {
    const auto has_passed = [this](CURLINFO step) {
      curl_off_t microseconds = 0;
      curl_easy_getinfo(handle_, step, &microseconds);
      return microseconds > 0;
    };
    if (!has_passed(CURLINFO_NAMELOOKUP_TIME_T)) return NameNotResolved();
    if (!has_passed(CURLINFO_PRETRANSFER_TIME_T)) return NotConnected();
    return {server_ + " is silent: " + detail_, kCheckNetwork, true};
  }

  Explanation ProxyRefuses(long status) const {
    return {"the proxy does not connect to " + server_ + ": HTTP status " + std::to_string(status),
            status == 407 ? kProxyPassword : kCheckProxy, status >= 500};
  }

  CURL* handle_;
  CURLcode code_;
  std::string detail_;
  std::string host_;
  std::string server_;  // with its port, where the URL has one
};

void InitialiseLibrary() {
  static const CURLcode code = curl_global_init(CURL_GLOBAL_DEFAULT);
  if (code != CURLE_OK) {
    throw Error(ErrorCode::kInternal, std::string("libcurl: ") + curl_easy_strerror(code));
  }
}

class CurlTransport final : public HttpTransport {
 public:
  CurlTransport() {
    InitialiseLibrary();
    handle_.reset(curl_easy_init());
    if (handle_ == nullptr) throw std::bad_alloc();
    Configure();
  }

  HttpResponse Send(const HttpRequest& request, const BodySink& sink) override {
    const List headers = ListOf(request.headers);
    Exchange exchange{handle_.get(), sink, request.stop};
    Prepare(request, headers.get(), exchange);
    const CURLcode code = curl_easy_perform(handle_.get());
    if (exchange.failure) std::rethrow_exception(exchange.failure);
    ThrowIfStopped(request.stop);
    if (code != CURLE_OK) {
      const Explanation explanation =
          FailedRequest(handle_.get(), code, request.url, detail_).Explain();
      const std::string message = WithoutQuery(request.url) + ": " + explanation.message;
      if (explanation.may_pass) throw TransientFailure(message, explanation.hint);
      throw Error(ErrorCode::kIo, message, explanation.hint);
    }
    exchange.response.status = exchange.Status();
    return std::move(exchange.response);
  }

 private:
  struct FreeHandle {
    void operator()(CURL* handle) const { curl_easy_cleanup(handle); }
  };
  struct FreeList {
    void operator()(curl_slist* list) const { curl_slist_free_all(list); }
  };
  using List = std::unique_ptr<curl_slist, FreeList>;

  static List ListOf(const HttpHeaders& headers) {
    List list;
    for (const auto& [name, value] : headers) {
      curl_slist* const longer = curl_slist_append(list.get(), (name + ": " + value).c_str());
      if (longer == nullptr) throw std::bad_alloc();
      static_cast<void>(list.release());  // is part of the longer list
      list.reset(longer);
    }
    return list;
  }

  template <typename Value>
  void Set(CURLoption option, Value value) {
    const CURLcode code = curl_easy_setopt(handle_.get(), option, value);
    if (code != CURLE_OK) {
      throw Error(ErrorCode::kInternal, std::string("libcurl: ") + curl_easy_strerror(code));
    }
  }

  /// What is the same for all requests. A handle may keep its buffer after a request that failed,
  /// and then refuses to change its size: it is set once.
  void Configure() {
    Set(CURLOPT_PROTOCOLS_STR, "http,https");
    Set(CURLOPT_FOLLOWLOCATION, 0L);
    Set(CURLOPT_SSL_VERIFYPEER, 1L);
    Set(CURLOPT_SSL_VERIFYHOST, 2L);
    Set(CURLOPT_BUFFERSIZE, kBufferBytes);
    Set(CURLOPT_NOSIGNAL, 1L);  // signals are the program's
    Set(CURLOPT_NOPROGRESS, 0L);
    Set(CURLOPT_HEADERFUNCTION, &TakeHeader);
    Set(CURLOPT_WRITEFUNCTION, &TakeBody);
    Set(CURLOPT_XFERINFOFUNCTION, &ReportProgress);
    Set(CURLOPT_ERRORBUFFER, detail_);
  }

  void Prepare(const HttpRequest& request, const curl_slist* headers, Exchange& exchange) {
    Set(CURLOPT_URL, request.url.c_str());
    Set(request.head ? CURLOPT_NOBODY : CURLOPT_HTTPGET, 1L);  // each ends the other
    Set(CURLOPT_HTTPHEADER, headers);
    Set(CURLOPT_CONNECTTIMEOUT, static_cast<long>(request.timeout_seconds));
    Set(CURLOPT_LOW_SPEED_LIMIT, 1L);  // bytes per second, for so many seconds:
    Set(CURLOPT_LOW_SPEED_TIME, static_cast<long>(request.timeout_seconds));
    Set(CURLOPT_HEADERDATA, &exchange);
    Set(CURLOPT_WRITEDATA, &exchange);
    Set(CURLOPT_XFERINFODATA, &exchange);
    detail_[0] = '\0';
  }

  char detail_[CURL_ERROR_SIZE] = {};  // libcurl's text about the last failure; outlives the handle
  // Kept from request to request, and with it the connections to servers.
  std::unique_ptr<CURL, FreeHandle> handle_;
};

}  // namespace

std::shared_ptr<HttpTransport> NewCurlTransport() { return std::make_shared<CurlTransport>(); }

}  // namespace siglip
