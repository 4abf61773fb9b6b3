#include "commands/index_arguments.h"

#include <charconv>
#include <limits>
#include <string_view>
#include <system_error>

#include "siglip/checkpoint.hpp"
#include "siglip/error.hpp"
#include "siglip/hub.hpp"

namespace siglip::cli {
namespace {

bool IsGiven(const CLI::App& command, const std::string& option) {
  return command.count(option) > 0;
}

/// The options that decide what the embeddings of an index are.
void Adopt(const Fingerprint& fingerprint, bool variable_resolution, const CLI::App& command,
           EmbedderArguments& embedder) {
  if (!IsGiven(command, "--precision")) embedder.precision = fingerprint.precision;
  if (!fingerprint.pictures) return;
  const PictureFingerprint& pictures = *fingerprint.pictures;
  PreprocessArguments& preprocess = embedder.preprocess;
  if (!IsGiven(command, "--preprocess")) preprocess.mode = pictures.preprocess;
  if (!IsGiven(command, "--alpha")) preprocess.decode.alpha = pictures.alpha;
  if (!IsGiven(command, "--fast-decode")) preprocess.decode.fast = pictures.fast_decode;
  if (variable_resolution && !IsGiven(command, "--max-num-patches")) {
    embedder.max_num_patches = pictures.max_num_patches;
  }
}

}  // namespace

CLI::Option* AddIndexOption(CLI::App& command, std::filesystem::path& index) {
  return command
      .add_option("--index", index,
                  "Folder of the index. Default: what SIGLIP_INDEX in the environment says, else "
                  "~/.local/share/siglip/index")
      ->type_name("DIR")
      ->envname("SIGLIP_INDEX");
}

std::filesystem::path IndexFolder(const std::filesystem::path& index) {
  return index.empty() ? DefaultIndexFolder() : std::filesystem::absolute(index);
}

void AddIndexEmbedderOptions(CLI::App& command, IndexEmbedderArguments& arguments) {
  arguments.command = &command;
  command
      .add_option(
          "--model", arguments.embedder.model,
          std::string(kModelHelp) + ". For an index that is there: the one it was made with")
      ->type_name(kModelType);
  AddEmbedderOptions(command, arguments.embedder);
}

std::string RecordedModel(const IndexEmbedderArguments& arguments,
                          const std::optional<IndexSpace>& space) {
  std::string model = arguments.embedder.model;
  if (model.empty() && space) model = space->model;
  if (model.empty()) model = ModelOfEnvironment();
  if (model.empty()) {
    throw CLI::ValidationError(
        "--model", "is required for a new index, unless SIGLIP_MODEL in the environment names one");
  }
  std::error_code ignored;
  if (!std::filesystem::exists(model, ignored)) return model;  // a name, or an error
  return std::filesystem::absolute(model).lexically_normal().string();
}

Embedder OpenIndexEmbedder(const IndexEmbedderArguments& arguments,
                           const std::optional<IndexSpace>& space, const EmbedderUse& use) {
  EmbedderArguments embedder = arguments.embedder;
  const std::filesystem::path folder = ResolveModel(RecordedModel(arguments, space));
  if (space) {
    const bool variable = FindParts(folder).resolution == Resolution::kNaflex;
    Adopt(space->fingerprint, variable, *arguments.command, embedder);
  }
  return OpenEmbedder(folder, embedder, use);
}

int64_t ParseAge(const std::string& text) {
  constexpr std::string_view kUnits = "smhd";
  constexpr int64_t kSeconds[] = {1, 60, 3600, 86400};
  int64_t count = 0;
  const char* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, count);
  const size_t unit = end - rest == 1 ? kUnits.find(*rest) : std::string_view::npos;
  if (error != std::errc() || unit == std::string_view::npos || count < 0 ||
      count > std::numeric_limits<int32_t>::max()) {
    throw Error(ErrorCode::kInvalidArgument,
                "expected a number with s, m, h or d for seconds, minutes, hours or days, found '" +
                    text + "'");
  }
  return count * kSeconds[unit];
}

}  // namespace siglip::cli
