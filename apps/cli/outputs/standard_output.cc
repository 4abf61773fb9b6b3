#include "outputs/standard_output.h"

#include <utility>

#include "output/jsonl.h"
#include "terminal/standard_streams.h"

namespace siglip::cli {
namespace {

class StandardOutput final : public EmbeddingOutput {
 public:
  explicit StandardOutput(Shape shape) : shape_(std::move(shape)) {}

  bool Reuse(RowType, const std::string&) override { return false; }
  void Add(RowType type, const std::string& name, std::span<const float> row) override {
    WriteStandardOutput(JsonLine(type, name, shape_, row));
  }
  void Skip() override {}
  void Finish() override {}

 private:
  const Shape shape_;
};

}  // namespace

std::unique_ptr<EmbeddingOutput> MakeStandardOutput(const Shape& shape) {
  return std::make_unique<StandardOutput>(shape);
}

}  // namespace siglip::cli
