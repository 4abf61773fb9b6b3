// What a person sees of an index being brought up to date.
#pragma once

#include <CLI/CLI.hpp>
#include <atomic>
#include <cstdint>
#include <filesystem>
#include <string>

#include "outputs/failure_file.h"
#include "siglip/index.hpp"
#include "terminal/progress_bar.h"

namespace siglip::cli {

class IndexListener {
 public:
  IndexListener(bool quiet, bool list_skipped, FailureFile& failures);

  UpdateListener Functions();
  ProgressBar& progress() { return progress_; }

 private:
  ProgressBar progress_;
  const bool list_skipped_;
  FailureFile& failures_;
};

/// How many pictures the walk will meet, for the bar; as many as were met once `enough` is true.
uint64_t CountPictures(const std::string& folder, const FolderWalkOptions& options,
                       const std::atomic<bool>& enough);

}  // namespace siglip::cli
