// Dates as people write them.
#pragma once

#include <cstdint>
#include <string>

namespace siglip::apps {

/// "2024", "2024-05", "2024-05-17" or "2024-05-17T09:30:00" (or with a blank), the earliest moment
/// of it, in seconds since 1970 on the same clock. Throws Error(kInvalidArgument).
int64_t ParseDate(const std::string& text);

}  // namespace siglip::apps
