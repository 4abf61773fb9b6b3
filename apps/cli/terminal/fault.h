// Faults that the system reports by a signal, turned into a message and an exit status.
#pragma once

namespace siglip::cli {

/// From now on a mapped file that becomes shorter while it is read (SIGBUS) ends the program with a
/// message and kNothingDone; a file that grows beyond the limit of the shell (SIGXFSZ) and a pipe
/// without a reader (SIGPIPE) become errors of the calls that write to them.
void ReportFaults();

}  // namespace siglip::cli
