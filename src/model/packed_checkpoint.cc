// See siglip/checkpoint.hpp.
#include <algorithm>
#include <atomic>
#include <bit>
#include <cstring>
#include <functional>
#include <iterator>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "base/atomic_file.h"
#include "configuration/siglip_config.h"
#include "configuration/text_tensors.h"
#include "configuration/vision_tower_plan.h"
#include "kernels/compute_runtime.h"
#include "model/packed_linear.h"
#include "model/siglip_text.h"
#include "model/siglip_vision.h"
#include "siglip/checkpoint.hpp"
#include "siglip/error.hpp"
#include "weights/checkpoint_files.h"
#include "weights/packed_file.h"
#include "weights/safetensors_writer.h"
#include "weights/weights_hash.h"

namespace siglip {
namespace {

constexpr char kProbe[] = "vision_model.head.probe";

/// What layers keep.
class KeptWeights final : public WeightSource {
 public:
  KeptWeights(std::shared_ptr<const WeightSource> source, const std::atomic<bool>* stop)
      : source_(std::move(source)), stop_(stop) {}

  bool Contains(const std::string& name) const override { return source_->Contains(name); }

  std::vector<float> Read(const TensorSpec& tensor) const override {
    ThrowIfStopped(stop_);
    return source_->Read(tensor);
  }

  std::shared_ptr<const RowSource> OpenRows(const TensorSpec& matrix) const override {
    return source_->OpenRows(matrix);
  }

  void Keep(const std::string& name, const TensorView& view) const override {
    const std::lock_guard lock(mutex_);
    kept_.emplace_back(name, view);
  }

  const NamedTensors& kept() const { return kept_; }

 private:
  const std::shared_ptr<const WeightSource> source_;
  const std::atomic<bool>* const stop_;
  mutable std::mutex mutex_;
  mutable NamedTensors kept_;
};

/// A table of rows as F32 or, where that holds every value, BF16.
Tensor ReadTable(const RowSource& rows, int64_t count, int64_t columns) {
  Tensor floats(DType::kF32, {count, columns});
  bool fits = true;
  for (int64_t row = 0; row < count; ++row) {
    const auto values =
        floats.floats().subspan(static_cast<size_t>(row * columns), static_cast<size_t>(columns));
    rows.ReadRow(row, values);
    fits = fits && std::ranges::all_of(values, [](float value) {
             return (std::bit_cast<uint32_t>(value) & 0xFFFFU) == 0;
           });
  }
  if (!fits) return floats;
  Tensor halves(DType::kBF16, {count, columns});
  std::byte* out = halves.bytes().data();
  for (const float value : std::as_const(floats).floats()) {
    const auto upper = static_cast<uint16_t>(std::bit_cast<uint32_t>(value) >> 16);
    std::memcpy(out, &upper, sizeof(upper));
    out += sizeof(upper);
  }
  return halves;
}

/// A tower to be packed: what it reads, and how its layers are made of that. They live as long as
/// what they kept is needed.
struct Tower {
  std::string PackedInfo::*hash;
  std::vector<TensorSpec> tensors;
  std::function<std::shared_ptr<const void>(const WeightSource& weights)> make;
};

/// `plan` is what the transformer is made of besides its weights.
template <class Transformer, class Plan>
Tower NewTower(const std::string& scope, std::string PackedInfo::*hash,
               const SiglipEncoderConfig& config, const Plan& plan, std::vector<TensorSpec> tensors,
               const std::shared_ptr<const Runtime>& runtime, Precision precision) {
  return {hash, std::move(tensors), [=](const WeightSource& weights) {
            const LayerContext context = {config, runtime, precision};
            return std::make_shared<const Transformer>(LayerSource{weights, scope, context}, plan);
          }};
}

/// Tensors of whole multiples of the alignment first, so that all that are multiplied with stay
/// aligned; then by name, so that the file is the same in every run.
void Arrange(NamedTensors& tensors) {
  const auto key = [](const auto& tensor) {
    return std::pair(tensor.second.bytes().size() % kPackedAlignment != 0, tensor.first);
  };
  std::ranges::sort(tensors, {}, key);
}

void Write(const NamedTensors& tensors, const PackedInfo& info, CheckpointFiles& files) {
  std::vector<SafetensorsEntry> entries;
  for (const auto& [name, view] : tensors) {
    entries.push_back({name, std::string(ToString(view.dtype())), view.shape()});
  }
  SafetensorsWriter writer(files.folder() / kPackedFile, std::move(entries), ToMetadata(info),
                           files.options());
  for (const auto& [name, view] : tensors) writer.Append(name, view.bytes());
  files.Commit(kPackedFile, writer.Finish());
}

}  // namespace

void PackCheckpoint(const std::filesystem::path& checkpoint_path,
                    const std::filesystem::path& folder, PrecisionChoice choice,
                    std::shared_ptr<const Runtime> runtime, const WriteOptions& options) {
  const Checkpoint checkpoint = Checkpoint::Open(checkpoint_path);
  if (checkpoint.packed()) {
    throw Error(ErrorCode::kInvalidArgument,
                checkpoint.packed()->path().string() + ": is packed already",
                "convert the original checkpoint");
  }
  if (!runtime) runtime = Runtime::Create();
  const Kernels& kernels = ComputeRuntime::From(*runtime).kernels();
  const Precision precision = ResolvePrecision(checkpoint, choice, kernels);

  std::vector<TensorSpec> specs;
  std::vector<Tower> towers;
  std::optional<SiglipTextConfig> text;
  if (checkpoint.Find(Part::kVision)) {
    const AnyVisionConfig config = LoadAnyVisionConfig(checkpoint);
    const VisionTowerPlan plan(config);
    towers.push_back(NewTower<SiglipVisionTransformer>("vision_model", &PackedInfo::vision_weights,
                                                       plan.config, plan, VisionTensors(config),
                                                       runtime, precision));
  }
  if (checkpoint.Find(Part::kText)) {
    text = LoadTextConfig(checkpoint);
    towers.push_back(NewTower<SiglipTextTransformer>("text_model", &PackedInfo::text_weights, *text,
                                                     *text, TextTensors(*text), runtime,
                                                     precision));
  }
  for (const Tower& tower : towers) std::ranges::copy(tower.tensors, std::back_inserter(specs));
  std::vector<TensorSpec> scalars;
  for (const char* name : {"logit_scale", "logit_bias"}) {
    if (HasTensor(checkpoint, name)) scalars.push_back({name, {1}});
  }
  std::ranges::copy(scalars, std::back_inserter(specs));

  const KeptWeights weights(OpenWeights(checkpoint, specs), options.stop);
  std::vector<std::shared_ptr<const void>> made;
  for (const Tower& tower : towers) made.push_back(tower.make(weights));
  NamedTensors tensors = weights.kept();
  std::vector<Tensor> owned;
  const auto add = [&](const std::string& name, Tensor tensor) {
    owned.push_back(std::move(tensor));
    tensors.emplace_back(name, owned.back());
  };
  for (const TensorSpec& spec : scalars) add(spec.name, Tensor(spec.shape, weights.Read(spec)));
  // The folded probe needs it no more; it says that there is a head.
  const auto probe = std::ranges::find(specs, kProbe, &TensorSpec::name);
  if (probe != specs.end()) add(kProbe, Tensor(probe->shape, weights.Read(*probe)));
  if (text) {
    const TensorSpec table = {"text_model.embeddings.token_embedding.weight",
                              {text->vocab_size, text->hidden_size}};
    add(table.name, ReadTable(*weights.OpenRows(table), text->vocab_size, text->hidden_size));
  }
  Arrange(tensors);

  PackedInfo info = {std::string(ToString(precision)),
                     PackedLayoutOf(kernels, precision),
                     JsonText(checkpoint.config()),
                     {},
                     {}};
  for (const Tower& tower : towers) info.*tower.hash = HashWeights(weights, tower.tensors);
  CheckpointFiles files(folder, options);
  files.Add("config.json", JsonText(checkpoint.config(), 2) + "\n");
  files.CopySideFiles(checkpoint.folder());
  files.CopySideFile(checkpoint.folder(), "open_clip_config.json");
  Write(tensors, info, files);
}

std::string PackedLayout(const Runtime& runtime, Precision precision) {
  return PackedLayoutOf(ComputeRuntime::From(runtime).kernels(), precision);
}

}  // namespace siglip
