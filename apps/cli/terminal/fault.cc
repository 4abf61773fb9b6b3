#include "terminal/fault.h"

#include <unistd.h>

#include <atomic>
#include <csignal>
#include <string_view>

#include "terminal/exit_codes.h"

namespace siglip::cli {
namespace {

std::atomic_flag reported;

/// May call nothing that is unsafe in a signal handler.
void OnBusError(int signal, siginfo_t* information, void*) {
  if (information->si_code != BUS_ADRERR) {  // a fault of the program itself
    ::signal(signal, SIG_DFL);
    return;  // to meet the fault again
  }
  while (reported.test_and_set()) ::pause();  // another thread, which is about to exit
  constexpr std::string_view kMessage =
      "siglip: a file in use cannot be read any more: it was cut short or its disk fails "
      "(replace checkpoints by renaming a new file over the old one)\n";
  [[maybe_unused]] const ssize_t ignored = ::write(STDERR_FILENO, kMessage.data(), kMessage.size());
  ::_exit(kNothingDone);
}

}  // namespace

void ReportFaults() {
  struct sigaction action = {};
  action.sa_sigaction = OnBusError;
  ::sigemptyset(&action.sa_mask);
  action.sa_flags = SA_SIGINFO;
  ::sigaction(SIGBUS, &action, nullptr);
  std::signal(SIGXFSZ, SIG_IGN);
  std::signal(SIGPIPE, SIG_IGN);
}

}  // namespace siglip::cli
