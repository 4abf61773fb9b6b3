#include "terminal/hangup.h"

#include <csignal>

namespace siglip::cli {
namespace {

std::atomic<bool> hung_up = false;

void OnHangup(int) { hung_up = true; }

}  // namespace

std::atomic<bool>& CatchHangup() {
  struct sigaction action = {};
  action.sa_handler = OnHangup;
  ::sigemptyset(&action.sa_mask);
  action.sa_flags = SA_RESTART;
  ::sigaction(SIGHUP, &action, nullptr);
  return hung_up;
}

}  // namespace siglip::cli
