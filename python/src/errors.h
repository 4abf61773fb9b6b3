// Errors of the library as exceptions of Python.
#pragma once

#include <nanobind/nanobind.h>

#include "siglip/error.hpp"

namespace siglip::python {

/// An instance of the class that siglip.errors has for its code.
nanobind::object ToException(const Error& error);

}  // namespace siglip::python
