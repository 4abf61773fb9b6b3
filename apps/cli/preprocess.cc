// siglip preprocess: pictures to pixel_values, exactly as the model is fed, into a file.
#include <CLI/CLI.hpp>
#include <algorithm>
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

#include "commands.h"
#include "exit_codes.h"
#include "options.h"
#include "output_file.h"
#include "siglip/error.h"
#include "siglip/hub.h"
#include "siglip/image_processor.h"
#include "siglip/safetensors.h"
#include "text.h"

namespace siglip::cli {
namespace {

struct PreprocessCommandArguments {
  std::string model;  // folder or name
  std::filesystem::path output;
  std::vector<std::string> paths;
  PreprocessArguments preprocess;
  std::optional<std::array<int64_t, 2>> size;  // height, width
  std::optional<Resample> resample;
  bool no_exif = false;
  bool rgb = false;
  bool force = false;
};

/// "48x64" -> {48, 64}. Throws CLI::ValidationError.
std::array<int64_t, 2> ParseImageSize(const std::string& text) {
  std::array<int64_t, 2> size = {0, 0};
  const char* const end = text.data() + text.size();
  std::from_chars_result parsed = std::from_chars(text.data(), end, size[0]);
  if (parsed.ec == std::errc() && parsed.ptr != end && *parsed.ptr == 'x') {
    parsed = std::from_chars(parsed.ptr + 1, end, size[1]);
  }
  if (parsed.ec != std::errc() || parsed.ptr != end || size[0] < 1 || size[1] < 1) {
    throw CLI::ValidationError("--size", "'" + text + "' is not HEIGHTxWIDTH, such as 224x224");
  }
  return size;
}

Resample ParseFilter(const std::string& text) {
  try {
    return ParseResample(text);
  } catch (const Error& error) {
    throw CLI::ValidationError("--resample", error.what());
  }
}

SiglipImageProcessor MakeProcessor(const PreprocessCommandArguments& arguments) {
  const PreprocessMode mode = arguments.preprocess.mode;
  ImageProcessorConfig config = SiglipImageProcessor::FromPretrained(
                                    ResolveModel(arguments.model, {}, ModelFiles::kAny), mode)
                                    .config();
  if (arguments.size) {
    config.do_resize = true;
    config.height = (*arguments.size)[0];
    config.width = (*arguments.size)[1];
    config.shortest_edge = 0;
  }
  if (arguments.resample) config.resample = *arguments.resample;
  return SiglipImageProcessor(config, mode);
}

/// What is to be written: the rows made so far and, if asked for, the pictures behind them.
class Collector {
 public:
  Collector(const SiglipImageProcessor& processor, const DecodeOptions& decode, int64_t pictures,
            bool keep_rgb)
      : processor_(processor), decode_(decode), pictures_(pictures), keep_rgb_(keep_rgb) {}

  /// Throws Error(kMismatch) when the output size differs from that of the pictures before.
  void Add(const std::string& path, int64_t row) {
    const Tensor pixels = processor_.PreprocessFile(path, decode_);
    const int64_t height = pixels.dim(1);
    const int64_t width = pixels.dim(2);
    if (!pixel_values_) pixel_values_.emplace(DType::kF32, Shape{pictures_, 3, height, width});
    if (pixel_values_->dim(2) != height || pixel_values_->dim(3) != width) {
      throw Error(ErrorCode::kMismatch,
                  path + ": becomes " + std::to_string(height) + "x" + std::to_string(width) +
                      ", the pictures before it " + std::to_string(pixel_values_->dim(2)) + "x" +
                      std::to_string(pixel_values_->dim(3)),
                  "--size HxW makes them equal");
    }
    std::ranges::copy(pixels.floats(), pixel_values_->floats().begin() + row * pixels.size());
    // A path given twice is one tensor: names are unique.
    if (keep_rgb_ && rgb_paths_.insert(path).second) {
      rgb_.emplace_back(path, DecodeImageFile(path, decode_));
    }
  }

  void Write(const std::filesystem::path& output) const {
    NamedTensors tensors = {{"pixel_values", pixel_values_->view()}};
    for (const auto& [path, image] : rgb_) {
      tensors.emplace_back(path + "/rgb",
                           TensorView{DType::kU8,
                                      {image.height, image.width, 3},
                                      std::as_bytes(std::span<const uint8_t>(image.rgb))});
    }
    WriteSafetensors(output, tensors);
  }

 private:
  const SiglipImageProcessor& processor_;
  const DecodeOptions& decode_;
  const int64_t pictures_;
  const bool keep_rgb_;
  std::optional<Tensor> pixel_values_;  // [pictures, 3, height, width], made at the first picture
  std::vector<std::pair<std::string, Image>> rgb_;
  std::set<std::string> rgb_paths_;
};

void Preprocess(const PreprocessCommandArguments& arguments) {
  CheckOutputFile(arguments.output, arguments.force);
  const SiglipImageProcessor processor = MakeProcessor(arguments);
  DecodeOptions decode = arguments.preprocess.decode;
  if (arguments.no_exif) decode.apply_exif_orientation = false;

  Collector collector(processor, decode, std::ssize(arguments.paths), arguments.rgb);
  bool failed = false;
  for (size_t i = 0; i < arguments.paths.size(); ++i) {
    const std::string& path = arguments.paths[i];
    try {
      collector.Add(path, static_cast<int64_t>(i));
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
  collector.Write(arguments.output);
}

}  // namespace

void AddPreprocess(CLI::App& app) {
  auto arguments = std::make_shared<PreprocessCommandArguments>();
  CLI::App* command =
      app.add_subcommand("preprocess", "Write pictures as pixel_values, as the model is fed");
  AddModelOption(*command, arguments->model);
  command->add_option("--output", arguments->output, "safetensors file to write")
      ->type_name("FILE")
      ->required();
  command->add_option("PATH", arguments->paths, "Pictures, one row of pixel_values each")
      ->required();
  AddPreprocessOptions(*command, arguments->preprocess);
  command->add_flag("--no-exif", arguments->no_exif, "Leave EXIF orientation alone");
  command
      ->add_option_function<std::string>(
          "--size",
          [arguments](const std::string& text) { arguments->size = ParseImageSize(text); },
          "Resize to this instead of the model's size")
      ->type_name("HxW");
  command
      ->add_option_function<std::string>(
          "--resample",
          [arguments](const std::string& text) { arguments->resample = ParseFilter(text); },
          "Filter instead of the model's: nearest, box, bilinear, hamming, bicubic or lanczos")
      ->type_name("NAME");
  command->add_flag("--rgb", arguments->rgb,
                    "Write each decoded picture as PATH/rgb, uint8 [H, W, 3], as well");
  command->add_flag("--force", arguments->force, "Replace the output if it exists");
  command->footer(
      "Example:\n  siglip preprocess --model siglip-base-patch16-224 --output pixels.safetensors "
      "cat.jpg dog.png");
  command->callback([arguments] { Preprocess(*arguments); });
}

}  // namespace siglip::cli
