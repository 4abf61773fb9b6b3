// What the numbers of an embedding depend on besides the picture or text: tells which embeddings
// may be mixed or compared.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "siglip/export.hpp"
#include "siglip/image.hpp"
#include "siglip/runtime.hpp"

namespace siglip {

/// What only embeddings of pictures depend on.
struct PictureFingerprint {
  /// The hash of the image tower's weights: SHA-256, 64 hexadecimal digits, the same in whatever
  /// layout and dtype they are stored (docs/checkpoints.md). Empty: left out.
  std::string image_weights;
  /// What the tower does with its weights that their shapes do not say, as JSON: hidden_act,
  /// layer_norm_eps, num_attention_heads.
  std::string image_architecture;
  PreprocessMode preprocess = PreprocessMode::kTorchvision;
  /// The fields of preprocessor_config.json that decide pixels, as JSON on one line, whoever wrote
  /// them and in whatever words.
  std::string preprocessing;
  AlphaPolicy alpha = AlphaPolicy::kWhite;
  bool exif_orientation = true;
  bool fast_decode = false;
  /// The most patches that a picture can have; where all have one size, as many as that is.
  int64_t max_num_patches = 0;
  /// Embeddings are last_hidden_state [N, D] instead of pooler_output [D].
  bool tokens = false;

  bool operator==(const PictureFingerprint&) const = default;
};

/// What only embeddings of texts depend on.
struct TextFingerprint {
  /// Of the text tower, as PictureFingerprint has them.
  std::string text_weights;
  std::string text_architecture;
  /// SHA-256 of what decides the ids of a text. Empty: left out.
  std::string tokenizer;

  bool operator==(const TextFingerprint&) const = default;
};

struct SIGLIP_EXPORT Fingerprint {
  std::optional<PictureFingerprint> pictures;  ///< Absent where only texts are embedded.
  std::optional<TextFingerprint> texts;        ///< Absent where only pictures are embedded.
  Precision precision = Precision::kFloat32;
  /// Instruction sets that give the same bits in this precision are one class, which is called by
  /// the first of them: "generic", "avx2", "avx512", "avx512_bf16", "amx", "neon_mmla".
  std::string instruction_set_class;
  int64_t dimension = 0;   ///< D
  bool normalize = false;  ///< Whether embeddings are divided by their L2 norm.

  bool operator==(const Fingerprint&) const = default;

  /// One JSON object on one line. Throws Error(kInvalidArgument) where a hash is left out.
  std::string ToJson() const;
  /// Reads what ToJson writes, strictly: throws Error(kMalformedFile) for fields that are missing,
  /// unknown, or have another type or range. `name` is what errors call the text.
  static Fingerprint FromJson(std::string_view json, const std::string& name);

  /// Every field and its value as users are told them, "fast decode": "yes"; hashes left out are
  /// not among them.
  std::map<std::string, std::string> InWords() const;
  /// Reads what InWords gives, among which there may be other words; absent where none is about
  /// pictures or texts. Throws Error(kMalformedFile), calling the words `name`, for fields that are
  /// missing, but for hashes, or have another type or range.
  static std::optional<Fingerprint> FromWords(const std::map<std::string, std::string>& words,
                                              const std::string& name);
};

/// When embeddings count as made in the same way.
enum class FingerprintRelation {
  /// They have the same bits: all fields are equal. Asked of embeddings that are put into one file.
  kSameBits,
  /// They can be compared: rounding may differ, and norms. Leaves out instruction_set_class and
  /// normalize, and what is about pictures or about texts where either has only the other.
  kComparable,
  /// The same where one is only looked up among the others, for which the precision makes little
  /// difference either.
  kComparableAsQuery,
};

/// A field by the name that users know, and its values.
struct FingerprintDifference {
  std::string name;
  std::string expected;
  std::string found;
};

/// "precision was int8, is now f32"
SIGLIP_EXPORT std::string ToString(const FingerprintDifference& difference);

/// The first field in which they differ, if they do. kComparable and kComparableAsQuery: two that
/// have nothing in common, one being of pictures and the other of texts, differ in that.
SIGLIP_EXPORT std::optional<FingerprintDifference> FirstDifference(const Fingerprint& expected,
                                                                   const Fingerprint& found,
                                                                   FingerprintRelation relation);

}  // namespace siglip
