#include "commands/index_listener.h"

#include <unistd.h>

#include <cstdlib>

namespace siglip::cli {
namespace {

/// Tests ask by this variable for a line on an open file after each commit; see CONTRIBUTING.md.
void ReportCommit(uint64_t contents) {
  const char* const file = std::getenv("SIGLIP_INDEX_REPORT_FD");
  if (file == nullptr) return;
  const std::string line = "commit " + std::to_string(contents) + "\n";
  (void)!::write(std::atoi(file), line.data(), line.size());
}

}  // namespace

IndexListener::IndexListener(bool quiet, bool list_skipped, FailureFile& failures)
    : progress_(WantsProgressBar(quiet)), list_skipped_(list_skipped), failures_(failures) {}

UpdateListener IndexListener::Functions() {
  return {.progress =
              [this](const UpdateCounts& counts) {
                progress_.Show(counts.embedded + counts.failed,
                               counts.unchanged + counts.known + counts.failed_earlier);
              },
          .failed =
              [this](const std::string& path, const Error& error) {
                progress_.Print("siglip: " + std::string(error.what()));
                failures_.Add(path, error);
              },
          .passed_over =
              [this](const std::string& path, const std::string& reason) {
                if (list_skipped_) progress_.Print("siglip: passed over: " + path + ": " + reason);
              },
          .committed = ReportCommit};
}

uint64_t CountPictures(const std::string& folder, const FolderWalkOptions& options,
                       const std::atomic<bool>& enough) {
  FolderWalker walker(folder, {.failed = [](const std::string&, const Error&) {}}, options);
  uint64_t count = 0;
  while (!enough && walker.Next()) ++count;
  return count;
}

}  // namespace siglip::cli
