// siglip convert: a checkpoint in another form.
#include <CLI/CLI.hpp>
#include <filesystem>
#include <iostream>
#include <memory>
#include <string>

#include "commands/commands.h"
#include "commands/convert_to_hf.h"
#include "commands/options.h"
#include "outputs/checkpoint_folder.h"
#include "siglip/checkpoint.hpp"
#include "siglip/hub.hpp"
#include "terminal/format.h"
#include "terminal/interrupt.h"

namespace siglip::cli {
namespace {

constexpr char kPackedFile[] = "packed.safetensors";

struct ConvertArguments {
  std::string input;  // folder, file or name
  std::filesystem::path output;
  std::string format;
  PrecisionChoice precision;
  int threads = 0;
  bool force = false;
  bool quiet = false;
};

void Pack(const std::filesystem::path& input, const ConvertArguments& arguments) {
  const std::filesystem::path file = arguments.output / kPackedFile;
  RefuseToReplaceInput(input, arguments.output, kPackedFile);
  if (!arguments.force) RefuseExistingCheckpoint(arguments.output);
  const auto runtime = Runtime::Create({.threads = arguments.threads, .instruction_set = {}});
  PackCheckpoint(input, arguments.output, arguments.precision, runtime,
                 {.replace = arguments.force, .stop = &CatchInterrupts()});
  if (arguments.quiet) return;
  std::cout << arguments.output.string() << ": packed for " << runtime->instruction_set() << ", "
            << FormatBytes(static_cast<int64_t>(std::filesystem::file_size(file))) << "\n";
}

void WriteHuggingFace(const std::filesystem::path& input, const ConvertArguments& arguments) {
  RefuseToReplaceInput(input, arguments.output, "model.safetensors");
  if (!arguments.force) RefuseExistingCheckpoint(arguments.output);
  const std::string summary = ConvertToHuggingFace(
      input, arguments.output, {.replace = arguments.force, .stop = &CatchInterrupts()});
  if (!arguments.quiet) std::cout << summary;
}

void Convert(const ConvertArguments& arguments) {
  CheckFolderName(arguments.output);
  const std::filesystem::path input = ResolveModel(arguments.input);
  if (arguments.format.empty()) {
    Pack(input, arguments);
  } else {
    WriteHuggingFace(input, arguments);
  }
}

}  // namespace

void AddConvert(CLI::App& app) {
  auto arguments = std::make_shared<ConvertArguments>();
  CLI::App* command = app.add_subcommand(
      "convert", "Pack a checkpoint, so that it starts at once, or write it as transformers does");
  command->add_option("IN", arguments->input, "Checkpoint: any that --model takes")
      ->type_name(kModelType)
      ->required();
  command->add_option("OUT", arguments->output, "Folder to write; --model takes it like any other")
      ->type_name("DIR")
      ->required();
  CLI::Option* precision = AddPrecisionOption(*command, arguments->precision);
  command->add_option("--to", arguments->format, "A folder of transformers, in float32")
      ->type_name("hf")
      ->check(CLI::IsMember({"hf"}).description(""))
      ->excludes(precision);
  AddThreadsOption(*command, arguments->threads);
  AddForceOption(*command, arguments->force);
  AddQuietOption(*command, arguments->quiet);
  command->footer(
      "The packed weights are laid out for the instruction sets of this machine, mapped when they "
      "are used and shared among processes. Results have the same bits as those of IN with the "
      "same --precision.\n"
      "Examples:\n  siglip convert --precision int8 siglip-base-patch16-224 siglip-base-int8\n"
      "  siglip convert --to hf webli_en_b16_224.npz siglip-base-patch16-224");
  command->callback([arguments, precision] {
    if (arguments->format.empty() && precision->empty()) {
      throw CLI::RequiredError("--precision or --to");
    }
    Convert(*arguments);
  });
}

}  // namespace siglip::cli
