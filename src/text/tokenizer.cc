// What all tokenizers share, and which of them a folder asks for.
#include "siglip/transformers/tokenizer.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "base/file_system.h"
#include "base/json.h"
#include "base/model_folder.h"
#include "hub/model_path.h"
#include "siglip/error.hpp"
#include "text/json_tokenizer.h"
#include "text/siglip_tokenizer.h"
#include "text/text_cleaning.h"
#include "text/text_input.h"
#include "text/tokenizer_config.h"
#include "text/tokenizer_json.h"
#include "text/unicode_text.h"

namespace siglip {
namespace {

/// The classes of transformers by what tokenizer_config.json calls them, with "Fast" behind them or
/// not.
struct NamedClass {
  std::string_view name;
  JsonTokenizerClass type;
};
constexpr std::array<NamedClass, 5> kJsonClasses = {
    {{"Siglip2Tokenizer", JsonTokenizerClass::kSiglip2},
     {"GemmaTokenizer", JsonTokenizerClass::kGemma},
     {"T5Tokenizer", JsonTokenizerClass::kT5},
     {"PreTrainedTokenizer", JsonTokenizerClass::kBackend},
     {"TokenizersBackend", JsonTokenizerClass::kBackend}}};

/// By the class that tokenizer_config.json names, else by the files that are there: null stands for
/// spiece.model. Checkpoints of SigLIP may hold a tokenizer.json beside it, which only open_clip
/// reads; those of SigLIP 2 have no spiece.model.
std::optional<JsonTokenizerClass> ClassOf(const std::filesystem::path& folder,
                                          const TokenizerConfig& config, bool is_open_clip) {
  std::string_view type = config.tokenizer_class;
  if (type == "SiglipTokenizer") return std::nullopt;
  if (type.ends_with("Fast")) type.remove_suffix(4);
  const auto found = std::ranges::find(kJsonClasses, type, &NamedClass::name);
  if (found != kJsonClasses.end()) return found->type;
  if (!type.empty()) {
    throw Error(ErrorCode::kUnsupported,
                config.name +
                    ": field 'tokenizer_class': expected \"SiglipTokenizer\", "
                    "\"Siglip2Tokenizer\", \"GemmaTokenizer\", \"T5Tokenizer\" or "
                    "\"TokenizersBackend\", found \"" +
                    config.tokenizer_class + "\"");
  }
  const bool has_json = FileExists(folder / "tokenizer.json");
  if (has_json && is_open_clip) return JsonTokenizerClass::kBackend;
  if (FileExists(folder / "spiece.model")) return std::nullopt;
  return JsonTokenizerClass::kBackend;
}

void CheckHasTokenizer(const std::filesystem::path& folder) {
  for (const char* name : {"spiece.model", "tokenizer.json"}) {
    if (FileExists(folder / name)) return;
  }
  throw DiagnoseFolder(
      folder, Error(ErrorCode::kNotFound, folder.string() + ": no tokenizer",
                    "expected spiece.model (SigLIP) or tokenizer.json (SigLIP 2, open_clip)"));
}

/// What a class of transformers makes of a file.
TokenizerJson ParseFor(const JsonTokenizerSetup& setup, const Json& json, const std::string& name) {
  if (setup.type == JsonTokenizerClass::kT5) return ParseT5TokenizerJson(json, name);
  if (setup.type == JsonTokenizerClass::kBackend || !setup.is_open_clip || setup.keep_file_case) {
    return ParseTokenizerJson(json, name);
  }
  return ParseGemmaTokenizerJson(json, name);
}

}  // namespace

std::unique_ptr<Tokenizer> Tokenizer::FromPretrained(const std::filesystem::path& model,
                                                     const TokenizerOptions& options) {
  const std::filesystem::path folder = FindModel(model, ModelFiles::kAny);
  CheckHasTokenizer(folder);
  const TokenizerConfig config = ReadTokenizerConfig(folder);
  const TextInput input = ReadTextInput(folder, config);
  const int64_t max_length = options.max_length != 0 ? options.max_length : input.max_length;
  const auto type = ClassOf(folder, config, input.is_open_clip);
  std::unique_ptr<Tokenizer> tokenizer;
  if (!type) {
    tokenizer = std::make_unique<SiglipTokenizer>(folder / "spiece.model", config, max_length);
  } else {
    const std::filesystem::path path = folder / "tokenizer.json";
    const JsonTokenizerSetup setup = {*type, config, max_length, options.keep_file_case,
                                      input.is_open_clip};
    tokenizer = std::make_unique<JsonTokenizer>(ParseFor(setup, ParseJsonFile(path), path.string()),
                                                setup, path.string());
  }
  tokenizer->cleaning_ = input.cleaning;
  return tokenizer;
}

void Tokenizer::SetFraming(Framing framing) {
  const int64_t least =
      std::max<int64_t>(1, std::ssize(framing.before) + std::ssize(framing.after));
  if (framing.max_length < least || framing.max_length > kMaxTokensPerText) {
    throw Error(ErrorCode::kInvalidArgument, "tokenizer: expected " + std::to_string(least) +
                                                 " to " + std::to_string(kMaxTokensPerText) +
                                                 " ids per text, found " +
                                                 std::to_string(framing.max_length));
  }
  framing_ = std::move(framing);
}

size_t Tokenizer::Tokenize(std::string_view text, std::span<int64_t> row) const {
  const auto length = static_cast<size_t>(framing_.max_length);
  if (row.size() != length) {
    throw Error(ErrorCode::kMismatch, "tokenizer: room for " + std::to_string(row.size()) +
                                          " ids, expected " + std::to_string(length));
  }
  if (text.size() > kMaxTextBytes) {
    throw Error(ErrorCode::kLimitExceeded, "text: " + std::to_string(text.size()) +
                                               " bytes, allowed are " +
                                               std::to_string(kMaxTextBytes));
  }
  std::vector<int32_t> ids;
  Encode(CleanText(ToValidUtf8(text), cleaning_), ids);
  ids.resize(std::min(ids.size(), length - framing_.before.size() - framing_.after.size()));
  const bool has_end =
      framing_.after_once &&
      std::ranges::equal(std::span(ids).last(std::min(ids.size(), framing_.after.size())),
                         framing_.after);

  auto end = std::ranges::copy(framing_.before, row.begin()).out;
  end = std::ranges::copy(ids, end).out;
  if (!has_end) end = std::ranges::copy(framing_.after, end).out;
  std::fill(end, row.end(), framing_.pad_id);
  const auto count = static_cast<size_t>(end - row.begin());
  if (framing_.pads_left) std::rotate(row.begin(), end, row.end());
  return count;
}

Tensor Tokenizer::operator()(std::span<const std::string> texts) const {
  if (texts.empty()) throw Error(ErrorCode::kInvalidArgument, "tokenizer: no texts given");
  Tensor input_ids(DType::kI64, {std::ssize(texts), framing_.max_length});
  const auto length = static_cast<size_t>(framing_.max_length);
  for (size_t i = 0; i < texts.size(); ++i) {
    Tokenize(texts[i], input_ids.values<int64_t>().subspan(i * length, length));
  }
  return input_ids;
}

}  // namespace siglip
