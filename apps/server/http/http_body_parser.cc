#include "server/http/http_body_parser.h"

#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/beast/http/buffer_body.hpp>
#include <boost/beast/http/parser.hpp>

#include "server/http/header_scan.h"

namespace siglip::server {

namespace http = boost::beast::http;

class HttpBodyParser::Implementation {
 public:
  Implementation() {
    parser_.header_limit(kMaxHeaderBytes);
    parser_.body_limit(boost::none);
  }

  bool Begin(std::string_view header) {
    boost::system::error_code error;
    const size_t used = parser_.put(boost::asio::buffer(header), error);
    return !error && used == header.size() && parser_.is_header_done();
  }

  Result Parse(std::string_view& bytes, const std::function<bool(std::string_view)>& take) {
    std::array<char, 16 << 10> piece;
    while (!parser_.is_done()) {
      if (bytes.size() < LeastThatFollows()) return Result::kMore;
      auto& body = parser_.get().body();
      body.data = piece.data();
      body.size = piece.size();
      boost::system::error_code error;
      const size_t used = parser_.put(boost::asio::buffer(bytes), error);
      const bool waits = error == http::error::need_more || (!error && used == 0);
      if (waits && bytes.size() >= kMaxHeaderBytes) return Result::kBroken;
      bytes.remove_prefix(used);
      const size_t made = piece.size() - body.size;
      if (made > 0 && !take({piece.data(), made})) return Result::kStopped;
      if (waits) return Result::kMore;
      if (error && error != http::error::need_buffer) return Result::kBroken;
    }
    return Result::kWhole;
  }

  bool is_whole() const { return parser_.is_done(); }

 private:
  /// Chunks end with "0 CRLF CRLF" at least; Beast asserts that it gets that many bytes at once.
  size_t LeastThatFollows() const { return parser_.chunked() ? 5 : 1; }

  http::request_parser<http::buffer_body> parser_;
};

HttpBodyParser::HttpBodyParser() = default;
HttpBodyParser::~HttpBodyParser() = default;
HttpBodyParser::HttpBodyParser(HttpBodyParser&&) noexcept = default;
HttpBodyParser& HttpBodyParser::operator=(HttpBodyParser&&) noexcept = default;

bool HttpBodyParser::Begin(std::string_view header) {
  implementation_ = std::make_unique<Implementation>();
  return implementation_->Begin(header);
}

HttpBodyParser::Result HttpBodyParser::Parse(
    std::string_view& bytes, const std::function<bool(std::string_view piece)>& take) {
  return implementation_ ? implementation_->Parse(bytes, take) : Result::kWhole;
}

bool HttpBodyParser::is_whole() const { return !implementation_ || implementation_->is_whole(); }

}  // namespace siglip::server
