// Where the weights of a model come from: a checkpoint, or a seeded random generator.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "siglip/safetensors.hpp"
#include "siglip/tensor.hpp"
#include "weights/row_source.h"

namespace siglip {

/// A tensor by its canonical name and shape. Canonical names are those of transformers, the towers'
/// with the prefixes "vision_model." and "text_model.", except that the packed projection of the
/// pooling head's attention is asked for in its three parts:
/// "vision_model.head.attention.q_proj.weight", "...k_proj.weight", "...v_proj.weight" ([D, D]) and
/// their ".bias" ([D]).
struct TensorSpec {
  std::string name;
  Shape shape;
};

/// Safe to read from several threads at once.
class WeightSource {
 public:
  virtual ~WeightSource() = default;

  virtual bool Contains(const std::string& name) const = 0;

  /// The values of a tensor as float, row-major. Throws Error(kNotFound) when it is not there,
  /// Error(kMismatch) when it has another shape.
  virtual std::vector<float> Read(const TensorSpec& tensor) const = 0;

  /// The rows of a matrix, to be read on demand. Throws as Read does.
  virtual std::shared_ptr<const RowSource> OpenRows(const TensorSpec& matrix) const;

  /// The file that holds these weights as the kernels read them (see packed_file.h); null for
  /// ordinary weights. Read gives what is not the weight of a product.
  virtual std::shared_ptr<const SafetensorsFile> packed() const { return nullptr; }
  /// Told by every layer what it keeps, under the layer's name, for whoever writes it to a file.
  /// `view` is valid as long as the layer.
  virtual void Keep(const std::string& /*name*/, const TensorView& /*view*/) const {}
};

}  // namespace siglip
