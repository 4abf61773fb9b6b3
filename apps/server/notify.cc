#include "server/notify.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

namespace siglip::server {
namespace {

std::optional<uint64_t> NumberOf(const char* variable) {
  const char* const value = std::getenv(variable);
  if (value == nullptr) return std::nullopt;
  const std::string_view text = value;
  uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.begin(), text.end(), number);
  if (error != std::errc() || end != text.end()) return std::nullopt;
  return number;
}

}  // namespace

void Notify(std::string_view state) {
  const char* const named = std::getenv("NOTIFY_SOCKET");
  if (named == nullptr) return;
  std::string name = named;
  sockaddr_un address = {};
  if (name.empty() || name.size() >= sizeof address.sun_path) return;
  address.sun_family = AF_UNIX;
  name.copy(address.sun_path, name.size());
  if (name.front() == '@') address.sun_path[0] = '\0';  // a name that is no file
  const int socket = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (socket < 0) return;
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size());
  sendto(socket, state.data(), state.size(), MSG_NOSIGNAL,
         reinterpret_cast<const sockaddr*>(&address), size);
  close(socket);
}

std::optional<std::chrono::microseconds> WatchdogInterval() {
  const std::optional<uint64_t> process = NumberOf("WATCHDOG_PID");
  if (process && *process != static_cast<uint64_t>(getpid())) return std::nullopt;
  const std::optional<uint64_t> interval = NumberOf("WATCHDOG_USEC");
  if (!interval || *interval == 0) return std::nullopt;
  return std::chrono::microseconds(*interval);
}

}  // namespace siglip::server
