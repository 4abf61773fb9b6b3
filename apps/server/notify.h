// What systemd is told about the service, where it asks to be told (sd_notify(3)).
#pragma once

#include <chrono>
#include <optional>
#include <string_view>

namespace siglip::server {

/// Sends "READY=1", "STOPPING=1", "WATCHDOG=1" to the socket that NOTIFY_SOCKET names; does nothing
/// where that names none or nobody listens.
void Notify(std::string_view state);

/// How often "WATCHDOG=1" is expected at least; nothing where it is not.
std::optional<std::chrono::microseconds> WatchdogInterval();

}  // namespace siglip::server
