#include "server/http/http_socket.h"

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <utility>

namespace siglip::server {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;
using std::chrono::steady_clock;

constexpr auto kSocketAwait = asio::as_tuple(asio::use_awaitable);

}  // namespace

class HttpSocket::Implementation : public std::enable_shared_from_this<Implementation> {
 public:
  Implementation(asio::io_context& context, int socket)
      : socket_(context), deadline_(context), wake_(context), buffer_(kBufferBytes) {
    sockaddr_storage address = {};
    socklen_t size = sizeof(address);
    getsockname(socket, reinterpret_cast<sockaddr*>(&address), &size);
    socket_.assign(address.ss_family == AF_INET6 ? tcp::v6() : tcp::v4(), socket);
    error_code ignored;
    socket_.set_option(tcp::no_delay(true), ignored);
  }

  void SetDeadline(TimePoint deadline) {
    expired_ = deadline <= steady_clock::now();  // also where one is set again and again
    deadline_.expires_at(deadline);
    deadline_.async_wait([weak = weak_from_this()](error_code error) {
      const auto self = weak.lock();
      // It may have been moved on after this call was on its way.
      if (error || !self || self->deadline_.expiry() > steady_clock::now()) return;
      self->expired_ = true;
      error_code ignored;
      self->socket_.cancel(ignored);
      self->wake_.cancel();
    });
  }

  void ClearDeadline() {
    expired_ = false;
    deadline_.expires_at(TimePoint::max());
  }

  std::string_view unread() const {
    return {static_cast<const char*>(buffer_.data().data()), buffer_.size()};
  }

  void Consume(size_t bytes) { buffer_.consume(bytes); }

  void Shrink() {
    if (buffer_.size() == 0 && buffer_.capacity() > kFirstReadBytes) buffer_.shrink_to_fit();
  }

  Awaitable<Io> Read(size_t at_most) {
    if (expired_) co_return Io::kExpired;
    const size_t room = std::min(at_most, kBufferBytes - buffer_.size());
    const auto [error, bytes] =
        co_await socket_.async_read_some(buffer_.prepare(room), kSocketAwait);
    buffer_.commit(bytes);
    if (expired_) co_return Io::kExpired;
    co_return error ? Io::kClosed : Io::kDone;
  }

  Awaitable<Io> Write(std::string_view first, std::string_view second) {
    while (!first.empty() || !second.empty()) {
      if (expired_) co_return Io::kExpired;
      const std::array<asio::const_buffer, 2> parts = {asio::buffer(first), asio::buffer(second)};
      const auto [error, bytes] = co_await socket_.async_write_some(parts, kSocketAwait);
      written_ += bytes;
      const size_t of_first = std::min<size_t>(bytes, first.size());
      first.remove_prefix(of_first);
      second.remove_prefix(bytes - of_first);
      if (error) co_return expired_ ? Io::kExpired : Io::kClosed;
    }
    co_return Io::kDone;
  }

  uint64_t TakeWritten() { return std::exchange(written_, 0); }

  Awaitable<Io> WaitForWake() {
    // What was posted by a handler that answered at once comes first.
    if (!woken_) co_await asio::post(socket_.get_executor(), asio::use_awaitable);
    while (!woken_ && !closed_ && !expired_) {
      Watch();
      co_await Sleep();
    }
    if (watching_) {
      error_code ignored;
      socket_.cancel(ignored);
      while (watching_) co_await Sleep();
    }
    if (std::exchange(woken_, false)) co_return Io::kDone;
    co_return closed_ ? Io::kClosed : Io::kExpired;
  }

  void Wake() {
    woken_ = true;
    wake_.cancel();
  }

  bool HasMore() const {
    error_code ignored;
    return buffer_.size() > 0 || socket_.available(ignored) > 0;
  }

  void ShutdownSend() {
    error_code ignored;
    socket_.shutdown(tcp::socket::shutdown_send, ignored);
  }

  void Abort() {
    error_code ignored;
    socket_.set_option(asio::socket_base::linger(true, 0), ignored);
    Close();
  }

  void Close() {
    closed_ = true;
    error_code ignored;
    socket_.close(ignored);
    deadline_.cancel();
    wake_.cancel();
  }

 private:
  /// Until Wake(), the deadline, or the end of Watch().
  Awaitable<void> Sleep() {
    wake_.expires_at(TimePoint::max());
    co_await wake_.async_wait(kSocketAwait);
  }

  /// There is no other way to see the end than to read up to it.
  void Watch() {
    if (watching_ || buffer_.size() >= kBufferBytes) return;
    watching_ = true;
    const size_t room = std::min(kFirstReadBytes, kBufferBytes - buffer_.size());
    socket_.async_read_some(buffer_.prepare(room),
                            [self = shared_from_this()](error_code error, size_t bytes) {
                              self->watching_ = false;
                              self->buffer_.commit(bytes);
                              if (error && error != asio::error::operation_aborted) {
                                self->closed_ = true;
                              }
                              self->wake_.cancel();
                            });
  }

  tcp::socket socket_;
  asio::steady_timer deadline_;
  asio::steady_timer wake_;
  boost::beast::flat_buffer buffer_;
  uint64_t written_ = 0;
  bool expired_ = false;
  bool woken_ = false;
  bool closed_ = false;
  bool watching_ = false;
};

HttpSocket::HttpSocket(asio::io_context& context, int socket)
    : implementation_(std::make_shared<Implementation>(context, socket)) {}

HttpSocket::~HttpSocket() { implementation_->Close(); }

void HttpSocket::SetDeadline(TimePoint deadline) { implementation_->SetDeadline(deadline); }
void HttpSocket::ClearDeadline() { implementation_->ClearDeadline(); }
std::string_view HttpSocket::unread() const { return implementation_->unread(); }
void HttpSocket::Consume(size_t bytes) { implementation_->Consume(bytes); }
void HttpSocket::Shrink() { implementation_->Shrink(); }
Awaitable<Io> HttpSocket::Read(size_t at_most) { return implementation_->Read(at_most); }

Awaitable<Io> HttpSocket::Write(std::string_view first, std::string_view second) {
  return implementation_->Write(first, second);
}

uint64_t HttpSocket::TakeWritten() { return implementation_->TakeWritten(); }
Awaitable<Io> HttpSocket::WaitForWake() { return implementation_->WaitForWake(); }
void HttpSocket::Wake() { implementation_->Wake(); }
bool HttpSocket::HasMore() const { return implementation_->HasMore(); }
void HttpSocket::ShutdownSend() { implementation_->ShutdownSend(); }
void HttpSocket::Close() { implementation_->Close(); }
void HttpSocket::Abort() { implementation_->Abort(); }

}  // namespace siglip::server
