#include "interrupt.h"

#include <unistd.h>

#include <csignal>

#include "exit_codes.h"

namespace siglip::cli {
namespace {

std::atomic<bool> interrupted = false;
static_assert(std::atomic<bool>::is_always_lock_free, "signal handlers may touch nothing else");

void OnSignal(int) {
  if (interrupted.exchange(true)) ::_exit(kInterrupted);
}

}  // namespace

const std::atomic<bool>& CatchInterrupts() {
  struct sigaction action = {};
  action.sa_handler = OnSignal;
  ::sigemptyset(&action.sa_mask);
  action.sa_flags = SA_RESTART;
  ::sigaction(SIGINT, &action, nullptr);
  ::sigaction(SIGTERM, &action, nullptr);
  return interrupted;
}

}  // namespace siglip::cli
