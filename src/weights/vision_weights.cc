// Finding and reading the tensors of the image tower. See checkpoint.h.
#include <algorithm>
#include <cstdint>
#include <map>
#include <set>
#include <utility>

#include "siglip/error.h"
#include "weights/checkpoint.h"
#include "weights/quoted.h"

namespace siglip {
namespace {

constexpr size_t kMostNamed = 10;
constexpr char kProbe[] = "vision_model.head.probe";

const Tower& TowerOf(const Checkpoint& checkpoint) {
  if (!checkpoint.tower()) {
    throw Error(ErrorCode::kMismatch,
                checkpoint.folder().string() +
                    ": no image tower: none of the tensors has a name of one, such as " +
                    "'vision_model.embeddings.patch_embedding.weight'");
  }
  return *checkpoint.tower();
}

/// The name under which a tensor is stored, if it is; else the name it should have.
std::pair<StoredName, bool> Locate(const Checkpoint& checkpoint, const Tower& tower,
                                   const std::string& canonical) {
  const std::vector<StoredName> names = StoredNames(tower, canonical);
  for (const StoredName& name : names) {
    if (checkpoint.FileOf(name.name)) return {name, true};
  }
  return {names.empty() ? StoredName{canonical} : names.front(), false};
}

/// The shape of the whole stored tensor that holds `shape` as one of its blocks.
Shape StoredShape(const StoredName& stored, Shape shape) {
  if (!shape.empty()) shape.front() *= stored.blocks;
  if (stored.leading_one) shape.insert(shape.begin(), 1);
  return shape;
}

/// What is wrong with a stored tensor, or nothing.
std::string Complaint(const TensorView& view, const Shape& expected) {
  if (view.shape != expected) {
    return "shape " + ToString(view.shape) + ", expected " + ToString(expected);
  }
  switch (view.dtype) {
    case DType::kF32:
    case DType::kF16:
    case DType::kBF16:
    case DType::kF64: return {};
    default:
      return "dtype " + std::string(ToString(view.dtype)) + ", expected F32, F16, BF16 or F64";
  }
}

TensorView BlockOf(const TensorView& whole, const StoredName& stored, const Shape& shape) {
  const size_t bytes = whole.data.size() / static_cast<size_t>(stored.blocks);
  return {whole.dtype, shape, whole.data.subspan(bytes * static_cast<size_t>(stored.block), bytes)};
}

/// All problems in one line: the first ten and how many more there are.
Error Mismatch(const Checkpoint& checkpoint, const std::vector<std::string>& problems) {
  std::string text = checkpoint.folder().string() + ": the tensors of the image tower do not fit " +
                     checkpoint.config_name() + ": ";
  for (size_t i = 0; i < std::min(problems.size(), kMostNamed); ++i) {
    text += (i == 0 ? "" : "; ") + problems[i];
  }
  if (problems.size() > kMostNamed) {
    text += "; and " + std::to_string(problems.size() - kMostNamed) + " more";
  }
  return Error(ErrorCode::kMismatch, text);
}

class CheckpointWeights : public WeightSource {
 public:
  explicit CheckpointWeights(std::vector<VisionTensor> tensors) {
    for (VisionTensor& tensor : tensors) {
      std::string name = tensor.spec.name;
      tensors_.emplace(std::move(name), std::move(tensor));
    }
  }

  bool Contains(const std::string& name) const override { return tensors_.contains(name); }

  std::vector<float> Read(const TensorSpec& wanted) const override {
    const auto found = tensors_.find(wanted.name);
    if (found == tensors_.end()) {
      throw Error(ErrorCode::kNotFound,
                  "the checkpoint's image tower has no tensor '" + wanted.name + "'");
    }
    const VisionTensor& tensor = found->second;
    if (wanted.shape != tensor.spec.shape) {
      throw Error(ErrorCode::kMismatch, tensor.file->path().string() + ": tensor " +
                                            Quoted(tensor.stored_name) + ": has shape " +
                                            ToString(tensor.spec.shape) + ", asked for " +
                                            ToString(wanted.shape));
    }
    std::vector<float> values(static_cast<size_t>(ElementCount(wanted.shape)));
    ConvertToFloat(tensor.view, values);
    tensor.file->ReleasePages(tensor.view);
    return values;
  }

 private:
  std::map<std::string, VisionTensor> tensors_;
};

}  // namespace

std::vector<VisionTensor> FindVisionTensors(const Checkpoint& checkpoint,
                                            const std::vector<TensorSpec>& expected) {
  const Tower& tower = TowerOf(checkpoint);
  std::vector<VisionTensor> found;
  std::vector<std::string> problems;
  std::set<std::string> used;      // stored names
  std::set<std::string> reported;  // a fused tensor is complained about once
  bool wants_head = false;
  for (const TensorSpec& spec : expected) {
    wants_head = wants_head || spec.name == kProbe;
    const auto [stored, is_there] = Locate(checkpoint, tower, spec.name);
    used.insert(stored.name);
    std::string problem;
    if (!is_there) {
      problem = "missing " + Quoted(stored.name);
    } else {
      const auto file = checkpoint.FileOf(stored.name);
      const TensorView whole = file->Get(stored.name);
      const std::string complaint = Complaint(whole, StoredShape(stored, spec.shape));
      if (complaint.empty()) {
        found.push_back({spec, stored.name, BlockOf(whole, stored, spec.shape), file});
      } else {
        problem = Quoted(stored.name) + " has " + complaint;
      }
    }
    if (!problem.empty() && reported.insert(stored.name).second) problems.push_back(problem);
  }
  for (const std::string& name : checkpoint.stored_names()) {
    const NameRole role = RoleOf(tower, name);
    const bool of_tower = role == NameRole::kTower || (role == NameRole::kHead && wants_head);
    if (of_tower && !used.contains(name)) problems.push_back("unexpected " + Quoted(name));
  }
  if (!problems.empty()) throw Mismatch(checkpoint, problems);
  return found;
}

std::shared_ptr<const WeightSource> OpenVisionWeights(const Checkpoint& checkpoint,
                                                      const std::vector<TensorSpec>& expected) {
  return std::make_shared<CheckpointWeights>(FindVisionTensors(checkpoint, expected));
}

bool HasVisionTensor(const Checkpoint& checkpoint, const std::string& canonical_name) {
  return checkpoint.tower() && Locate(checkpoint, *checkpoint.tower(), canonical_name).second;
}

}  // namespace siglip
