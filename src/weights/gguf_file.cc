// See gguf_file.h.
#include "weights/gguf_file.h"

#include <utility>
#include <vector>

#include "base/file_kind.h"
#include "base/mapped_file.h"
#include "weights/gguf_header.h"

namespace siglip {
namespace {

class GgufTensors : public TensorFile {
 public:
  GgufTensors(const std::filesystem::path& path, MappedFile file, std::vector<GgufTensor> tensors)
      : TensorFile(path, Describe(tensors)), file_(std::move(file)), placed_(std::move(tensors)) {}

  std::string_view float_dtypes() const override { return "F32, F16, BF16, F64 or Q8_0"; }

  void Read(const StoredTensor& tensor, int64_t first, std::span<float> values) const override {
    const GgufTensor& placed = placed_[IndexOf(tensor)];
    ReadGgufTensor(file_.bytes(), placed, first, values);
    file_.ReleasePages(file_.bytes().subspan(placed.begin, placed.bytes));
  }

 private:
  static std::vector<StoredTensor> Describe(const std::vector<GgufTensor>& tensors) {
    std::vector<StoredTensor> described;
    for (const GgufTensor& tensor : tensors) {
      described.push_back({tensor.name, tensor.type->name, tensor.shape, IsReadable(*tensor.type)});
    }
    return described;
  }

  MappedFile file_;
  std::vector<GgufTensor> placed_;  // in the order of tensors()
};

}  // namespace

GgufFile OpenGguf(const std::filesystem::path& path) {
  MappedFile file = MappedFile::Open(path);
  RefuseForeignFile(file.bytes(), path.string(), "a GGUF file", FileKind::kGguf);
  GgufHeader header = ParseGgufHeader(file.bytes(), path.string());
  return {std::make_shared<GgufTensors>(path, std::move(file), std::move(header.tensors)),
          std::move(header.metadata)};
}

}  // namespace siglip
