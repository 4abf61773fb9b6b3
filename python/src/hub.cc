// Models by their name on the hub, and downloads through a transport of Python.
#include "siglip/hub.hpp"

#include <nanobind/nanobind.h>
#include <nanobind/stl/string.h>

#include <string>

#include "parts.h"
#include "text.h"
#include "transport.h"

namespace siglip::python {

namespace nb = nanobind;
using namespace nb::literals;

namespace {

std::string Pull(nb::handle name, const std::string& revision, const nb::object& progress,
                 const nb::object& transport) {
  PullOptions options;
  options.revision = revision;
  if (!progress.is_none()) {
    options.progress = [&progress](const PullProgress& now) {
      const nb::gil_scoped_acquire lock;
      progress(ToStr(now.file), now.total, now.present, now.received);
    };
  }
  options.transport = TransportOf(transport);
  const std::string model = PathOf(name);
  const nb::gil_scoped_release release;
  return PullModel(model, options).string();
}

}  // namespace

void AddHub(nb::module_& module) {
  module.def(
      "resolve_model",
      [](nb::handle model, const std::string& revision, bool any_file) {
        return ToStr(
            ResolveModel(PathOf(model), revision, any_file ? ModelFiles::kAny : ModelFiles::kAll)
                .string());
      },
      "name_or_folder"_a, "revision"_a = "", "any_file"_a = false);
  module.def(
      "pull_model",
      [](nb::handle name, const std::string& revision, const nb::object& progress,
         const nb::object& transport) { return ToStr(Pull(name, revision, progress, transport)); },
      "name"_a, "revision"_a, "progress"_a.none(), "transport"_a.none());
}

}  // namespace siglip::python
