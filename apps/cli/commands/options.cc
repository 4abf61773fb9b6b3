#include "commands/options.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <string>
#include <utility>

#include "commands/threads_warning.h"
#include "siglip/error.hpp"
#include "siglip/image.hpp"
#include "siglip/runtime.hpp"

namespace siglip::cli {

CLI::Option* AddParsedOption(CLI::App& command, const std::string& name,
                             std::function<void(const std::string&)> parse,
                             const std::string& description) {
  const auto checked = [name, parse = std::move(parse)](const std::string& text) {
    try {
      parse(text);
    } catch (const Error& error) {
      throw CLI::ValidationError(name, error.what());
    }
  };
  return command.add_option_function<std::string>(name, checked, description);
}

int64_t ParseSize(const std::string& text, int64_t thousand) {
  const Error wrong(
      ErrorCode::kInvalidArgument,
      "expected a positive number, optionally followed by K, M, G or T, found '" + text + "'");
  double value = 0;
  const char* end = text.data() + text.size();
  const auto [rest, status] = std::from_chars(text.data(), end, value);
  if (status != std::errc() || end - rest > 1) throw wrong;
  if (rest != end) {
    const size_t power = std::string_view("KMGT").find(
        static_cast<char>(std::toupper(static_cast<unsigned char>(*rest))));
    if (power == std::string_view::npos) throw wrong;
    value *= std::pow(static_cast<double>(thousand), static_cast<double>(power + 1));
  }
  if (!(value >= 1 && value < 0x1p62)) throw wrong;
  return static_cast<int64_t>(value);
}

CLI::Option* AddModelOption(CLI::App& command, std::string& model) {
  model = ModelOfEnvironment();
  return command.add_option("--model", model, kModelHelp)
      ->type_name(kModelType)
      ->required(model.empty());
}

std::string ModelOfEnvironment() {
  const char* const model = std::getenv("SIGLIP_MODEL");
  return model == nullptr ? "" : model;
}

CLI::Option* AddOutputOption(CLI::App& command, std::filesystem::path& output,
                             const std::string& description) {
  return command.add_option("--output,-o", output, description)->type_name("FILE");
}

CLI::Option* AddForceOption(CLI::App& command, bool& force) {
  return command.add_flag("--force", force, "Replace the output if it exists");
}

CLI::Validator InRange(int64_t least, int64_t most) {
  const std::string range = most == std::numeric_limits<int64_t>::max()
                                ? "of at least " + std::to_string(least)
                                : "from " + std::to_string(least) + " to " + std::to_string(most);
  const auto check = [=](const std::string& text) -> std::string {
    int64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    const bool number = error == std::errc() && end == text.data() + text.size();
    if (number && value >= least && value <= most) return "";
    return "expected a whole number " + range + ", found '" + text + "'";
  };
  return {check, ""};
}

std::vector<int64_t> ParseList(const std::string& text, const CLI::Validator& check) {
  std::vector<int64_t> values;
  for (size_t begin = 0; begin <= text.size();) {
    const size_t end = std::min(text.find(',', begin), text.size());
    std::string value = text.substr(begin, end - begin);
    const std::string wrong = check(value);
    if (!wrong.empty()) throw Error(ErrorCode::kInvalidArgument, wrong);
    values.push_back(std::stoll(value));
    begin = end + 1;
  }
  return values;
}

CLI::Option* AddThreadsOption(CLI::App& command, int& threads) {
  return command
      .add_option("--threads", threads,
                  "Threads to compute on; 0: all CPUs this process may use. Never changes a result")
      ->type_name("N")
      ->check(InRange(0, kMostThreads))
      ->each(WarnOfManyThreads)
      ->capture_default_str();
}

CLI::Option* AddPrecisionOption(CLI::App& command, PrecisionChoice& precision) {
  return AddParsedOption(
             command, "--precision",
             [&precision](const std::string& text) { precision = ParsePrecisionChoice(text); },
             "What is multiplied: f32 (equal to the reference; the default, but for a packed "
             "checkpoint, which has its own), bf16 or int8 (less memory and time, close to it), or "
             "auto (the fastest on this CPU)")
      ->type_name("f32|bf16|int8|auto");
}

CLI::Option* AddFastDecodeOption(CLI::App& command, bool& fast) {
  return command.add_flag("--fast-decode", fast,
                          "Decode large JPEGs at a fraction of their size: faster, not exact");
}

void AddPreprocessOptions(CLI::App& command, PreprocessArguments& arguments) {
  AddParsedOption(
      command, "--preprocess",
      [&](const std::string& text) { arguments.mode = ParsePreprocessMode(text); },
      "Whose pixels resizing reproduces: torchvision (transformers from 5 on, and the default of "
      "its folders), pillow (up to 12.1) or pillow13 (the default of timm's and open_clip's)")
      ->type_name("torchvision|pillow|pillow13");
  AddParsedOption(
      command, "--alpha",
      [&](const std::string& text) { arguments.decode.alpha = ParseAlphaPolicy(text); },
      "Transparency: white (put on white, as transformers from 5.22 on) or drop (ignore it)")
      ->type_name("white|drop")
      ->default_str("white");
  AddFastDecodeOption(command, arguments.decode.fast);
  DecodeLimits& limits = arguments.decode.limits;
  AddParsedOption(
      command, "--max-pixels",
      [&](const std::string& text) { limits.max_pixels = ParseSize(text, 1000); },
      "Refuse pictures of more pixels; K, M, G count by thousands")
      ->type_name("N")
      ->default_str(std::to_string(limits.max_pixels))
      ->group("Limits");
  AddParsedOption(
      command, "--max-file-bytes",
      [&](const std::string& text) { limits.max_file_bytes = ParseSize(text, 1024); },
      "Refuse larger files; K, M, G count by 1024")
      ->type_name("SIZE")
      ->default_str("256M")
      ->group("Limits");
  AddParsedOption(
      command, "--max-memory",
      [&](const std::string& text) { limits.max_memory_bytes = ParseSize(text, 1024); },
      "Refuse pictures that need more memory to decode; K, M, G count by 1024")
      ->type_name("SIZE")
      ->default_str("2G")
      ->group("Limits");
}

CLI::Option* AddMaxNumPatchesOption(CLI::App& command, int64_t& max_num_patches) {
  return command
      .add_option("--max-num-patches", max_num_patches,
                  "Of NaFlex models: as many patches as a picture may have, instead of what the "
                  "checkpoint says")
      ->type_name("N")
      ->check(InRange(1));
}

CLI::Option* AddQuietOption(CLI::App& command, bool& quiet) {
  return command.add_flag("--quiet,-q", quiet, "Neither progress nor summary; errors still show");
}

CLI::Option* AddJsonOption(CLI::App& command, bool& json) {
  return command.add_flag("--json", json, "Machine-readable output");
}

}  // namespace siglip::cli
