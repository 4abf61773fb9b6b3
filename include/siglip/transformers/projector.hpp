// From the tokens of the image tower to those of a language model, as PaliGemma and Gemma 3 do.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>

#include "siglip/export.hpp"
#include "siglip/runtime.hpp"
#include "siglip/tensor.hpp"

namespace siglip {

/// Immutable and safe to call from several threads.
class SIGLIP_EXPORT MultiModalProjector {
 public:
  /// Reads `multi_modal_projector` of a checkpoint folder: PaliGemma's Linear, or what Gemma 3 does
  /// (average over squares of patches, RMS norm, product).
  static std::unique_ptr<const MultiModalProjector> FromPretrained(
      const std::filesystem::path& folder, std::shared_ptr<const Runtime> runtime = nullptr,
      PrecisionChoice precision = {});
  virtual ~MultiModalProjector() = default;
  MultiModalProjector(const MultiModalProjector&) = delete;
  MultiModalProjector& operator=(const MultiModalProjector&) = delete;

  /// last_hidden_state F32 [B, N, D] -> F32 [B, image tokens, width of the language model]. N is
  /// the number of patches the model was trained with. Nothing is scaled: where a version of the
  /// reference divides by the square root of the language model's width, that comes afterwards.
  virtual Tensor operator()(const TensorView& last_hidden_state) const = 0;

 protected:
  MultiModalProjector() = default;
};

}  // namespace siglip
