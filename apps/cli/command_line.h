// The program siglip: embeddings of pictures and texts from the shell.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "siglip/http_transport.hpp"

namespace siglip::cli {

/// Reads the words of the command line behind the program's name, runs the subcommand they name,
/// and turns what that throws into a message. Returns the exit status. Owns the standard streams
/// and the handling of signals from now on. Downloads go through `transport`; null stands for
/// libcurl.
int RunCommandLine(const std::vector<std::string>& words,
                   const std::shared_ptr<HttpTransport>& transport = nullptr);

}  // namespace siglip::cli
