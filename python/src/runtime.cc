#include "runtime.h"

#include <nanobind/nanobind.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include "parts.h"

namespace siglip::python {

namespace nb = nanobind;
using namespace nb::literals;

void AddRuntime(nb::module_& module) {
  module.def("version", [] { return std::string(Version()); });
  module.def("instruction_sets", &AvailableInstructionSets);
  nb::class_<SharedRuntime>(module, "Runtime")
      .def(
          "__init__",
          [](SharedRuntime* self, int threads, const std::string& instruction_set) {
            new (self) SharedRuntime{
                Runtime::Create({.threads = threads, .instruction_set = instruction_set})};
          },
          "threads"_a = 0, "instruction_set"_a = "")
      .def_prop_ro("threads", [](const SharedRuntime& self) { return self.runtime->threads(); })
      .def_prop_ro("instruction_set", [](const SharedRuntime& self) {
        return std::string(self.runtime->instruction_set());
      });
}

}  // namespace siglip::python
