// A .npz file as a file of tensors. See tensor_file.h.
#include <utility>
#include <vector>

#include "base/file_kind.h"
#include "base/mapped_file.h"
#include "weights/npz_reader.h"
#include "weights/tensor_file.h"

namespace siglip {
namespace {

class NpzTensors : public TensorFile {
 public:
  NpzTensors(const std::filesystem::path& path, MappedFile file, std::unique_ptr<NpzReader> reader)
      : TensorFile(path, Describe(reader->arrays())),
        file_(std::move(file)),
        reader_(std::move(reader)) {}

  bool is_mapped() const override { return false; }  // but unpacked from the front
  std::string_view float_dtypes() const override { return "F32, F16, BF16 or F64"; }

  void Read(const StoredTensor& tensor, int64_t first, std::span<float> values) const override {
    const size_t index = IndexOf(tensor);
    reader_->Read(index, first, values);
    const ZipMember& member = reader_->arrays()[index].member;
    file_.ReleasePages(file_.bytes().subspan(member.begin, member.stored_bytes));
  }

 private:
  static std::vector<StoredTensor> Describe(const std::vector<NpzArray>& arrays) {
    std::vector<StoredTensor> tensors;
    for (const NpzArray& array : arrays) {
      const bool is_float = array.dtype && IsFloat(*array.dtype);
      tensors.push_back({array.name,
                         array.dtype ? std::string(ToString(*array.dtype)) : array.header.dtype,
                         array.header.shape, is_float});
    }
    return tensors;
  }

  MappedFile file_;
  std::unique_ptr<NpzReader> reader_;  // looks into file_'s mapping, which does not move
};

}  // namespace

std::shared_ptr<const TensorFile> OpenNpz(const std::filesystem::path& path) {
  MappedFile file = MappedFile::Open(path);
  RefuseForeignFile(file.bytes(), path.string(), "a .npz file", FileKind::kZip);
  auto reader = std::make_unique<NpzReader>(file.bytes(), path.string());
  return std::make_shared<NpzTensors>(path, std::move(file), std::move(reader));
}

}  // namespace siglip
