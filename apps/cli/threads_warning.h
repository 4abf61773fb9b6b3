// A word about --threads that cannot have been meant.
#pragma once

namespace siglip::cli {

/// Says on standard error when there are more than four threads for every CPU that this process may
/// use: each takes memory, and none makes anything faster.
void WarnOfManyThreads(int threads);

}  // namespace siglip::cli
