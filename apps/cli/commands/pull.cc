// siglip pull: a model from the Hugging Face hub into the cache, where the other commands find it.
#include <CLI/CLI.hpp>
#include <filesystem>
#include <iostream>
#include <memory>
#include <string>

#include "commands/commands.h"
#include "commands/options.h"
#include "siglip/error.hpp"
#include "siglip/hub.hpp"
#include "terminal/format.h"
#include "terminal/interrupt.h"
#include "terminal/progress_bar.h"

namespace siglip::cli {
namespace {

struct PullArguments {
  std::string model;
  std::string revision;
  bool quiet = false;
};

std::string Summary(const PullProgress& done, double seconds) {
  std::string text = FormatBytes(static_cast<int64_t>(done.received)) + " downloaded";
  if (done.received > 0) {
    const double rate = static_cast<double>(done.received) / seconds;
    text += " at " + FormatBytes(static_cast<int64_t>(rate)) + "/s";
  }
  if (done.present > 0) {
    text += ", " + FormatBytes(static_cast<int64_t>(done.present)) + " were there";
  }
  return text;
}

void Pull(const PullArguments& arguments, const std::shared_ptr<HttpTransport>& transport) {
  ProgressBar bar(WantsProgressBar(arguments.quiet), ProgressBar::Unit::kBytes);
  PullProgress last;
  const PullOptions options{.revision = arguments.revision,
                            .progress =
                                [&](const PullProgress& progress) {
                                  last = progress;
                                  bar.SetTotal(progress.total);
                                  bar.Show(progress.received, progress.present);
                                },
                            .stop = &CatchInterrupts(),
                            .transport = transport};
  std::filesystem::path folder;
  try {
    folder = PullModel(arguments.model, options);
  } catch (const Error& error) {
    if (error.code() != ErrorCode::kCancelled) throw;
    bar.Print("siglip: interrupted; the same command goes on from here");
    ThrowIfInterrupted();
    throw;
  }
  if (!arguments.quiet) bar.Print("siglip: " + Summary(last, bar.Seconds()));
  std::cout << folder.string() << "\n";
}

}  // namespace

void AddPull(CLI::App& app, const std::shared_ptr<HttpTransport>& transport) {
  auto arguments = std::make_shared<PullArguments>();
  CLI::App* command =
      app.add_subcommand("pull", "Download a model of the Hugging Face hub, for use by its name");
  command->add_option("NAME", arguments->model, "As on the hub: ORGANISATION/NAME[@REVISION]")
      ->required();
  command->add_option("--revision", arguments->revision, "Branch, tag or full commit hash")
      ->type_name("REV")
      ->default_str("main");
  AddQuietOption(*command, arguments->quiet);
  command->footer(
      "Files go where huggingface_hub keeps them, so that each finds what the other has "
      "downloaded. What is there already is not downloaded again, and an interrupted download goes "
      "on where it was. Prints the folder.\n"
      "HF_TOKEN in the environment gives access to models that need it; docs/models.md tells what "
      "else counts.\n"
      "Example:\n"
      "  siglip pull google/siglip-base-patch16-224\n"
      "  siglip embed --model google/siglip-base-patch16-224 photos/");
  command->callback([arguments, transport] { Pull(*arguments, transport); });
}

}  // namespace siglip::cli
