// How far from the real product the score of two vectors can be, see Kernels::dot_halves.
#pragma once

#include <cstddef>

namespace siglip {

/// |score - q.x| <= ScoreRounding(dimensions) * |q| |x| + ScoreUnderflow(dimensions).
///
/// Every product passes through the fused multiply-adds of its partial sum, ceil(D / 16) roundings
/// at most, and the additions of the tree, log2(16) = 4. Each rounding changes its result by a
/// factor of 1 + d, |d| <= u = 2^-24. So the computed sum is the sum of q_i x_i (1 + t_i) with
/// |t_i| <= m u / (1 - m u) for m roundings (Higham, Accuracy and Stability of Numerical
/// Algorithms, lemma 3.1), and the sum of |q_i x_i| is at most |q| |x|.
double ScoreRounding(size_t dimensions);

/// A fused multiply-add whose result is subnormal loses up to half of the smallest float besides;
/// additions lose nothing there.
double ScoreUnderflow(size_t dimensions);

}  // namespace siglip
