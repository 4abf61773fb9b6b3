// See weights_hash.h.
#include "weights/weights_hash.h"

#include <algorithm>
#include <bit>
#include <span>

#include "base/atomic_file.h"
#include "base/sha256.h"
#include "weights/transformers_tensors.h"

namespace siglip {
namespace {

static_assert(std::endian::native == std::endian::little);

void Add(uint64_t number, Sha256& hash) { hash.Add(std::as_bytes(std::span(&number, 1))); }

void AddNameAndShape(const TransformersTensor& tensor, Sha256& hash) {
  Add(tensor.name.size(), hash);
  hash.Add(tensor.name);
  Add(tensor.shape.size(), hash);
  for (const int64_t extent : tensor.shape) Add(static_cast<uint64_t>(extent), hash);
}

std::vector<TransformersTensor> InOrder(const std::vector<TensorSpec>& tensors) {
  std::vector<TransformersTensor> ordered = TransformersTensors(tensors);
  std::ranges::sort(ordered, {}, &TransformersTensor::name);
  return ordered;
}

}  // namespace

std::string HashWeights(const WeightSource& weights, const std::vector<TensorSpec>& tensors,
                        const std::atomic<bool>* stop) {
  Sha256 hash;
  for (const TransformersTensor& tensor : InOrder(tensors)) {
    AddNameAndShape(tensor, hash);
    for (const TensorSpec& part : tensor.parts) {
      ThrowIfStopped(stop);
      const std::vector<float> values = weights.Read(part);
      hash.Add(std::as_bytes(std::span(values)));
    }
  }
  return hash.Finish();
}

std::string HashTensorList(const std::vector<TensorSpec>& tensors) {
  Sha256 hash;
  for (const TransformersTensor& tensor : InOrder(tensors)) AddNameAndShape(tensor, hash);
  return hash.Finish();
}

}  // namespace siglip
