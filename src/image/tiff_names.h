// What TIFF's numbers mean, for errors about files that are not read.
#pragma once

#include <string>

namespace siglip {

/// "compression 34712 (JPEG 2000)"; the number alone where it has no known meaning.
std::string TiffCompressionName(int compression);

/// "photometric interpretation 32803 (colour filter array of a camera)", likewise.
std::string TiffPhotometricName(int photometric);

}  // namespace siglip
