#include "commands/picture_run.h"

#include <optional>
#include <utility>

#include "commands/background_count.h"
#include "commands/options.h"
#include "siglip/embedder.hpp"
#include "siglip/error.hpp"
#include "siglip/picture.hpp"
#include "terminal/format.h"
#include "terminal/interrupt.h"

namespace siglip::cli {
namespace {

std::vector<std::filesystem::path> WithFailures(std::vector<std::filesystem::path> outputs,
                                                const ReportArguments& report) {
  if (!report.failed.empty()) outputs.push_back(report.failed);
  return outputs;
}

}  // namespace

void AddReportOptions(CLI::App& command, ReportArguments& arguments) {
  AddForceOption(command, arguments.force);
  AddQuietOption(command, arguments.quiet);
  command
      .add_option("--failed", arguments.failed,
                  "File to write: a JSON line with path, code and message for each picture or "
                  "folder that failed")
      ->type_name("FILE");
  command.add_flag("--list-skipped", arguments.list_skipped,
                   "Name what is passed over in folders, and why");
}

void CheckFailuresApart(const ReportArguments& arguments,
                        const std::vector<std::filesystem::path>& files) {
  if (arguments.failed.empty()) return;
  const auto failed = std::filesystem::weakly_canonical(arguments.failed);
  for (const std::filesystem::path& file : files) {
    if (std::filesystem::weakly_canonical(file) != failed) continue;
    throw CLI::ValidationError("--failed", "names a file that --output writes");
  }
}

void CheckOutputFiles(const ReportArguments& arguments,
                      const std::vector<std::filesystem::path>& outputs, bool goes_on) {
  for (const std::filesystem::path& output : outputs) {
    CheckOutputFile(output, arguments.force || goes_on);
  }
  if (arguments.failed.empty()) return;
  CheckOutputFile(arguments.failed, arguments.force);
  CheckFailuresApart(arguments, outputs);
}

void CheckInputsAreKept(const ReportArguments& arguments,
                        const std::vector<std::filesystem::path>& outputs,
                        const InputFiles& inputs) {
  for (const auto& output : WithFailures(outputs, arguments)) inputs.CheckOutput(output);
}

PictureRun::PictureRun(const PathArguments& arguments, const ReportArguments& report,
                       const std::vector<std::filesystem::path>& outputs, bool with_bar)
    : arguments_(arguments),
      report_(report),
      stop_(CatchInterrupts()),
      progress_(with_bar),
      with_bar_(with_bar),
      outputs_(WithFailures(outputs, report)),
      failures_(report.failed, {.replace = report.force, .stop = nullptr}),
      inputs_(
          arguments, stop_,
          {.failed = [this](const std::string& folder, const Error& error) { Fail(folder, error); },
           .passed_over =
               [this](const std::string& path, const std::string& reason) {
                 if (report_.list_skipped) Print("siglip: passed over: " + path + ": " + reason);
               }}) {}

void PictureRun::Embed(const Embedder& embedder, const EmbedOptions& options,
                       const ResultSink& sink,
                       const std::function<bool(const std::string&)>& reuse) {
  std::optional<BackgroundCount> count;
  if (with_bar_ && CanReadTwice(arguments_)) {
    count.emplace(progress_,
                  [this](const auto& enough) { return CountInputs(arguments_, enough); });
  }
  uint64_t handed_out = 0;
  bool ended = false;
  const auto next_picture = [&]() -> std::optional<Picture> {
    while (std::optional<std::string> path = inputs_.Next()) {
      outputs_.CheckInput(*path);
      if (!reuse(*path)) {
        ++handed_out;
        return Picture::File(*std::move(path));
      }
      ++reused_;
      progress_.Skip();
    }
    ended = !stop_;
    return std::nullopt;
  };
  const auto take_result = [&](EmbedResult result) {
    if (result.error) {
      Fail(result.name, *result.error);
    } else {
      ++embedded_;
    }
    sink(std::move(result));
    progress_.Advance();
  };
  const uint64_t delivered = embedder.Run(next_picture, take_result, options, &stop_);
  complete_ = ended && delivered == handed_out;
  seconds_ = progress_.Seconds();
}

std::string PictureRun::Summary(const char* done) const {
  std::string text = std::to_string(embedded_) + " " + done;
  if (reused_ > 0) text += ", " + std::to_string(reused_) + " from the run before";
  text += ", " + std::to_string(failed_) + " failed, " + std::to_string(inputs_.passed_over()) +
          " passed over";
  if (embedded_ == 0) return text;
  return text + ", " + FormatNumber(static_cast<double>(embedded_) / seconds_, 1) + " pictures/s";
}

void PictureRun::Fail(const std::string& path, const Error& error) {
  ++failed_;
  Print(std::string("siglip: ") + error.what());
  failures_.Add(path, error);
}

}  // namespace siglip::cli
