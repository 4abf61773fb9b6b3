// Names and secrets that nobody can guess.
#pragma once

#include <cstddef>
#include <string>

namespace siglip::server {

/// So many random bytes in hexadecimal digits, of the system's generator.
std::string RandomHex(size_t bytes);

}  // namespace siglip::server
