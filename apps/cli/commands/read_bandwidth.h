// How fast this machine reads memory: what `siglip bench` compares the reading of weights with.
#pragma once

namespace siglip::cli {

/// Bytes a second that as many threads, but no more than there are CPUs, read together, each in
/// memory of its own that it touched first; the median of some rounds. The memory is larger than
/// the last cache: 32 MiB a thread, and from 256 MiB to 1 GiB altogether where there are few.
double MeasureReadBandwidth(int threads);

}  // namespace siglip::cli
