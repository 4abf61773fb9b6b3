// Finding and reading the tensors of a checkpoint. See checkpoint.h.
#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "siglip/error.h"
#include "weights/checkpoint.h"
#include "weights/quoted.h"

namespace siglip {
namespace {

constexpr size_t kMostNamed = 10;

/// The parts that a list of tensors asks for and where they are.
std::map<Part, Place> PlacesOf(const Checkpoint& checkpoint,
                               const std::vector<TensorSpec>& expected) {
  std::map<Part, Place> places;
  for (const TensorSpec& spec : expected) {
    const std::optional<Part> part = PartOf(spec.name);
    if (!part) throw Error(ErrorCode::kInternal, "not a canonical name: " + Quoted(spec.name));
    if (places.contains(*part)) continue;
    std::optional<Place> place = checkpoint.Find(*part);
    if (!place) {
      throw Error(ErrorCode::kMismatch, checkpoint.folder().string() + ": no " +
                                            std::string(ToString(*part)) +
                                            ": none of the tensors has a name of one, such as '" +
                                            std::string(ExampleOf(*part)) + "'");
    }
    places.emplace(*part, std::move(*place));
  }
  return places;
}

/// The name under which a tensor is stored, if it is; else the name it should have.
std::pair<StoredName, bool> Locate(const Checkpoint& checkpoint, const Place& place,
                                   const std::string& canonical) {
  const std::vector<StoredName> names = StoredNames(place, canonical);
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

/// One value: transformers stores it with shape [1], open_clip as a scalar.
bool IsSingle(const Shape& shape) { return shape.empty() || shape == Shape{1}; }

/// What is wrong with a stored tensor, or nothing.
std::string Complaint(const TensorView& view, const Shape& expected) {
  if (view.shape != expected && !(IsSingle(view.shape) && IsSingle(expected))) {
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

/// "image tower, text tower"
std::string Titles(const std::map<Part, Place>& places) {
  std::string titles;
  for (const auto& [part, place] : places) {
    titles += (titles.empty() ? "" : ", ") + std::string(ToString(part));
  }
  return titles;
}

/// All problems in one line: the first ten and how many more there are.
Error Mismatch(const Checkpoint& checkpoint, const std::map<Part, Place>& places,
               const std::vector<std::string>& problems) {
  std::string text = checkpoint.folder().string() + ": the tensors of the " + Titles(places) +
                     " do not fit " + checkpoint.config_name() + ": ";
  for (size_t i = 0; i < std::min(problems.size(), kMostNamed); ++i) {
    text += (i == 0 ? "" : "; ") + problems[i];
  }
  if (problems.size() > kMostNamed) {
    text += "; and " + std::to_string(problems.size() - kMostNamed) + " more";
  }
  return Error(ErrorCode::kMismatch, text);
}

/// The tensors stored in a part that nothing in `used` stands for. A head counts when any of its
/// tensors is used.
void ReportUnexpected(const Checkpoint& checkpoint, const Place& place,
                      const std::set<std::string>& used, std::vector<std::string>& problems) {
  const bool wants_head = std::any_of(used.begin(), used.end(), [&](const std::string& name) {
    return RoleOf(place, name) == NameRole::kHead;
  });
  for (const std::string& name : checkpoint.stored_names()) {
    const NameRole role = RoleOf(place, name);
    const bool counts = role == NameRole::kPart || (role == NameRole::kHead && wants_head);
    if (counts && !used.contains(name)) problems.push_back("unexpected " + Quoted(name));
  }
}

/// Rows that stay in the file until they are asked for.
class MappedRows final : public RowSource {
 public:
  explicit MappedRows(FoundTensor matrix) : matrix_(std::move(matrix)) {}

  void ReadRow(int64_t row, std::span<float> out) const override {
    const size_t bytes = out.size() * static_cast<size_t>(SizeOf(matrix_.view.dtype));
    ConvertToFloat({matrix_.view.dtype,
                    {static_cast<int64_t>(out.size())},
                    matrix_.view.data.subspan(static_cast<size_t>(row) * bytes, bytes)},
                   out);
  }
  int64_t bytes() const override { return 0; }

 private:
  const FoundTensor matrix_;
};

class CheckpointWeights : public WeightSource {
 public:
  explicit CheckpointWeights(std::vector<FoundTensor> tensors) {
    for (FoundTensor& tensor : tensors) {
      std::string name = tensor.spec.name;
      tensors_.emplace(std::move(name), std::move(tensor));
    }
  }

  bool Contains(const std::string& name) const override { return tensors_.contains(name); }

  std::vector<float> Read(const TensorSpec& wanted) const override {
    const FoundTensor& tensor = Find(wanted);
    std::vector<float> values(static_cast<size_t>(ElementCount(wanted.shape)));
    ConvertToFloat(tensor.view, values);
    tensor.file->ReleasePages(tensor.view);
    return values;
  }

  std::shared_ptr<const RowSource> OpenRows(const TensorSpec& matrix) const override {
    return std::make_shared<MappedRows>(Find(matrix));
  }

 private:
  const FoundTensor& Find(const TensorSpec& wanted) const {
    const auto found = tensors_.find(wanted.name);
    if (found == tensors_.end()) {
      throw Error(ErrorCode::kNotFound, "tensor '" + wanted.name + "' is not among those opened");
    }
    const FoundTensor& tensor = found->second;
    if (wanted.shape != tensor.spec.shape) {
      throw Error(ErrorCode::kMismatch, tensor.file->path().string() + ": tensor " +
                                            Quoted(tensor.stored_name) + ": has shape " +
                                            ToString(tensor.spec.shape) + ", asked for " +
                                            ToString(wanted.shape));
    }
    return tensor;
  }

  std::map<std::string, FoundTensor> tensors_;
};

}  // namespace

std::vector<FoundTensor> FindTensors(const Checkpoint& checkpoint,
                                     const std::vector<TensorSpec>& expected) {
  const std::map<Part, Place> places = PlacesOf(checkpoint, expected);
  std::vector<FoundTensor> found;
  std::vector<std::string> problems;
  std::map<Part, std::set<std::string>> used;  // stored names
  std::set<std::string> reported;              // a fused tensor is complained about once
  for (const TensorSpec& spec : expected) {
    const Part part = *PartOf(spec.name);
    const auto [stored, is_there] = Locate(checkpoint, places.at(part), spec.name);
    used[part].insert(stored.name);
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
  for (const auto& [part, place] : places) {
    ReportUnexpected(checkpoint, place, used[part], problems);
  }
  if (!problems.empty()) throw Mismatch(checkpoint, places, problems);
  return found;
}

std::shared_ptr<const WeightSource> OpenWeights(const Checkpoint& checkpoint,
                                                const std::vector<TensorSpec>& expected) {
  return std::make_shared<CheckpointWeights>(FindTensors(checkpoint, expected));
}

bool HasTensor(const Checkpoint& checkpoint, const std::string& canonical_name) {
  const std::optional<Part> part = PartOf(canonical_name);
  const std::optional<Place> place = part ? checkpoint.Find(*part) : std::nullopt;
  return place && Locate(checkpoint, *place, canonical_name).second;
}

}  // namespace siglip
