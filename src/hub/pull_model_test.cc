// PullModel through a transport in memory: redirects, what breaks off, what passes, what does not.
// The same against a server, with libcurl, is tests/cli/test_pull.py.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <iterator>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "expect_error.h"
#include "scratch_folder.h"
#include "siglip/error.hpp"
#include "siglip/hub.hpp"

namespace siglip {
namespace {

const std::string kCommit(40, 'c');
const std::string kConfiguration = "{}";
const std::string kConfigurationEtag =
    "9e26dfeeb6e641a33dae4961196235bdb965b21b";  // git hash-object
const std::string kWeights(1000, 'a');
const std::string kWeightsEtag =  // sha256sum
    "41edece42d63e8d9bf515a9ba6932e1c20cbc9f5a5d134645adb5db1b9737ea3";

const std::string kHub = "https://hub.example";
const std::string kListUrl = kHub + "/api/models/acme/tiny/revision/main";
const std::string kConfigurationUrl = kHub + "/acme/tiny/resolve/" + kCommit + "/config.json";
const std::string kWeightsUrl = kHub + "/acme/tiny/resolve/" + kCommit + "/model.safetensors";
const std::string kStorageUrl = "https://storage.example/blobs/weights?signature=secret";

std::string Header(const HttpRequest& request, const std::string& name) {
  for (const auto& [other, value] : request.headers) {
    if (other == name) return value;
  }
  return {};
}

struct Answer {
  HttpResponse head;
  std::string body;
};

/// A hub and its storage. Every request is recorded.
class FakeTransport : public HttpTransport {
 public:
  using Handler = std::function<Answer(const HttpRequest&)>;

  FakeTransport() {
    handlers[kListUrl] = [](const HttpRequest&) {
      return Answer{{200, {}},
                    R"({"sha": ")" + kCommit + R"(", "siblings": [{"rfilename": "config.json"},
                     {"rfilename": "model.safetensors"}, {"rfilename": "README.md"}]})"};
    };
    handlers[kConfigurationUrl] = [](const HttpRequest&) {
      return Answer{{200,
                     {{"ETag", '"' + kConfigurationEtag + '"'},
                      {"x-repo-commit", kCommit},
                      {"CONTENT-LENGTH", "2"}}},
                    kConfiguration};
    };
    handlers[kWeightsUrl] = [](const HttpRequest&) {
      return Answer{{302,
                     {{"X-Linked-Etag", '"' + kWeightsEtag + '"'},
                      {"X-Linked-Size", "1000"},
                      {"X-Repo-Commit", kCommit},
                      {"Location", kStorageUrl}}},
                    "Found. Redirecting"};
    };
    handlers[kStorageUrl] = [](const HttpRequest& request) {
      const std::string range = Header(request, "Range");
      if (range.empty()) return Answer{{200, {}}, kWeights};
      const size_t begin = std::stoul(range.substr(range.find('=') + 1));
      return Answer{{206, {{"Content-Range", "bytes " + std::to_string(begin) + "-999/1000"}}},
                    kWeights.substr(begin)};
    };
  }

  HttpResponse Send(const HttpRequest& request, const BodySink& sink) override {
    requests.push_back(request);
    const auto handler = handlers.find(request.url);
    if (handler == handlers.end()) return {404, {{"X-Error-Code", "EntryNotFound"}}};
    const Answer answer = handler->second(request);
    if (request.head) return answer.head;
    for (size_t begin = 0; begin < answer.body.size(); begin += kPiece) {
      sink(
          answer.head,
          std::as_bytes(
              std::span(answer.body).subspan(begin, std::min(kPiece, answer.body.size() - begin))));
      if (after_piece) after_piece(request);
    }
    return answer.head;
  }

  /// The requests for a URL, HEAD or GET.
  std::vector<HttpRequest> Requests(const std::string& url, bool head) const {
    std::vector<HttpRequest> found;
    std::ranges::copy_if(requests, std::back_inserter(found), [&](const HttpRequest& request) {
      return request.url == url && request.head == head;
    });
    return found;
  }

  static constexpr size_t kPiece = 300;
  std::map<std::string, Handler> handlers;  // by URL
  std::function<void(const HttpRequest&)> after_piece;
  std::vector<HttpRequest> requests;
};

class PullModelTest : public testing::Test {
 protected:
  PullModelTest() {
    for (const auto& [name, value] : std::map<std::string, std::optional<std::string>>{
             {"HF_HUB_CACHE", scratch_.path().string()},
             {"HF_ENDPOINT", kHub},
             {"HF_TOKEN", "hf_secret"},
             {"HF_HUB_DOWNLOAD_TIMEOUT", "7"},
             {"HF_HUB_OFFLINE", std::nullopt},
             {"TRANSFORMERS_OFFLINE", std::nullopt}}) {
      const char* const before = std::getenv(name.c_str());
      before_[name] = before == nullptr ? std::nullopt : std::optional<std::string>(before);
      Set(name, value);
    }
  }
  ~PullModelTest() override {
    for (const auto& [name, value] : before_) Set(name, value);
  }

  static void Set(const std::string& name, const std::optional<std::string>& value) {
    if (value) {
      ::setenv(name.c_str(), value->c_str(), 1);
    } else {
      ::unsetenv(name.c_str());
    }
  }

  std::filesystem::path Pull() {
    return PullModel("acme/tiny", {.stop = &stop_, .transport = hub_});
  }

  std::filesystem::path Model() const { return scratch_.path() / "models--acme--tiny"; }
  std::filesystem::path Partial() const {
    return Model() / "blobs" / (kWeightsEtag + ".incomplete");
  }

  static std::string Contents(const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }

  void ExpectWhole() {
    const std::filesystem::path snapshot = Model() / "snapshots" / kCommit;
    EXPECT_EQ(Contents(snapshot / "config.json"), kConfiguration);
    EXPECT_EQ(Contents(snapshot / "model.safetensors"), kWeights);
    EXPECT_EQ(Contents(Model() / "refs" / "main"), kCommit);
    EXPECT_FALSE(std::filesystem::exists(Partial()));
    EXPECT_EQ(ResolveModel("acme/tiny"), snapshot);
  }

  /// What of the weights was asked for, in order: values of the header Range.
  std::vector<std::string> Ranges() const {
    std::vector<std::string> ranges;
    for (const HttpRequest& request : hub_->Requests(kStorageUrl, false)) {
      ranges.push_back(Header(request, "Range"));
    }
    return ranges;
  }

  const ScratchFolder scratch_;
  const std::shared_ptr<FakeTransport> hub_ = std::make_shared<FakeTransport>();
  std::atomic<bool> stop_ = false;

 private:
  std::map<std::string, std::optional<std::string>> before_;
};

using Texts = std::vector<std::string>;

TEST_F(PullModelTest, TheModelIsInTheCacheAfterwards) {
  EXPECT_EQ(Pull(), Model() / "snapshots" / kCommit);
  ExpectWhole();
  EXPECT_EQ(hub_->requests.size(), 6u);  // the list, two HEAD, and 1 + 2 GET
  hub_->requests.clear();
  Pull();
  EXPECT_EQ(hub_->requests.size(), 3u);
}

TEST_F(PullModelTest, RequestsSayAllThatATransportMustKnow) {
  Pull();
  for (const HttpRequest& request : hub_->requests) {
    EXPECT_EQ(request.timeout_seconds, 7);
    EXPECT_EQ(request.stop, &stop_);
    EXPECT_EQ(Header(request, "Accept-Encoding"), "identity");
    EXPECT_TRUE(Header(request, "User-Agent").starts_with("siglip/"));
    // The token is for the hub and nobody else.
    EXPECT_EQ(Header(request, "Authorization"),
              request.url.starts_with(kHub) ? "Bearer hf_secret" : "")
        << request.url;
  }
  EXPECT_EQ(hub_->Requests(kStorageUrl, false).size(), 1u);
}

TEST_F(PullModelTest, RelativeRedirects) {
  const FakeTransport::Handler direct = hub_->handlers[kConfigurationUrl];
  hub_->handlers[kHub + "/acme/moved/config.json"] = direct;
  hub_->handlers[kConfigurationUrl] = [](const HttpRequest&) {
    return Answer{{307, {{"location", "../../.././moved/config.json#fragment"}}}, "moved"};
  };
  Pull();
  ExpectWhole();
  EXPECT_EQ(hub_->Requests(kHub + "/acme/moved/config.json", false).size(), 1u);
}

TEST_F(PullModelTest, RedirectsThatAreRefused) {
  for (const auto& [location, told] :
       std::map<std::string, std::string>{{"http://storage.example/weights", "not secure"},
                                          {"file:///etc/passwd", "http or https URL"},
                                          {"https://storage.example/a b", "http or https URL"}}) {
    hub_->handlers[kConfigurationUrl] = [url = location](const HttpRequest&) {
      return Answer{{302, {{"Location", url}}}, ""};
    };
    try {
      Pull();
      ADD_FAILURE() << location;
    } catch (const Error& error) {
      EXPECT_NE(error.message().find(told), std::string::npos) << error.what();
    }
  }
  hub_->handlers[kConfigurationUrl] = [](const HttpRequest&) {
    return Answer{{302, {{"Location", "?"}}}, ""};
  };
  hub_->handlers[kConfigurationUrl + "?"] = hub_->handlers[kConfigurationUrl];
  ExpectError(ErrorCode::kIo, {"more than 10 redirects"}, [&] { Pull(); });
}

TEST_F(PullModelTest, ABodyThatBreaksOffIsContinued) {
  hub_->after_piece = [&](const HttpRequest& request) {
    if (request.url != kStorageUrl) return;
    hub_->after_piece = {};
    throw TransientFailure("broken off");
  };
  Pull();
  ExpectWhole();
  EXPECT_EQ(Ranges(), (Texts{"", "bytes=300-"}));
}

TEST_F(PullModelTest, FailuresThatPass) {
  const auto fail_once = [&](const std::string& url, const std::function<Answer()>& failure) {
    hub_->handlers[url] = [failure, then = hub_->handlers[url],
                           failed = false](const HttpRequest& request) mutable {
      return std::exchange(failed, true) ? then(request) : failure();
    };
  };
  fail_once(kListUrl, []() -> Answer { throw TransientFailure("no such host"); });
  fail_once(kConfigurationUrl, [] { return Answer{{503, {}}, "not now"}; });
  Pull();
  ExpectWhole();
  EXPECT_EQ(hub_->requests.size(), 8u);
}

TEST_F(PullModelTest, FailuresThatStay) {
  hub_->handlers[kListUrl] = [](const HttpRequest&) -> Answer {
    throw Error(ErrorCode::kIo, "the certificate is not trusted", "check the clock");
  };
  ExpectError(ErrorCode::kIo, {"the certificate is not trusted (check the clock)"},
              [&] { Pull(); });
  EXPECT_EQ(hub_->requests.size(), 1u);
  // What is no failure of this library's is passed on.
  hub_->handlers[kListUrl] = [](const HttpRequest&) -> Answer { throw std::logic_error("a bug"); };
  EXPECT_THROW(Pull(), std::logic_error);
  EXPECT_EQ(hub_->requests.size(), 2u);
}

TEST_F(PullModelTest, WrongBytesAreNeverKept) {
  hub_->handlers[kStorageUrl] = [](const HttpRequest&) {
    return Answer{{200, {}}, kWeights.substr(1) + 'b'};
  };
  ExpectError(ErrorCode::kMismatch, {"model.safetensors: expected the checksum " + kWeightsEtag},
              [&] { Pull(); });
  EXPECT_FALSE(std::filesystem::exists(Model() / "refs"));
  EXPECT_FALSE(std::filesystem::exists(Model() / "blobs" / kWeightsEtag));
  hub_->handlers[kStorageUrl] = [](const HttpRequest&) {
    return Answer{{200, {}}, kWeights + 'a'};
  };
  ExpectError(ErrorCode::kMismatch, {"expected 1000 bytes, found more"}, [&] { Pull(); });
}

TEST_F(PullModelTest, BodiesOfOtherAnswersAreDropped) {
  hub_->handlers[kStorageUrl] = [](const HttpRequest&) { return Answer{{403, {}}, kWeights}; };
  ExpectError(ErrorCode::kIo, {"HTTP status 403"}, [&] { Pull(); });
  EXPECT_EQ(Contents(Partial()), "");
}

// The transport looks at the flag no more than this one does.
TEST_F(PullModelTest, StoppedAndContinued) {
  hub_->after_piece = [&](const HttpRequest& request) { stop_ = request.url == kStorageUrl; };
  ExpectError(ErrorCode::kCancelled, {"interrupted"}, [&] { Pull(); });
  EXPECT_EQ(Contents(Partial()), kWeights.substr(0, 300));
  hub_->requests.clear();
  ExpectError(ErrorCode::kCancelled, {"interrupted"}, [&] { Pull(); });
  EXPECT_TRUE(hub_->requests.empty());

  stop_ = false;
  hub_->after_piece = {};
  Pull();
  ExpectWhole();
  EXPECT_EQ(Ranges(), (Texts{"bytes=300-"}));
}

TEST_F(PullModelTest, StoppedWhileItWaits) {
  hub_->handlers[kListUrl] = [&](const HttpRequest&) -> Answer {
    stop_ = true;
    throw TransientFailure("silence");
  };
  ExpectError(ErrorCode::kCancelled, {"interrupted"}, [&] { Pull(); });
  EXPECT_EQ(hub_->requests.size(), 1u);
}

TEST_F(PullModelTest, EndpointsThatAreNone) {
  for (const char* endpoint : {"hub.example", "file:///tmp", "https://", "https://hub.example?a",
                               "https://hub.example/#", "https://hub example"}) {
    Set("HF_ENDPOINT", endpoint);
    ExpectError(ErrorCode::kInvalidArgument, {"HF_ENDPOINT", endpoint}, [&] { Pull(); });
  }
  EXPECT_TRUE(hub_->requests.empty());
}

}  // namespace
}  // namespace siglip
