// A GGUF file as a file of tensors.
#pragma once

#include <filesystem>
#include <memory>

#include "base/json.h"
#include "weights/tensor_file.h"

namespace siglip {

struct GgufFile {
  std::shared_ptr<const TensorFile> tensors;
  Json metadata;
};

/// Maps the file and reads its header. Values of F16, BF16, F32, F64 and Q8_0 can be read.
GgufFile OpenGguf(const std::filesystem::path& path);

}  // namespace siglip
