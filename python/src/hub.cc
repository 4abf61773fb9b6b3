// Models by their name on the hub.
#include "siglip/hub.hpp"

#include <nanobind/nanobind.h>
#include <nanobind/stl/string.h>

#include <string>

#include "parts.h"
#include "text.h"

namespace siglip::python {

namespace nb = nanobind;
using namespace nb::literals;

void AddHub(nb::module_& module) {
  module.def(
      "resolve_model",
      [](nb::handle model, const std::string& revision, bool any_file) {
        return ToStr(
            ResolveModel(PathOf(model), revision, any_file ? ModelFiles::kAny : ModelFiles::kAll)
                .string());
      },
      "name_or_folder"_a, "revision"_a = "", "any_file"_a = false);
}

}  // namespace siglip::python
