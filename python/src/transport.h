// HTTP requests that Python sends.
#pragma once

#include <nanobind/nanobind.h>

#include <memory>

#include "siglip/http_transport.hpp"

namespace siglip::python {

/// Of siglip.transport.send, or another function like it (see _siglip.pyi); null for None.
std::shared_ptr<HttpTransport> TransportOf(const nanobind::object& transport);

}  // namespace siglip::python
