// An image tower together with the preprocessing that goes with it: what an engine needs to know of
// a model, whether its pictures have one size (SigLIP) or any (SigLIP 2 NaFlex).
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "siglip/image.h"
#include "siglip/prepared_picture.h"
#include "siglip/runtime.h"
#include "siglip/vision_config.h"
#include "siglip/vision_model.h"

namespace siglip {

/// A picture in a file, defined in src/image.
class EncodedImage;

/// Immutable; safe to use from several threads.
class ImageTower {
 public:
  /// The forward pass on the calling thread, with buffers to use again. Not to be shared by
  /// threads.
  class Solo {
   public:
    virtual ~Solo() = default;
    /// last_hidden_state [tokens, D], pooler_output [D]; null where not wanted. Throws
    /// Error(kUnsupported) for a pooler_output of a model without a head.
    virtual void Run(const PreparedPicture& picture, float* last_hidden_state,
                     float* pooler_output) = 0;
  };

  virtual ~ImageTower() = default;

  virtual const SiglipVisionTowerConfig& config() const = 0;
  virtual const std::shared_ptr<const Runtime>& runtime() const = 0;
  virtual Precision precision() const = 0;
  virtual bool has_head() const = 0;
  /// Tokens of every picture; where these differ, the most that one can have.
  virtual int64_t most_tokens() const = 0;
  /// Pixels a side of a square picture that needs no resizing.
  virtual int64_t native_side() const = 0;
  /// Whether pictures of other sizes are resized, or refused.
  virtual bool resizes() const = 0;
  /// Whose pixels these are.
  virtual PreprocessMode preprocess_mode() const = 0;
  /// The other settings that decide pixels, in one form; see PictureFingerprint::preprocessing.
  virtual std::string preprocessing_text() const = 0;

  /// Replaces what `picture` holds, in the same memory where that fits. Throws Error for a picture
  /// that preprocessing or model refuses.
  virtual void Preprocess(const Image& image, PreparedPicture& picture) const = 0;
  /// Of a picture that is yet to be decoded.
  virtual void Preprocess(EncodedImage& image, PreparedPicture& picture) const = 0;

  /// A batch on all threads of the runtime, with the bits that Solo gives. Tokens are padded with
  /// zeros to those of the picture that has most.
  virtual VisionOutput Run(std::span<const PreparedPicture> pictures) const = 0;
  virtual std::unique_ptr<Solo> NewSolo() const = 0;
};

}  // namespace siglip
