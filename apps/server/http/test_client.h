// A client of few words, for tests: sends bytes as they are and reads what comes.
#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <string>
#include <string_view>

namespace siglip::server {

struct ClientReply {
  int status = 0;  ///< 0: the connection ended, or nothing came in time.
  std::string head;
  std::string body;

  /// The value of a field, "" if there is none.
  std::string Field(const std::string& name) const {
    const size_t start = head.find("\r\n" + name + ": ");
    if (start == head.npos) return "";
    const size_t value = start + name.size() + 4;
    return head.substr(value, head.find("\r\n", value) - value);
  }
};

class TestClient {
 public:
  /// `receive_buffer`: bytes that the system may hold for a client that does not read; 0: as it
  /// likes.
  explicit TestClient(uint16_t port, int receive_buffer = 0,
                      const std::string& address = "127.0.0.1")
      : socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
    if (receive_buffer > 0) {
      setsockopt(socket_, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof(receive_buffer));
    }
    const timeval patience = {10, 0};  // longer than any deadline of the tests
    setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    setsockopt(socket_, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
    sockaddr_in to = {};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    inet_pton(AF_INET, address.c_str(), &to.sin_addr);
    is_connected_ = connect(socket_, reinterpret_cast<sockaddr*>(&to), sizeof(to)) == 0;
  }
  ~TestClient() { Close(); }
  TestClient(const TestClient&) = delete;
  TestClient& operator=(const TestClient&) = delete;

  bool is_connected() const { return is_connected_; }

  /// False if the connection is gone.
  bool Send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t sent = send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return false;
      bytes.remove_prefix(sent);
    }
    return true;
  }

  /// One reply; of a HEAD request `without_body`. The head of an interim reply (100) is a reply of
  /// its own.
  ClientReply Read(bool without_body = false) {
    ClientReply reply;
    size_t end;
    while ((end = received_.find("\r\n\r\n")) == received_.npos) {
      if (!Receive()) return reply;
    }
    reply.head = received_.substr(0, end + 2);
    received_.erase(0, end + 4);
    const std::string length = reply.Field("content-length");
    const size_t size = length.empty() || without_body ? 0 : std::stoull(length);
    while (received_.size() < size && Receive()) {
    }
    reply.body = received_.substr(0, size);
    received_.erase(0, std::min(size, received_.size()));
    reply.status = std::stoi(reply.head.substr(9, 3));
    return reply;
  }

  /// Sends and reads the reply.
  ClientReply Ask(std::string_view bytes) {
    Send(bytes);
    return Read();
  }

  /// True if the connection ends, without another byte.
  bool IsClosed() { return received_.empty() && !Receive() && !timed_out_; }

  /// Tells the other side by a reset, not an orderly end.
  void Reset() {
    const linger at_once = {1, 0};
    setsockopt(socket_, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
    Close();
  }

  void Close() {
    if (socket_ >= 0) close(socket_);
    socket_ = -1;
  }

 private:
  bool Receive() {
    char bytes[65536];
    const ssize_t count = recv(socket_, bytes, sizeof(bytes), 0);
    timed_out_ = count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
    if (count <= 0) return false;
    received_.append(bytes, count);
    return true;
  }

  int socket_;
  bool is_connected_ = false;
  bool timed_out_ = false;
  std::string received_;
};

}  // namespace siglip::server
