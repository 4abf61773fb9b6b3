// What all tokenizers share, and which of them a folder asks for.
#include "siglip/tokenizer.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "base/json.h"
#include "base/model_folder.h"
#include "siglip/error.h"
#include "text/siglip2_tokenizer.h"
#include "text/siglip_tokenizer.h"
#include "text/tokenizer_config.h"
#include "text/tokenizer_json.h"
#include "text/unicode_text.h"

namespace siglip {
namespace {

enum class Kind { kSiglip, kSiglip2 };

/// By the class that tokenizer_config.json names, else by the files that are there. Checkpoints of
/// SigLIP may hold a tokenizer.json beside their spiece.model, those of SigLIP 2 have no
/// spiece.model.
Kind KindOf(const std::filesystem::path& folder, const TokenizerConfig& config) {
  constexpr std::array<std::string_view, 6> kSiglip2Classes = {
      "Siglip2Tokenizer",   "Siglip2TokenizerFast",    "GemmaTokenizer",
      "GemmaTokenizerFast", "PreTrainedTokenizerFast", "TokenizersBackend"};
  const std::string& type = config.tokenizer_class;
  if (type == "SiglipTokenizer") return Kind::kSiglip;
  if (std::ranges::find(kSiglip2Classes, type) != kSiglip2Classes.end()) return Kind::kSiglip2;
  if (!type.empty()) {
    throw Error(ErrorCode::kUnsupported,
                config.name +
                    ": field 'tokenizer_class': expected \"SiglipTokenizer\", "
                    "\"Siglip2Tokenizer\" or \"GemmaTokenizer\", found \"" +
                    type + "\"");
  }
  return std::filesystem::exists(folder / "spiece.model") ? Kind::kSiglip : Kind::kSiglip2;
}

void CheckHasTokenizer(const std::filesystem::path& folder) {
  for (const char* name : {"spiece.model", "tokenizer.json"}) {
    if (std::filesystem::exists(folder / name)) return;
  }
  throw DiagnoseFolder(folder,
                       Error(ErrorCode::kNotFound, folder.string() + ": no tokenizer",
                             "expected spiece.model (SigLIP) or tokenizer.json (SigLIP 2)"));
}

}  // namespace

std::unique_ptr<Tokenizer> Tokenizer::FromPretrained(const std::filesystem::path& folder,
                                                     const TokenizerOptions& options) {
  CheckModelPath(folder);
  CheckHasTokenizer(folder);
  const TokenizerConfig config = ReadTokenizerConfig(folder);
  const Kind kind = KindOf(folder, config);
  const int64_t max_length =
      options.max_length != 0 ? options.max_length : ReadMaxLength(folder, config);
  if (kind == Kind::kSiglip) {
    return std::make_unique<SiglipTokenizer>(folder / "spiece.model", config, max_length);
  }
  const std::filesystem::path path = folder / "tokenizer.json";
  return std::make_unique<Siglip2Tokenizer>(ParseTokenizerJson(ParseJsonFile(path), path.string()),
                                            config, max_length, options.keep_file_case,
                                            path.string());
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
  Encode(ToValidUtf8(text), ids);
  ids.resize(std::min(ids.size(), length - framing_.before.size() - framing_.after.size()));
  const bool has_end =
      framing_.after_once &&
      std::ranges::equal(std::span(ids).last(std::min(ids.size(), framing_.after.size())),
                         framing_.after);

  auto end = std::ranges::copy(framing_.before, row.begin()).out;
  end = std::ranges::copy(ids, end).out;
  if (!has_end) end = std::ranges::copy(framing_.after, end).out;
  std::fill(end, row.end(), framing_.pad_id);
  return static_cast<size_t>(end - row.begin());
}

Tensor Tokenizer::operator()(std::span<const std::string> texts) const {
  if (texts.empty()) throw Error(ErrorCode::kInvalidArgument, "tokenizer: no texts given");
  Tensor input_ids(DType::kI64, {std::ssize(texts), framing_.max_length});
  std::vector<int64_t> row(static_cast<size_t>(framing_.max_length));
  const size_t row_bytes = row.size() * sizeof(int64_t);
  for (size_t i = 0; i < texts.size(); ++i) {
    Tokenize(texts[i], row);
    std::memcpy(input_ids.bytes().data() + i * row_bytes, row.data(), row_bytes);
  }
  return input_ids;
}

}  // namespace siglip
