// The pictures of a command line on their way through an embedder: what embed, classify and compare
// have in common.
#pragma once

#include <CLI/CLI.hpp>
#include <atomic>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "inputs/inputs.h"
#include "outputs/failure_file.h"
#include "outputs/output_file.h"
#include "siglip/embedder.hpp"
#include "terminal/progress_bar.h"

namespace siglip::cli {

/// What a run is to tell besides its results.
struct ReportArguments {
  std::filesystem::path failed;  // empty: no file
  bool list_skipped = false;
  bool quiet = false;
  bool force = false;
};

/// --failed FILE, --list-skipped, --quiet and --force.
void AddReportOptions(CLI::App& command, ReportArguments& arguments);

/// Throws a usage error when the file of failures is one of `files`, which the command writes.
void CheckFailuresApart(const ReportArguments& arguments,
                        const std::vector<std::filesystem::path>& files);

/// To be called before anything is loaded: throws when the file of failures or one of `outputs`,
/// the other files of the command, may not be written.
/// Those of an interrupted run that goes on may be there already.
void CheckOutputFiles(const ReportArguments& arguments,
                      const std::vector<std::filesystem::path>& outputs, bool goes_on = false);

/// Throws Error when one of these files is among `inputs`.
void CheckInputsAreKept(const ReportArguments& arguments,
                        const std::vector<std::filesystem::path>& outputs,
                        const InputFiles& inputs);

class PictureRun {
 public:
  /// `arguments` must outlive this object; `outputs` are the files of the command but that of
  /// failures. Throws Error when a list or the file of failures cannot be opened.
  PictureRun(const PathArguments& arguments, const ReportArguments& report,
             const std::vector<std::filesystem::path>& outputs, bool with_bar);

  /// Embeds the pictures until their end or an interruption. `reuse` tells of each whether it needs
  /// no embedding; `sink` gets all results, also of those that failed, which have been reported.
  /// Throws Error at a picture that an output would replace.
  void Embed(
      const Embedder& embedder, const EmbedOptions& options, const ResultSink& sink,
      const std::function<bool(const std::string&)>& reuse = [](const auto&) { return false; });

  /// Whether all pictures are done.
  bool complete() const { return complete_; }
  uint64_t embedded() const { return embedded_; }
  uint64_t reused() const { return reused_; }
  uint64_t failed() const { return failed_; }

  /// Writes the file of failures: the run is complete.
  void Finish() { failures_.Commit(); }
  /// A line on standard error.
  void Print(const std::string& message) { progress_.Print(message); }
  /// "4 embedded, 1 failed, 2 passed over, 12.3 pictures/s"
  std::string Summary(const char* done) const;

 private:
  void Fail(const std::string& path, const Error& error);

  const PathArguments& arguments_;
  const ReportArguments& report_;
  const std::atomic<bool>& stop_;
  ProgressBar progress_;
  const bool with_bar_;
  const OutputFilesPresent outputs_;
  FailureFile failures_;
  Inputs inputs_;
  bool complete_ = false;
  double seconds_ = 0;
  uint64_t embedded_ = 0;
  uint64_t reused_ = 0;
  // Folders fail in the source's thread, pictures in the sink's.
  std::atomic<uint64_t> failed_ = 0;
};

}  // namespace siglip::cli
