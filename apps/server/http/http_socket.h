// The socket of one client: reading, writing and waiting, each up to one absolute deadline.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

namespace boost::asio {
class any_io_executor;
class io_context;
template <typename Value, typename Executor>
class awaitable;
}  // namespace boost::asio

namespace siglip::server {

template <typename Value>
using Awaitable = boost::asio::awaitable<Value, boost::asio::any_io_executor>;

/// How an operation ended.
enum class Io { kDone, kClosed, kExpired };

/// Network thread only. One coroutine uses it; others may call Wake() and Close().
class HttpSocket {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;

  static constexpr size_t kBufferBytes = 16 << 10;    ///< Room for what was read and not consumed.
  static constexpr size_t kFirstReadBytes = 4 << 10;  ///< Of a request; idle, no more is kept.

  /// Takes over an open socket. Throws when there is no memory; then it is still the caller's.
  HttpSocket(boost::asio::io_context& context, int socket);
  ~HttpSocket();

  /// For everything from now on; nothing ends before it is set again or cleared. When it passes,
  /// the operation that waits and all further ones return kExpired.
  void SetDeadline(TimePoint deadline);
  void ClearDeadline();

  /// What was read and not consumed.
  std::string_view unread() const;
  void Consume(size_t bytes);

  /// Gives back memory that an idle connection does not need.
  void Shrink();

  /// Waits for more bytes and appends up to `at_most` of them to unread(), which must not be full.
  Awaitable<Io> Read(size_t at_most = kBufferBytes);

  /// Writes all of both, which must live until then.
  Awaitable<Io> Write(std::string_view first, std::string_view second = {});

  /// Bytes written since the last call.
  uint64_t TakeWritten();

  /// Waits for a Wake(), which may have been before; kClosed if the client leaves meanwhile. For
  /// that it reads ahead, as long as unread() has room.
  Awaitable<Io> WaitForWake();
  void Wake();

  /// Whether something has come that was not consumed. Closing now could destroy what is still on
  /// its way to the client.
  bool HasMore() const;

  /// Tells the client that nothing follows.
  void ShutdownSend();

  /// Ends every wait, with kClosed.
  void Close();

  /// The same, and the system forgets what it still holds for a client that does not read.
  void Abort();

 private:
  class Implementation;
  const std::shared_ptr<Implementation> implementation_;
};

}  // namespace siglip::server
