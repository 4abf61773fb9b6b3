// Texts into ids and embeddings, what compares embeddings, and what they depend on.
#include <algorithm>
#include <span>
#include <string>
#include <vector>

#include "c/arguments.h"
#include "c/failure.h"
#include "siglip/embedder.hpp"
#include "siglip/fingerprint.hpp"
#include "siglip/tensor.hpp"
#include "siglip/transformers/siglip_model.hpp"
#include "siglip/transformers/text_model.hpp"
#include "siglip/transformers/tokenizer.hpp"

namespace siglip {
namespace {

TensorView Rows(const char* name, const float* values, size_t rows, size_t dimension) {
  RequirePointer(name, values);
  const size_t count = Count(name, {rows, dimension});
  return {DType::kF32,
          {static_cast<int64_t>(rows), static_cast<int64_t>(dimension)},
          std::as_bytes(std::span(values, count))};
}

}  // namespace
}  // namespace siglip

siglip_status siglip_embed_texts(const siglip_embedder* embedder, const char* const* texts,
                                 const size_t* lengths, size_t n,
                                 const siglip_embed_options* options, float* embeddings,
                                 size_t value_count) {
  return siglip::Guarded([&] {
    const siglip::Embedder& used = siglip::Handle(embedder).embedder;
    const siglip::EmbedCall call = siglip::ReadEmbedOptions(options);
    const auto row = static_cast<size_t>(used.text_model().config().embedding_size());
    siglip::RequireRoom("embeddings", embeddings, value_count, siglip::Count("texts", {n, row}));
    const auto embedded = used.EmbedTexts(siglip::ReadTexts(texts, lengths, n), call.options);
    std::ranges::copy(embedded.floats(), embeddings);
  });
}

siglip_status siglip_tokenize(const siglip_embedder* embedder, const char* const* texts,
                              const size_t* lengths, size_t n, int64_t* input_ids,
                              size_t id_count) {
  return siglip::Guarded([&] {
    const siglip::Tokenizer& tokenizer = siglip::Handle(embedder).embedder.tokenizer();
    const auto row = static_cast<size_t>(tokenizer.max_length());
    siglip::RequireRoom("input_ids", input_ids, id_count, siglip::Count("texts", {n, row}));
    const siglip::Tensor ids = tokenizer(siglip::ReadTexts(texts, lengths, n));
    std::ranges::copy(ids.values<int64_t>(), input_ids);
  });
}

siglip_status siglip_compare(const siglip_embedder* embedder, const float* pictures, size_t m,
                             const float* texts, size_t n, size_t dimension, float* logits,
                             float* probabilities, size_t value_count) {
  return siglip::Guarded([&] {
    const siglip::Embedder& used = siglip::Handle(embedder).embedder;
    const siglip::TensorView left = siglip::Rows("pictures", pictures, m, dimension);
    const siglip::TensorView right = siglip::Rows("texts", texts, n, dimension);
    if (logits == nullptr) siglip::RequirePointer("probabilities", probabilities);
    siglip::RequireRoom("logits", logits != nullptr ? logits : probabilities, value_count,
                        siglip::Count("logits", {m, n}));
    // As Embedder::Probabilities.
    const siglip::Tensor compared =
        used.logits()(siglip::NormalizeRows(left), siglip::NormalizeRows(right));
    const siglip::Tensor sigmoids = siglip::Sigmoid(compared);
    if (logits != nullptr) std::ranges::copy(compared.floats(), logits);
    if (probabilities != nullptr) std::ranges::copy(sigmoids.floats(), probabilities);
  });
}

siglip_status siglip_fingerprint(const siglip_embedder* embedder, siglip_content content,
                                 const siglip_embed_options* options, char* text, size_t capacity,
                                 size_t* length) {
  return siglip::Guarded([&] {
    const siglip::Embedder& used = siglip::Handle(embedder).embedder;
    const siglip::TextBuffer buffer(text, capacity, length);
    const siglip::EmbedCall call = siglip::ReadEmbedOptions(options);
    const auto chosen =
        siglip::Choose("content", siglip::Number(content),
                       {siglip::EmbeddingContent::kPictures, siglip::EmbeddingContent::kTexts,
                        siglip::EmbeddingContent::kPicturesAndTexts});
    buffer.Write(used.fingerprint(chosen, call.options).ToJson());
  });
}
