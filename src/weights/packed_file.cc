#include "weights/packed_file.h"

#include <algorithm>
#include <array>
#include <map>
#include <utility>
#include <vector>

#include "base/sha256.h"
#include "siglip/error.hpp"
#include "weights/quoted.h"

namespace siglip {
namespace {

constexpr char kFormat[] = "siglip-packed";
constexpr char kVersion[] = "1";
constexpr char kLayout[] = "layout";
/// What versions before `layout` wrote: their layouts had one word of a column side by side.
constexpr char kPanelColumns[] = "panel_columns";
constexpr std::array<std::string_view, 3> kLayouts = {"16x1", "16x2", "32x1"};
constexpr char kVisionWeights[] = "vision_weights_sha256";
constexpr char kTextWeights[] = "text_weights_sha256";

/// Rows of an F32 or BF16 matrix that stay in the file.
class PackedRows final : public RowSource {
 public:
  PackedRows(std::shared_ptr<const SafetensorsFile> file, TensorView matrix)
      : file_(std::move(file)), matrix_(std::move(matrix)) {}

  void ReadRow(int64_t row, std::span<float> out) const override {
    const size_t bytes = out.size() * static_cast<size_t>(SizeOf(matrix_.dtype()));
    ConvertToFloat({matrix_.dtype(),
                    {static_cast<int64_t>(out.size())},
                    matrix_.bytes().subspan(static_cast<size_t>(row) * bytes, bytes)},
                   out);
  }

 private:
  const std::shared_ptr<const SafetensorsFile> file_;
  const TensorView matrix_;
};

class PackedWeights final : public WeightSource {
 public:
  explicit PackedWeights(std::shared_ptr<const SafetensorsFile> file) : file_(std::move(file)) {}

  bool Contains(const std::string& name) const override { return file_->contains(name); }

  std::vector<float> Read(const TensorSpec& tensor) const override {
    const TensorView view = Find(tensor);
    std::vector<float> values(static_cast<size_t>(ElementCount(view.shape())));
    ConvertToFloat(view, values);
    return values;
  }

  std::shared_ptr<const RowSource> OpenRows(const TensorSpec& matrix) const override {
    return std::make_shared<PackedRows>(file_, Find(matrix));
  }

  std::shared_ptr<const SafetensorsFile> packed() const override { return file_; }

 private:
  TensorView Find(const TensorSpec& wanted) const {
    TensorView view = file_->Get(wanted.name);
    if (view.shape() != wanted.shape) {
      throw Error(ErrorCode::kMismatch, file_->path().string() + ": tensor " + Quoted(wanted.name) +
                                            ": has shape " + ToString(view.shape()) +
                                            ", expected " + ToString(wanted.shape));
    }
    return view;
  }

  const std::shared_ptr<const SafetensorsFile> file_;
};

const std::string& Field(const SafetensorsFile& file, const std::string& key) {
  const auto found = file.metadata().find(key);
  if (found == file.metadata().end()) {
    throw Error(ErrorCode::kMalformedFile, file.path().string() + ": no " + Quoted(key) +
                                               " in its metadata: not a file of siglip convert");
  }
  return found->second;
}

/// Empty where there is none.
std::string Hash(const SafetensorsFile& file, const std::string& key) {
  const auto found = file.metadata().find(key);
  if (found == file.metadata().end()) return {};
  if (IsSha256(found->second)) return found->second;
  throw Error(ErrorCode::kMalformedFile, file.path().string() + ": " + Quoted(key) +
                                             ": expected 64 hexadecimal digits, found " +
                                             Quoted(found->second));
}

}  // namespace

std::map<std::string, std::string> ToMetadata(const PackedInfo& info) {
  std::map<std::string, std::string> metadata = {{"format", kFormat},
                                                 {"version", kVersion},
                                                 {"precision", info.precision},
                                                 {kLayout, info.layout},
                                                 {"config", info.config}};
  if (!info.vision_weights.empty()) metadata[kVisionWeights] = info.vision_weights;
  if (!info.text_weights.empty()) metadata[kTextWeights] = info.text_weights;
  return metadata;
}

PackedInfo ReadPackedInfo(const SafetensorsFile& file) {
  if (Field(file, "format") != kFormat) {
    throw Error(ErrorCode::kMalformedFile, file.path().string() + ": format " +
                                               Quoted(Field(file, "format")) + ", expected '" +
                                               kFormat + "'");
  }
  if (Field(file, "version") != kVersion) {
    throw Error(ErrorCode::kMismatch,
                file.path().string() + ": version " + Quoted(Field(file, "version")) +
                    " of the packed format, this program reads version " + kVersion,
                "make it again from the original: siglip convert --precision P IN OUT");
  }
  PackedInfo info;
  info.precision = Field(file, "precision");
  if (info.precision != "f32" && info.precision != "bf16" && info.precision != "int8") {
    throw Error(ErrorCode::kMalformedFile, file.path().string() +
                                               ": 'precision': expected f32, bf16 or int8, found " +
                                               Quoted(info.precision));
  }
  info.config = Field(file, "config");
  info.vision_weights = Hash(file, kVisionWeights);
  info.text_weights = Hash(file, kTextWeights);
  const bool is_old = file.metadata().contains(kPanelColumns);
  info.layout = is_old ? Field(file, kPanelColumns) + "x1" : Field(file, kLayout);
  if (std::ranges::find(kLayouts, info.layout) == kLayouts.end()) {
    throw Error(ErrorCode::kMalformedFile,
                file.path().string() + ": " + Quoted(is_old ? kPanelColumns : kLayout) +
                    ": expected a layout of 16x1, 16x2 or 32x1, found " + Quoted(info.layout));
  }
  return info;
}

std::shared_ptr<const WeightSource> OpenPackedWeights(std::shared_ptr<const SafetensorsFile> file) {
  return std::make_shared<PackedWeights>(std::move(file));
}

}  // namespace siglip
