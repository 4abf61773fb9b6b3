// See token_classifier.h.
#include "model/token_classifier.h"

#include <iterator>

#include "configuration/class_labels.h"
#include "configuration/stored_shape.h"
#include "model/matrix_rows.h"
#include "model/workspace.h"

namespace siglip {
namespace {

/// The mean of all rows, summed in double and in order.
void Mean(const ConstMatrix& rows, const Matrix& mean) {
  std::vector<double> sums(static_cast<size_t>(rows.columns));
  for (int64_t row = 0; row < rows.rows; ++row) {
    for (size_t i = 0; i < sums.size(); ++i) sums[i] += rows.row(row)[i];
  }
  for (size_t i = 0; i < sums.size(); ++i) {
    mean.data[i] = static_cast<float>(sums[i] / static_cast<double>(rows.rows));
  }
}

Linear ReadClassifier(const Checkpoint& checkpoint, const LayerContext& context, int64_t classes) {
  const int64_t hidden = context.config.hidden_size;
  const auto weights = OpenWeights(
      checkpoint, {{"classifier.weight", {classes, hidden}}, {"classifier.bias", {classes}}});
  return {LayerSource{*weights, "classifier", context}, classes, hidden};
}

}  // namespace

TokenClassifier::TokenClassifier(const Checkpoint& checkpoint, const LayerContext& context)
    : labels_(ClassLabels(checkpoint.config(), StoredExtent(checkpoint, "classifier.weight", 0),
                          checkpoint.config_name())),
      classifier_(ReadClassifier(checkpoint, context, std::ssize(labels_))) {}

Tensor TokenClassifier::operator()(const TensorView& tokens,
                                   std::span<const int64_t> counts) const {
  Tensor all_logits(DType::kF32, {tokens.dim(0), classifier_.outputs()});
  const MatrixBuffer mean(1, classifier_.inputs());
  const MatrixBuffer logits(1, classifier_.outputs());
  FloatBuffer scratch(classifier_.ScratchFloats(1));
  for (int64_t picture = 0; picture < tokens.dim(0); ++picture) {
    // sequence_output = torch.mean(outputs.last_hidden_state, dim=1)               [B, D]
    const ConstMatrix rows =
        DenseRows(tokens.floats().data(), picture, tokens.dim(1), tokens.dim(2));
    Mean(rows.Rows(0, counts[static_cast<size_t>(picture)]), mean.matrix());
    // logits = self.classifier(sequence_output)                                    [B, labels]
    classifier_.Forward(mean.matrix(), logits.matrix(), scratch.data());
    CopyRows(logits.matrix(),
             DenseRows(all_logits.floats().data(), picture, 1, classifier_.outputs()));
  }
  return all_logits;
}

}  // namespace siglip
