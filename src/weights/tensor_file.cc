// See tensor_file.h.
#include "weights/tensor_file.h"

#include <utility>

#include "siglip/error.hpp"
#include "siglip/safetensors.hpp"
#include "weights/quoted.h"
#include "weights/safetensors_header.h"

namespace siglip {
namespace {

class SafetensorsTensors : public TensorFile {
 public:
  explicit SafetensorsTensors(SafetensorsFile file)
      : TensorFile(file.path(), Describe(file)), file_(std::move(file)) {}

  std::string_view float_dtypes() const override { return "F32, F16, BF16 or F64"; }

  void Read(const StoredTensor& tensor, int64_t first, std::span<float> values) const override {
    const TensorView whole = file_.Get(tensor.name);
    const auto size = static_cast<size_t>(SizeOf(whole.dtype()));
    const TensorView part = {
        whole.dtype(),
        {static_cast<int64_t>(values.size())},
        whole.bytes().subspan(static_cast<size_t>(first) * size, values.size() * size)};
    ConvertToFloat(part, values);
    file_.ReleasePages(part);
  }

 private:
  static std::vector<StoredTensor> Describe(const SafetensorsFile& file) {
    std::vector<StoredTensor> tensors;
    for (const SafetensorsEntry& entry : file.entries()) {
      const auto dtype = FindDType(entry.dtype);
      const bool is_float = dtype && IsFloat(*dtype);
      tensors.push_back({entry.name, entry.dtype, entry.shape, is_float});
    }
    return tensors;
  }

  SafetensorsFile file_;
};

}  // namespace

TensorFile::TensorFile(std::filesystem::path path, std::vector<StoredTensor> tensors)
    : path_(std::move(path)), tensors_(std::move(tensors)) {
  for (size_t i = 0; i < tensors_.size(); ++i) {
    if (!index_of_.emplace(tensors_[i].name, i).second) {
      throw Error(ErrorCode::kMalformedFile,
                  path_.string() + ": tensor " + Quoted(tensors_[i].name) + ": is there twice");
    }
  }
}

const StoredTensor* TensorFile::Find(std::string_view name) const {
  const auto found = index_of_.find(name);
  return found == index_of_.end() ? nullptr : &tensors_[found->second];
}

bool IsFloat(DType dtype) {
  switch (dtype) {
    case DType::kF32:
    case DType::kF16:
    case DType::kBF16:
    case DType::kF64: return true;
    default: return false;
  }
}

std::shared_ptr<const TensorFile> OpenSafetensors(const std::filesystem::path& path) {
  return std::make_shared<SafetensorsTensors>(SafetensorsFile::Open(path));
}

}  // namespace siglip
