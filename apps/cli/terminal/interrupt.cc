#include "terminal/interrupt.h"

#include <unistd.h>

#include <csignal>
#include <initializer_list>

#include "terminal/exit_codes.h"

namespace siglip::cli {
namespace {

constexpr int kSignalStatus = 128;  // what shells add to the number of a signal

std::atomic<bool> catching = false;
std::atomic<bool> interrupted = false;
std::atomic<int> first_signal = 0;
static_assert(std::atomic<bool>::is_always_lock_free && std::atomic<int>::is_always_lock_free,
              "signal handlers may touch nothing else");

void OnSignal(int signal) {
  if (!catching || first_signal.exchange(signal) != 0) ::_exit(kSignalStatus + signal);
  interrupted = true;
}

}  // namespace

void ExitOnInterrupt() {
  catching = false;
  struct sigaction action = {};
  action.sa_handler = OnSignal;
  ::sigemptyset(&action.sa_mask);
  action.sa_flags = SA_RESTART;
  for (const int signal : {SIGINT, SIGTERM}) {
    // Who started the program to ignore a signal, as nohup and a shell's & do, is obeyed.
    struct sigaction before = {};
    if (::sigaction(signal, nullptr, &before) == 0 && before.sa_handler == SIG_IGN) continue;
    ::sigaction(signal, &action, nullptr);
  }
}

const std::atomic<bool>& CatchInterrupts() {
  catching = true;
  return interrupted;
}

const std::atomic<bool>& Interrupted() { return interrupted; }

int InterruptStatus() { return kSignalStatus + first_signal; }

void ThrowIfInterrupted() {
  if (interrupted) throw ExitCode{InterruptStatus()};
}

}  // namespace siglip::cli
