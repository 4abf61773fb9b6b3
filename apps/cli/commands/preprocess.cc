// siglip preprocess: pictures to pixel_values, exactly as the model is fed, into a file.
#include <CLI/CLI.hpp>
#include <array>
#include <charconv>
#include <cstddef>
#include <filesystem>
#include <iostream>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "commands/commands.h"
#include "commands/options.h"
#include "outputs/output_file.h"
#include "outputs/preprocess_output.h"
#include "siglip/error.hpp"
#include "siglip/hub.hpp"
#include "siglip/safetensors.hpp"
#include "siglip/transformers/image_processor.hpp"
#include "terminal/exit_codes.h"
#include "terminal/interrupt.h"
#include "terminal/text.h"

namespace siglip::cli {
namespace {

struct PreprocessCommandArguments {
  std::string model;  // folder or name
  std::filesystem::path output;
  std::vector<std::string> paths;
  PreprocessArguments preprocess;
  std::optional<std::array<int64_t, 2>> size;  // height, width
  std::optional<Resample> resample;
  int64_t max_num_patches = 0;
  bool no_exif = false;
  bool rgb = false;
  bool force = false;
};

// The longest side that a processor resizes to.
constexpr int64_t kLongestSide = 65536;

/// "48x64" -> {48, 64}. Throws Error(kInvalidArgument).
std::array<int64_t, 2> ParseImageSize(const std::string& text) {
  std::array<int64_t, 2> size = {0, 0};
  const char* const end = text.data() + text.size();
  std::from_chars_result parsed = std::from_chars(text.data(), end, size[0]);
  if (parsed.ec == std::errc() && parsed.ptr != end && *parsed.ptr == 'x') {
    parsed = std::from_chars(parsed.ptr + 1, end, size[1]);
  }
  if (parsed.ec != std::errc() || parsed.ptr != end || size[0] < 1 || size[1] < 1) {
    throw Error(ErrorCode::kInvalidArgument, "'" + text + "' is not HEIGHTxWIDTH, such as 224x224");
  }
  if (size[0] > kLongestSide || size[1] > kLongestSide) {
    throw Error(
        ErrorCode::kInvalidArgument,
        "expected sides from 1 to " + std::to_string(kLongestSide) + ", found '" + text + "'");
  }
  return size;
}

SiglipImageProcessor Changed(const SiglipImageProcessor& stored,
                             const PreprocessCommandArguments& arguments) {
  ImageProcessorConfig config = stored.config();
  if (arguments.size) {
    config.do_resize = true;
    config.shortest_edge = config.max_height = config.min_height = 0;
    config.height = (*arguments.size)[0];
    config.width = (*arguments.size)[1];
    config.do_center_crop = config.do_pad = false;
  }
  if (arguments.resample) config.resample = *arguments.resample;
  return {config, stored.mode()};
}

Siglip2ImageProcessor Changed(const Siglip2ImageProcessor& stored,
                              const PreprocessCommandArguments& arguments) {
  Siglip2ImageProcessorConfig config = stored.config();
  if (arguments.resample) config.resample = *arguments.resample;
  return {config, stored.mode()};
}

ImageProcessor MakeProcessor(const std::filesystem::path& folder,
                             const PreprocessCommandArguments& arguments) {
  const bool naflex = Siglip2ImageProcessor::IsFor(folder);
  if (naflex && arguments.size) {
    throw Error(ErrorCode::kInvalidArgument,
                folder.string() + ": --size is for models of fixed resolution");
  }
  const auto stored =
      ImageProcessor::FromPretrained(folder, naflex ? Resolution::kNaflex : Resolution::kFixed,
                                     arguments.preprocess.mode, arguments.max_num_patches);
  if (naflex) return Changed(*stored.naflex(), arguments);
  return Changed(*stored.fixed(), arguments);
}

/// Decoded pictures to be written as well.
class DecodedPictures {
 public:
  /// A path given twice is one tensor: names are unique.
  void Add(const std::string& path, const DecodeOptions& decode) {
    if (paths_.insert(path).second) pictures_.emplace_back(path, DecodeImageFile(path, decode));
  }

  void AppendTo(NamedTensors& tensors) const {
    for (const auto& [path, image] : pictures_) {
      tensors.emplace_back(path + "/rgb",
                           TensorView{DType::kU8,
                                      {image.height, image.width, 3},
                                      std::as_bytes(std::span<const uint8_t>(image.rgb))});
    }
  }

 private:
  std::vector<std::pair<std::string, Image>> pictures_;
  std::set<std::string> paths_;
};

void CheckOutputKeepsInputs(const std::filesystem::path& model,
                            const PreprocessCommandArguments& arguments) {
  InputFiles files;
  files.AddCheckpoint(model);
  for (const std::string& path : arguments.paths) files.Add(path);
  files.CheckOutput(arguments.output);
}

void Preprocess(const PreprocessCommandArguments& arguments) {
  CheckEnding(arguments.output, ".safetensors");
  CheckOutputFile(arguments.output, arguments.force);
  const std::filesystem::path folder = ResolveModel(arguments.model, {}, ModelFiles::kAny);
  CheckOutputKeepsInputs(folder, arguments);
  DecodeOptions decode = arguments.preprocess.decode;
  if (arguments.no_exif) decode.apply_exif_orientation = false;

  PreprocessedRows rows(MakeProcessor(folder, arguments), decode, std::ssize(arguments.paths));
  DecodedPictures decoded;
  bool failed = false;
  for (size_t i = 0; i < arguments.paths.size(); ++i) {
    const std::string& path = arguments.paths[i];
    try {
      rows.Set(static_cast<int64_t>(i), path);
      if (arguments.rgb) decoded.Add(path, decode);
    } catch (const Error& error) {
      std::cerr << "siglip: " << Printable(error.what()) << "\n";
      failed = true;
    }
  }
  // Rows of the output stand for the paths in their order, so one missing would shift the rest.
  if (failed) {
    std::cerr << "siglip: " << Printable(arguments.output.string()) << " was not written\n";
    throw ExitCode{kNothingDone};
  }
  NamedTensors tensors = rows.tensors();
  decoded.AppendTo(tensors);
  WriteSafetensors(arguments.output, tensors, {},
                   {.replace = arguments.force, .stop = &CatchInterrupts()});
}

}  // namespace

void AddPreprocess(CLI::App& app) {
  auto arguments = std::make_shared<PreprocessCommandArguments>();
  CLI::App* command =
      app.add_subcommand("preprocess", "Write pictures as pixel_values, as the model is fed");
  AddModelOption(*command, arguments->model);
  AddOutputOption(*command, arguments->output, "File to write, .safetensors")->required();
  command->add_option("PATH", arguments->paths, "Pictures, one row of pixel_values each")
      ->required();
  AddPreprocessOptions(*command, arguments->preprocess);
  command->add_flag("--no-exif", arguments->no_exif, "Leave EXIF orientation alone");
  AddParsedOption(
      *command, "--size",
      [arguments](const std::string& text) { arguments->size = ParseImageSize(text); },
      "Resize to this instead of the model's size")
      ->type_name("HxW");
  AddParsedOption(
      *command, "--resample",
      [arguments](const std::string& text) { arguments->resample = ParseResample(text); },
      "Filter instead of the model's")
      ->type_name("nearest|box|bilinear|hamming|bicubic|lanczos");
  AddMaxNumPatchesOption(*command, arguments->max_num_patches);
  command->add_flag("--rgb", arguments->rgb,
                    "Write each decoded picture as PATH/rgb, uint8 [H, W, 3], as well");
  AddForceOption(*command, arguments->force);
  command->footer(
      "Example:\n  siglip preprocess --model siglip-base-patch16-224 --output pixels.safetensors "
      "cat.jpg dog.png");
  command->callback([arguments] { Preprocess(*arguments); });
}

}  // namespace siglip::cli
