// Weights laid out as the GEMM kernels read them.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "kernels/kernels.h"
#include "kernels/operand.h"
#include "kernels/panel_layout.h"
#include "tensor/arena.h"

namespace siglip {

/// A weight [outputs, inputs] (torch's Linear) in panels, whose columns are outputs: panel p holds
/// those from p * layout().columns on, as deep as the words of inputs. What is missing in the last
/// panel and in the last step of each is zero. kInt8 rounds each output's weights to 127 steps of
/// its largest one. kBFloat16 is also a way to hold weights that are multiplied as floats, see
/// Kernels::multiplies_bfloat16.
class PackedMatrix {
 public:
  PackedMatrix() = default;
  PackedMatrix(const Kernels& kernels, OperandType type, std::span<const float> weight,
               int64_t outputs, int64_t inputs);
  /// Of parts that another one had: its words, which `owner` keeps alive, and for kInt8 its scales
  /// and corrections, each of the size it had.
  PackedMatrix(const Kernels& kernels, OperandType type, int64_t outputs, int64_t inputs,
               std::span<const uint32_t> words, std::shared_ptr<const void> owner,
               std::vector<float> scales, std::vector<int32_t> corrections);

  OperandType type() const { return type_; }
  /// What the left side of a product with these weights is.
  OperandType input_type() const { return input_type_; }
  int64_t outputs() const { return outputs_; }
  int64_t inputs() const { return inputs_; }
  int64_t depth() const { return WordCount(type_, inputs_); }
  const PanelLayout& layout() const { return layout_; }
  int64_t panels() const { return layout_.Count(outputs_); }
  const uint32_t* panel(int64_t index) const {
    return words_.data() + index * layout_.Size(depth());
  }
  std::span<const uint32_t> words() const { return words_; }
  /// kInt8, per output and padded to whole panels: the value of one step, and what it adds to a sum
  /// that the left side's bytes stand 128 above their values, where they do.
  const std::vector<float>& scales() const { return scales_; }
  const std::vector<int32_t>& corrections() const { return corrections_; }

 private:
  void ConvertRow(const Kernels& kernels, int64_t output, std::span<const float> row,
                  uint32_t* words);

  OperandType type_ = OperandType::kFloat32;
  OperandType input_type_ = OperandType::kFloat32;
  int64_t outputs_ = 0;
  int64_t inputs_ = 0;
  PanelLayout layout_ = {1, 1};
  std::span<const uint32_t> words_;
  std::shared_ptr<const void> owner_;
  std::vector<float> scales_;
  std::vector<int32_t> corrections_;
};

}  // namespace siglip
