// A runtime as Python holds it, and the choice of a precision by name.
#pragma once

#include <memory>
#include <string>

#include "siglip/runtime.hpp"

namespace siglip::python {

struct SharedRuntime {
  std::shared_ptr<const Runtime> runtime;
};

/// "" stands for as stored.
inline PrecisionChoice PrecisionOf(const std::string& name) {
  return name.empty() ? PrecisionChoice() : ParsePrecisionChoice(name);
}

}  // namespace siglip::python
