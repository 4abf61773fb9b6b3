// A word about --threads that cannot have been meant.
#pragma once

#include <string>

namespace siglip::cli {

/// Says on standard error when `threads`, a number, are more than four for every CPU that this
/// process may use: each takes memory, and none makes anything faster.
void WarnOfManyThreads(const std::string& threads);

}  // namespace siglip::cli
