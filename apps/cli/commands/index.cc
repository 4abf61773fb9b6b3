// siglip index: keeps the pictures of folders in an index that can be searched.
#include "siglip/index.hpp"

#include <CLI/CLI.hpp>
#include <atomic>
#include <chrono>
#include <filesystem>
#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "commands/background_count.h"
#include "commands/commands.h"
#include "commands/embedder_arguments.h"
#include "commands/index_arguments.h"
#include "commands/index_listener.h"
#include "commands/options.h"
#include "commands/picture_run.h"
#include "common/folder_updates.h"
#include "common/thumbnail_cache.h"
#include "output/output_format.h"
#include "outputs/failure_file.h"
#include "outputs/index_output.h"
#include "siglip/embedder.hpp"
#include "siglip/error.hpp"
#include "siglip/folder_watch.hpp"
#include "terminal/exit_codes.h"
#include "terminal/format.h"
#include "terminal/interrupt.h"
#include "terminal/text.h"

namespace siglip::cli {
namespace {

struct IndexArguments {
  std::vector<std::string> folders;
  std::filesystem::path index;
  IndexEmbedderArguments embedder;
  UpdateOptions update;
  ReportArguments report;
  std::string remove;
  bool prune = false;
  int64_t older_than = 0;  // seconds
  bool rebuild = false;
  bool watch = false;
  int64_t rescan = 0;  // seconds; 0: never
  bool status = false;
  bool json = false;
  bool verify = false;
  std::filesystem::path export_to;
  DType dtype = DType::kF32;
};

DType ParseExportDType(const std::string& text) {
  if (text == "float32") return DType::kF32;
  if (text == "float16") return DType::kF16;
  throw Error(ErrorCode::kInvalidArgument, "expected float32 or float16, found '" + text + "'");
}

std::string SummaryOf(const UpdateCounts& counts, double seconds) {
  std::string text = std::to_string(counts.embedded) + " embedded, " +
                     std::to_string(counts.unchanged) + " unchanged";
  const auto add = [&](uint64_t count, const char* words) {
    if (count > 0) text += ", " + std::to_string(count) + " " + words;
  };
  add(counts.known, "known by their bytes");
  add(counts.missing, "missing");
  add(counts.changing, "changing, for the next run");
  text += ", " + std::to_string(counts.failed) + " failed";
  add(counts.failed_earlier, "failed before (again with --retry)");
  text += ", " + std::to_string(counts.passed_over) + " passed over";
  if (counts.embedded > 0) {
    text += ", " + FormatNumber(static_cast<double>(counts.embedded) / seconds, 1) + " pictures/s";
  }
  return text;
}

/// An index being brought up to date, with one embedder for all of its folders.
class Updates {
 public:
  Updates(IndexWriter& writer, const IndexArguments& arguments)
      : writer_(writer),
        arguments_(arguments),
        embedder_(OpenIndexEmbedder(arguments.embedder, writer.space(), {.pictures = true})),
        model_(RecordedModel(arguments.embedder, writer.space())),
        stop_(CatchInterrupts()),
        failures_(arguments.report.failed, {.replace = arguments.report.force, .stop = nullptr}) {}

  /// Throws ExitCode when interrupted.
  void Update(const std::string& folder) {
    IndexListener listener(arguments_.report.quiet, arguments_.report.list_skipped, failures_);
    ProgressBar& progress = listener.progress();
    const BackgroundCount count(progress, [&](const std::atomic<bool>& enough) {
      return CountPictures(folder, arguments_.update.walk, enough);
    });
    const UpdateCounts counts =
        writer_.Update(embedder_, model_, folder, arguments_.update, listener.Functions(), &stop_);
    failed_ += counts.failed;
    if (!arguments_.report.quiet) {
      progress.Print("siglip: " + folder + ": " + SummaryOf(counts, progress.Seconds()));
    }
    if (stop_) {
      progress.Print("siglip: interrupted; the same command goes on from here");
      ThrowIfInterrupted();
    }
  }

  /// Goes on until interrupted: updates folders in which something has changed.
  void Watch(const std::vector<std::string>& folders) {
    for (const std::string& folder : folders) {
      if (IsOnAnotherComputer(folder) && arguments_.rescan == 0) {
        std::cerr << "siglip: " << Printable(folder)
                  << " is on a disk of another computer, which does not tell of changes; look at "
                     "it now and then: --rescan 1h\n";
      }
    }
    apps::UpdateWhenChanged(folders, std::chrono::seconds(arguments_.rescan), stop_,
                            [this](const std::string& folder) { Update(folder); });
    ThrowIfInterrupted();
  }

  uint64_t Finish() {
    failures_.Commit();
    return failed_;
  }

 private:
  IndexWriter& writer_;
  const IndexArguments& arguments_;
  const Embedder embedder_;
  const std::string model_;
  const std::atomic<bool>& stop_;
  FailureFile failures_;
  uint64_t failed_ = 0;
};

/// Returns how many failed.
uint64_t Update(IndexWriter& writer, const IndexArguments& arguments,
                const std::vector<std::string>& folders) {
  Updates updates(writer, arguments);
  if (arguments.watch) {
    updates.Watch(folders);
  } else {
    for (const std::string& folder : folders) updates.Update(folder);
  }
  return updates.Finish();
}

/// Those that `siglip serve` made of pictures of this index, if nothing is kept in `index` that has
/// such a hash.
void RemoveThumbnails(const std::string& id, const siglip::Index* index) {
  if (id.empty()) return;  // it has never had a picture
  std::filesystem::path thumbnails;
  try {
    thumbnails = apps::DefaultThumbnailFolder();
  } catch (const Error&) {
    return;  // without a home there is no cache
  }
  apps::ThumbnailCache(thumbnails, id).RemoveUnless([index](std::string_view hash) {
    return index != nullptr && index->HasContent(hash);
  });
}

/// A new index of the same folders, which takes the old one's place when it is complete.
uint64_t Rebuild(const IndexArguments& arguments) {
  const std::filesystem::path folder = IndexFolder(arguments.index);
  IndexWriter old(folder);
  const std::string old_id = siglip::Index(folder).status().id;
  if (!old.archives().empty()) {
    throw Error(
        ErrorCode::kUnsupported,
        "--rebuild: the originals of " + old.archives().front() + " are not here",
        "remove the archive first, and add it again afterwards: siglip index --remove NAME");
  }
  std::vector<std::string> folders = old.folders();
  folders.insert(folders.end(), arguments.folders.begin(), arguments.folders.end());
  if (folders.empty()) throw CLI::ValidationError("--rebuild", "the index holds no folders yet");
  const std::filesystem::path new_folder = folder.string() + ".rebuild";
  IndexArguments with_model = arguments;
  with_model.embedder.embedder.model = RecordedModel(arguments.embedder, old.space());
  std::optional<IndexWriter> writer(new_folder);
  uint64_t failed = 0;
  try {
    failed = Update(*writer, with_model, folders);
  } catch (const Error& error) {
    if (error.code() != ErrorCode::kMismatch) throw;
    // That of an earlier attempt with another model.
    writer.reset();
    std::filesystem::remove_all(new_folder);
    writer.emplace(new_folder);
    failed = Update(*writer, with_model, folders);
  }
  std::move(*writer).Replace(std::move(old));
  RemoveThumbnails(old_id, nullptr);
  return failed;
}

/// Those that only look; false where there are none of them.
bool Look(const IndexArguments& arguments) {
  if (!arguments.status && !arguments.verify && arguments.export_to.empty()) return false;
  const siglip::Index index(IndexFolder(arguments.index));
  if (arguments.status) {
    std::cout << (arguments.json ? StatusJson(index.status()) : StatusText(index.status()));
  }
  if (arguments.verify) {
    const std::vector<std::string> faults = index.Verify();
    for (const std::string& fault : faults) std::cout << Printable(fault) << "\n";
    if (!faults.empty()) throw ExitCode{kNothingDone};
    if (!arguments.report.quiet) std::cout << "no faults found\n";
  }
  if (!arguments.export_to.empty()) {
    const size_t rows = ExportIndex(index, arguments.export_to, arguments.dtype,
                                    {.replace = arguments.report.force, .stop = nullptr});
    if (!arguments.report.quiet) std::cerr << "siglip: " << rows << " rows exported\n";
  }
  return true;
}

void CheckArguments(const IndexArguments& arguments) {
  std::vector<std::filesystem::path> outputs;
  if (!arguments.export_to.empty()) {
    try {
      outputs = OutputFiles(arguments.export_to);
    } catch (const Error& error) {
      throw CLI::ValidationError("--export", error.what());
    }
  }
  CheckOutputFiles(arguments.report, outputs);
}

void RunIndex(const IndexArguments& arguments) {
  CheckArguments(arguments);
  if (Look(arguments)) return;
  if (arguments.rebuild) {
    if (Rebuild(arguments) > 0) throw ExitCode{kSomeFailed};
    return;
  }
  const std::filesystem::path folder = IndexFolder(arguments.index);
  IndexWriter writer(folder);
  if (!arguments.remove.empty()) writer.Remove(arguments.remove);
  std::vector<std::string> folders = arguments.folders;
  if (folders.empty() && arguments.remove.empty() && !arguments.prune) {
    folders = writer.folders();
    if (folders.empty()) {
      throw CLI::ValidationError("FOLDER", "is required as long as the index holds none");
    }
  }
  const uint64_t failed = folders.empty() ? 0 : Update(writer, arguments, folders);
  if (arguments.prune) {
    const uint64_t files = writer.Prune(arguments.older_than);
    if (!arguments.report.quiet) {
      std::cerr << "siglip: " << files << " missing files forgotten\n";
    }
  }
  if (arguments.prune || !arguments.remove.empty()) {
    const siglip::Index index(folder);
    RemoveThumbnails(index.status().id, &index);
  }
  if (failed > 0) throw ExitCode{kSomeFailed};
}

}  // namespace

void AddIndex(CLI::App& app) {
  auto arguments = std::make_shared<IndexArguments>();
  CLI::App* command =
      app.add_subcommand("index", "Keep the pictures of folders in an index for search");
  command->add_option("FOLDER", arguments->folders,
                      "Folders of pictures, with all below them. Default: those of the index");
  AddIndexOption(*command, arguments->index);
  AddIndexEmbedderOptions(*command, arguments->embedder);
  command->add_flag("--checksum", arguments->update.checksum,
                    "Read all files, also those whose size and time of change are the known ones");
  command->add_flag("--retry", arguments->update.retry, "Try again what could not be decoded");
  command->add_flag("--follow", arguments->update.walk.follow_links, "Follow symbolic links");
  command
      ->add_option("--exclude", arguments->update.walk.exclude,
                   "Pass over files and folders whose names, or paths where there is a slash, fit "
                   "this pattern (*, ?, [...]). May be given several times")
      ->type_name("GLOB")
      ->allow_extra_args(false);
  command->add_flag("--prune", arguments->prune, "Forget files that are missing");
  AddParsedOption(
      *command, "--older-than",
      [arguments](const std::string& text) { arguments->older_than = ParseAge(text); },
      "With --prune: only those missing for at least so long: 30d, 12h, 10m, 5s")
      ->type_name("AGE")
      ->needs("--prune");
  command
      ->add_option("--remove", arguments->remove,
                   "Forget a folder, or an archive, and all that only it has")
      ->type_name("FOLDER");
  CLI::Option* const watch = command->add_flag("--watch", arguments->watch,
                                               "Go on until interrupted: whenever something has "
                                               "changed in a folder and it was quiet for two "
                                               "seconds, bring the index up to date");
  AddParsedOption(
      *command, "--rescan",
      [arguments](const std::string& text) { arguments->rescan = ParseAge(text); },
      "With --watch: also look at all files as often as this, such as 1h; for disks of other "
      "computers, which do not tell of changes")
      ->type_name("AGE")
      ->needs(watch);
  CLI::Option* const rebuild = command->add_flag(
      "--rebuild", arguments->rebuild,
      "Make the index anew, with another model or other options; the old one is there until the "
      "new one is complete");
  CLI::Option* const status = command->add_flag("--status", arguments->status,
                                                "Print what the index holds, and do nothing else");
  AddJsonOption(*command, arguments->json)->needs(status);
  CLI::Option* const verify = command->add_flag(
      "--verify", arguments->verify, "Look for faults in the index, and do nothing else");
  CLI::Option* const export_to =
      command
          ->add_option(
              "--export", arguments->export_to,
              "File to write, as siglip embed does: a row for every file that is there, in "
              "byte order of the paths")
          ->type_name("FILE");
  AddParsedOption(
      *command, "--dtype",
      [arguments](const std::string& text) { arguments->dtype = ParseExportDType(text); },
      "With --export to .npy, .npz or .safetensors: float16 is what the index has")
      ->type_name("float32|float16")
      ->default_str("float32")
      ->needs(export_to);
  for (CLI::Option* const look : {status, verify, export_to}) {
    look->excludes(rebuild, watch, "--prune", "--remove", "FOLDER");
  }
  rebuild->excludes(watch, "--prune", "--remove");
  AddReportOptions(*command, arguments->report);
  command->footer(
      "Files that have not changed are not read, and what has the same bytes is embedded once, "
      "wherever it is. Whatever interrupts a run, the same command goes on.\n"
      "Examples:\n"
      "  siglip index --model google/siglip2-base-patch16-224 ~/pictures\n"
      "  siglip index                     # brings it up to date\n"
      "  siglip index --prune --older-than 30d");
  command->callback([arguments] { RunIndex(*arguments); });
}

}  // namespace siglip::cli
