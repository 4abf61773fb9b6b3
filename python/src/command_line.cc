// The program siglip inside of Python.
#include "command_line.h"

#include <nanobind/nanobind.h>

#include <csignal>
#include <string>
#include <vector>

#include "parts.h"
#include "text.h"
#include "transport.h"

namespace siglip::python {

namespace nb = nanobind;
using namespace nb::literals;

void AddCommandLine(nb::module_& module) {
  module.def(
      "command_line",
      [](const nb::list& arguments, const nb::object& transport) {
        std::vector<std::string> words;
        for (const nb::handle argument : arguments) words.push_back(PathOf(argument));
        if (!words.empty()) words.erase(words.begin());  // the name of the program
        // Python ignores it; a program of the shell ends when nobody reads on.
        std::signal(SIGPIPE, SIG_DFL);
        const auto sender = TransportOf(transport);
        const nb::gil_scoped_release release;
        return cli::RunCommandLine(words, sender);
      },
      "arguments"_a, "transport"_a.none());
}

}  // namespace siglip::python
