// Pictures of an archive, from Python into an index.
#pragma once

#include <nanobind/nanobind.h>

namespace siglip::python {

void AddIndexArchive(nanobind::module_& module);

}  // namespace siglip::python
