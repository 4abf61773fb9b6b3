// siglip convert: a checkpoint in another form.
#include <CLI/CLI.hpp>
#include <filesystem>
#include <iostream>
#include <memory>
#include <optional>
#include <string>

#include "commands.h"
#include "format.h"
#include "options.h"
#include "output_file.h"
#include "siglip/error.h"
#include "siglip/hub.h"
#include "siglip/packed_checkpoint.h"

namespace siglip::cli {
namespace {

struct ConvertArguments {
  std::string input;  // folder or name
  std::filesystem::path output;
  std::optional<Precision> precision;
  int threads = 0;
  bool force = false;
  bool quiet = false;
};

void Convert(const ConvertArguments& arguments) {
  if (!arguments.precision) throw CLI::RequiredError("--precision");
  const std::filesystem::path file = arguments.output / "packed.safetensors";
  if (std::filesystem::exists(arguments.output)) CheckOutputFile(file, arguments.force);
  const auto runtime = Runtime::Create({.threads = arguments.threads, .instruction_set = {}});
  PackCheckpoint(ResolveModel(arguments.input), arguments.output, *arguments.precision, runtime);
  if (arguments.quiet) return;
  std::cout << arguments.output.string() << ": packed for " << runtime->instruction_set() << ", "
            << FormatBytes(static_cast<int64_t>(std::filesystem::file_size(file))) << "\n";
}

}  // namespace

void AddConvert(CLI::App& app) {
  auto arguments = std::make_shared<ConvertArguments>();
  CLI::App* command = app.add_subcommand("convert", "Pack a checkpoint, so that it starts at once");
  command->add_option("IN", arguments->input, "Checkpoint: any that --model takes")
      ->type_name(kModelType)
      ->required();
  command->add_option("OUT", arguments->output, "Folder to write; --model takes it like any other")
      ->type_name("DIR")
      ->required();
  AddPrecisionOption(*command, arguments->precision);
  AddThreadsOption(*command, arguments->threads);
  command->add_flag("--force", arguments->force, "Replace the output if it exists");
  AddQuietOption(*command, arguments->quiet);
  command->footer(
      "The packed weights are laid out for the instruction sets of this machine, mapped when they "
      "are used and shared among processes. Results have the same bits as those of IN with the "
      "same --precision.\n"
      "Example:\n  siglip convert --precision int8 siglip-base-patch16-224 siglip-base-int8");
  command->callback([arguments] { Convert(*arguments); });
}

}  // namespace siglip::cli
