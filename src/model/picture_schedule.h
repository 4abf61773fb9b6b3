// How pictures of different sizes are shared among threads.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "model/workspace.h"

namespace siglip {

struct PictureSchedule {
  /// First these, one by one, each computed by all threads together.
  std::vector<int64_t> together;
  /// Then these, each by one thread, handed out to free threads in this order.
  std::vector<int64_t> alone;
};

/// One picture per thread costs no meeting points, but the last thread keeps all others waiting:
/// so the largest are handed out first, and as many of them are computed together as shortens the
/// whole. `costs`: the estimated work of each picture.
PictureSchedule SchedulePictures(std::span<const double> costs, int threads);

/// Like ForEachPicture for pictures that have `tokens[i]` tokens each. The order of computing has
/// no influence on any result.
void ForEachPictureBySize(const LayerContext& context, std::span<const int64_t> tokens,
                          const std::function<void(int64_t picture, Workspace& workspace)>& work);

}  // namespace siglip
