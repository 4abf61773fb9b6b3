// See siglip/http_transport.hpp.
#include "siglip/http_transport.hpp"

namespace siglip {

TransientFailure::TransientFailure(std::string message, std::string hint)
    : Error(ErrorCode::kIo, std::move(message), std::move(hint)) {}

// Here, so that what catches and calls them finds one type and not a copy per library.
TransientFailure::~TransientFailure() = default;

HttpTransport::~HttpTransport() = default;

}  // namespace siglip
