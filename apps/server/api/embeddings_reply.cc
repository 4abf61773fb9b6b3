#include "server/api/embeddings_reply.h"

#include <array>
#include <bit>
#include <charconv>
#include <cmath>
#include <cstring>

#include "output/text.h"
#include "server/api/reply_text.h"
#include "siglip/error.hpp"

namespace siglip::server {
namespace {

constexpr size_t kMaxFloatBytes = 15;  // -1.17549435e-38

void AppendNumbers(std::span<const float> embedding, std::string& text) {
  std::array<char, kMaxFloatBytes + 1> number;
  text += '[';
  for (size_t i = 0; i < embedding.size(); ++i) {
    char* const end =
        std::to_chars(number.data(), number.data() + kMaxFloatBytes, embedding[i]).ptr;
    if (i > 0) text += ',';
    text.append(number.data(), end);
  }
  text += ']';
}

void AppendBase64(std::span<const float> embedding, std::string& text) {
  static_assert(std::endian::native == std::endian::little);
  text += '"';
  text += Base64({reinterpret_cast<const char*>(embedding.data()), embedding.size_bytes()});
  text += '"';
}

}  // namespace

std::string EmbeddingsReplyBegin(std::string_view model) { return ListBegin(model); }

void AppendEmbedding(size_t index, std::span<const float> embedding, EncodingFormat format,
                     bool is_first, std::string& text) {
  for (const float number : embedding) CheckFinite(number, index);
  if (!is_first) text += ',';
  text += "{\"object\":\"embedding\",\"index\":" + std::to_string(index) + ",\"embedding\":";
  if (format == EncodingFormat::kFloat) {
    AppendNumbers(embedding, text);
  } else {
    AppendBase64(embedding, text);
  }
  text += '}';
}

std::string EmbeddingsReplyEnd(int64_t tokens, std::span<const ItemError> errors) {
  const std::string count = std::to_string(tokens);
  std::string text = "],\"usage\":{\"prompt_tokens\":" + count + ",\"total_tokens\":" + count + "}";
  if (!errors.empty()) text += ",\"errors\":" + ItemErrorsJson(errors);
  return text + "}\n";
}

uint64_t EmbeddingBytes(int64_t dimension, EncodingFormat format) {
  constexpr uint64_t kAround = 80;  // names, and an index of 20 digits
  const auto numbers = static_cast<uint64_t>(dimension);
  return kAround + (format == EncodingFormat::kFloat ? numbers * (kMaxFloatBytes + 1)
                                                     : (numbers * sizeof(float) + 2) / 3 * 4);
}

uint64_t EmbeddingsReplyBytes(std::string_view model, size_t embeddings, int64_t dimension,
                              EncodingFormat format) {
  constexpr uint64_t kUsage = 100;  // with two counts of 20 digits
  return EmbeddingsReplyBegin(model).size() + embeddings * EmbeddingBytes(dimension, format) +
         kUsage;
}

}  // namespace siglip::server
