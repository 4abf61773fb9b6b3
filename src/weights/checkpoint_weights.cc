// Finding and reading the tensors of a checkpoint. See checkpoint.h.
#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "siglip/error.hpp"
#include "weights/checkpoint.h"
#include "weights/layout.h"
#include "weights/packed_file.h"
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
    if (!places.contains(*part)) places.emplace(*part, checkpoint.Require(*part));
  }
  return places;
}

/// A stored name and, when it is there, the file that holds it.
struct Location {
  StoredName stored;
  std::shared_ptr<const TensorFile> file;
};

/// The name under which a tensor is stored, by preference the one whose shape fits; else the name
/// it should have.
Location Locate(const Checkpoint& checkpoint, const Place& place, const TensorSpec& spec) {
  std::optional<Location> found;
  const std::vector<StoredName> names = StoredNames(place, spec.name);
  for (const StoredName& name : names) {
    const auto file = checkpoint.FileOf(name.name);
    if (!file) continue;
    const Shape& shape = file->Find(name.name)->shape;
    if (FitsShape(name, shape, StoredShape(name, spec.shape))) return {name, file};
    if (!found) found = Location{name, file};
  }
  if (found) return *found;
  return {names.empty() ? StoredName{spec.name} : names.front(), nullptr};
}

/// What is wrong with a stored tensor, or nothing.
std::string Complaint(const StoredName& stored, const Shape& shape, const TensorFile& file) {
  const StoredTensor& tensor = *file.Find(stored.name);
  const Shape expected = StoredShape(stored, shape);
  if (!FitsShape(stored, tensor.shape, expected)) {
    return "shape " + ToString(tensor.shape) + ", expected " + (stored.layer ? "layers of " : "") +
           ToString(expected) + (stored.is_split ? ", split or not" : "");
  }
  if (tensor.is_float) return {};
  return "dtype " + tensor.dtype + ", expected " + std::string(file.float_dtypes());
}

/// Where the elements of a tensor begin in the stored one, whose shape fits.
int64_t FirstElement(const StoredName& stored, const Shape& shape) {
  const int64_t count = ElementCount(shape);
  return count * (stored.layer ? *stored.layer : stored.block);
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
  std::string text = checkpoint.path().string() + ": the tensors of the " + Titles(places) +
                     " do not fit " + checkpoint.config_name() + ": ";
  for (size_t i = 0; i < std::min(problems.size(), kMostNamed); ++i) {
    text += (i == 0 ? "" : "; ") + problems[i];
  }
  if (problems.size() > kMostNamed) {
    text += "; and " + std::to_string(problems.size() - kMostNamed) + " more";
  }
  return Error(ErrorCode::kMismatch, text);
}

/// Stacked layers that nothing asked for would be lost without a word.
void ReportLayers(const Checkpoint& checkpoint, const std::map<std::string, int64_t>& layers_used,
                  std::vector<std::string>& problems) {
  for (const auto& [name, used] : layers_used) {
    const Shape& shape = checkpoint.FileOf(name)->Find(name)->shape;
    if (shape.empty() || shape.front() <= used) continue;
    problems.push_back(Quoted(name) + " has " + std::to_string(shape.front()) +
                       " layers, expected " + std::to_string(used));
  }
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
class StoredRows final : public RowSource {
 public:
  explicit StoredRows(FoundTensor matrix) : matrix_(std::move(matrix)) {}

  void ReadRow(int64_t row, std::span<float> out) const override {
    matrix_.file->Read(*matrix_.file->Find(matrix_.stored.name),
                       matrix_.first + row * static_cast<int64_t>(out.size()), out);
  }

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
    tensor.file->Read(*tensor.file->Find(tensor.stored.name), tensor.first, values);
    return FromLayout(tensor.stored.layout, std::move(values), wanted.shape);
  }

  std::shared_ptr<const RowSource> OpenRows(const TensorSpec& matrix) const override {
    const FoundTensor& tensor = Find(matrix);
    if (!tensor.file->is_mapped() || tensor.stored.layout != Layout::kOutputsFirst) {
      return WeightSource::OpenRows(matrix);
    }
    return std::make_shared<StoredRows>(tensor);
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
                                            Quoted(tensor.stored.name) + ": has shape " +
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
  std::map<std::string, int64_t> layers_used;  // of stacked layers, by stored name
  std::set<std::string> reported;              // a fused tensor is complained about once
  for (const TensorSpec& spec : expected) {
    const Part part = *PartOf(spec.name);
    const auto [stored, file] = Locate(checkpoint, places.at(part), spec);
    used[part].insert(stored.name);
    std::string problem;
    if (!file) {
      problem = "missing " + Quoted(stored.name);
    } else {
      const std::string complaint = Complaint(stored, spec.shape, *file);
      if (!complaint.empty()) problem = Quoted(stored.name) + " has " + complaint;
      if (stored.layer) {
        int64_t& layers = layers_used[stored.name];
        layers = std::max(layers, *stored.layer + 1);
      }
    }
    if (problem.empty()) {
      found.push_back({spec, stored, file, FirstElement(stored, spec.shape)});
    } else if (reported.insert(stored.name).second) {
      problems.push_back(problem);
    }
  }
  ReportLayers(checkpoint, layers_used, problems);
  for (const auto& [part, place] : places) {
    ReportUnexpected(checkpoint, place, used[part], problems);
  }
  if (!problems.empty()) throw Mismatch(checkpoint, places, problems);
  return found;
}

std::shared_ptr<const WeightSource> OpenWeights(const Checkpoint& checkpoint,
                                                const std::vector<TensorSpec>& expected) {
  if (checkpoint.packed()) return OpenPackedWeights(checkpoint.packed());
  return std::make_shared<CheckpointWeights>(FindTensors(checkpoint, expected));
}

bool HasTensor(const Checkpoint& checkpoint, const std::string& canonical_name) {
  const std::optional<Part> part = PartOf(canonical_name);
  const std::optional<Place> place = part ? checkpoint.Find(*part) : std::nullopt;
  if (!place) return false;
  const std::vector<StoredName> names = StoredNames(*place, canonical_name);
  return std::any_of(names.begin(), names.end(), [&](const StoredName& stored) {
    return checkpoint.FileOf(stored.name) != nullptr;
  });
}

}  // namespace siglip
