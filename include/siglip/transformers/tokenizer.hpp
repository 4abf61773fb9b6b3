// From texts to input_ids, as the tokenizers of SigLIP and SigLIP 2 make them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "siglip/export.hpp"
#include "siglip/tensor.hpp"

namespace siglip {

/// A longer text is refused before anything is allocated.
inline constexpr size_t kMaxTextBytes = size_t{2} << 20;
inline constexpr int64_t kMaxTokensPerText = 65536;

/// What open_clip does to texts before it tokenizes them: ftfy's fixes (but for mojibake), HTML's
/// entities, then this.
enum class TextCleaning {
  kNone,          ///< Nothing at all: models of other projects.
  kWhitespace,    ///< Every stretch of white space is one space, none at the ends.
  kLower,         ///< The same, in lower case.
  kCanonicalize,  ///< The same with underscores as spaces and without ASCII punctuation.
};

struct TokenizerOptions {
  /// Ids per text; 0 stands for what the model's files say.
  int64_t max_length = 0;
  /// SigLIP 2 was trained on lower-case text, but tokenizer.json files of its first releases leave
  /// the case alone; texts are lower-cased whatever the file says. True obeys the file instead.
  bool keep_file_case = false;
};

/// Immutable, and safe to use from several threads at once.
class SIGLIP_EXPORT Tokenizer {
 public:
  /// Reads the tokenizer files of a folder: spiece.model (SigLIP) or tokenizer.json (SigLIP 2,
  /// open_clip), and tokenizer_config.json, whose tokenizer_class decides where both are there.
  /// Texts get the length of config.json (text_config.max_position_embeddings) or of
  /// open_clip_config.json (context_length), which also says how they are cleaned; with both, the
  /// one that describes the weights counts, and config.json without weights. Else the length is
  /// that of tokenizer_config.json (model_max_length), else 64. Throws Error, also for what
  /// open_clip_config.json asks for and this library does not do.
  static std::unique_ptr<Tokenizer> FromPretrained(const std::filesystem::path& folder,
                                                   const TokenizerOptions& options = {});
  virtual ~Tokenizer() = default;
  Tokenizer(const Tokenizer&) = delete;
  Tokenizer& operator=(const Tokenizer&) = delete;

  /// Texts -> input_ids, I64 [texts, max_length]. Bytes that are no UTF-8 count as U+FFFD. Throws
  /// Error(kLimitExceeded) for a text beyond kMaxTextBytes, Error(kInvalidArgument) without texts.
  Tensor operator()(std::span<const std::string> texts) const;

  /// One text -> its row of input_ids: cut to max_length() with the end token kept, or padded on
  /// the right (the left if pads_left()), since the model never saw a text without its padding.
  /// `row` must hold exactly max_length() ids. Returns how many of them are not padding. Throws
  /// Error(kLimitExceeded) for a text that cleaning or normalising makes too long.
  size_t Tokenize(std::string_view text, std::span<int64_t> row) const;

  int64_t max_length() const { return framing_.max_length; }
  int64_t pad_id() const { return framing_.pad_id; }
  /// Whether padding stands before the ids, as in some folders of open_clip.
  bool pads_left() const { return framing_.pads_left; }
  /// As the folder's open_clip_config.json says; kNone where it has none that counts.
  TextCleaning cleaning() const { return cleaning_; }

  /// The reference's name: "SiglipTokenizer", "Siglip2Tokenizer" for byte pairs, "T5Tokenizer", or
  /// "TokenizersBackend" for other unigram models.
  virtual std::string_view name() const = 0;
  /// One more than the largest id of the files' tokens. Special tokens that a class adds to them,
  /// such as T5's <extra_id_0>, may have larger ids, which no text tower takes.
  virtual int64_t vocab_size() const = 0;
  /// The text of a piece, with U+2581 for a space. Throws Error(kInvalidArgument) for an id that
  /// has none.
  virtual std::string Piece(int64_t id) const = 0;

 protected:
  /// What is put around the ids of a text.
  struct Framing {
    int64_t max_length = 0;
    std::vector<int32_t> before;
    std::vector<int32_t> after;
    bool after_once = false;  ///< `after` is left out where the cut ids end with it already.
    int64_t pad_id = 0;
    bool pads_left = false;  ///< Padding stands before the ids.
  };
  Tokenizer() = default;
  /// Called once, when constructed. Throws Error(kInvalidArgument) for a length that has no room.
  void SetFraming(Framing framing);

 private:
  /// Ids of all of the text, which is valid UTF-8.
  virtual void Encode(std::string_view text, std::vector<int32_t>& ids) const = 0;

  Framing framing_;
  TextCleaning cleaning_ = TextCleaning::kNone;
};

}  // namespace siglip
