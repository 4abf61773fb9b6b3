// What `siglip bench` measures: a loaded image tower and pictures to run it on.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "siglip/engine.h"
#include "siglip/runtime.h"

namespace siglip::cli {

/// Which model.
struct BenchModelSource {
  std::string model;   ///< Folder or name.
  std::string preset;  ///< Random weights of this architecture instead.
  PrecisionChoice precision;
  int64_t max_num_patches = 0;  ///< Of variable resolution; 0: what preprocessing says.

  const std::string& name() const { return preset.empty() ? model : preset; }
};

class BenchModel {
 public:
  virtual ~BenchModel() = default;

  virtual Precision precision() const = 0;
  /// Operations that one picture takes.
  virtual double flop() const = 0;
  /// A forward pass of as many pictures of random pixels, as large as the model takes them.
  virtual std::function<void()> NewBatch(int64_t pictures) const = 0;
  /// The model with its preprocessing; of `options` only how pictures are decoded counts. Nothing
  /// else may be asked of this object afterwards.
  virtual Engine TakeEngine(EngineOptions options) = 0;
};

std::unique_ptr<BenchModel> LoadBenchModel(const BenchModelSource& source,
                                           const std::shared_ptr<const Runtime>& runtime);

}  // namespace siglip::cli
