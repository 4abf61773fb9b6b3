// The program siglip: embeddings of pictures and texts from the shell.
#pragma once

#include <string>
#include <vector>

namespace siglip::cli {

/// Reads the words of the command line behind the program's name, runs the subcommand they name, and
/// turns what that throws into a message. Returns the exit status. Owns the standard streams and the
/// handling of signals from now on.
int RunCommandLine(const std::vector<std::string>& words);

}  // namespace siglip::cli
