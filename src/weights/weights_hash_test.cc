// The hash of a small list of tensors, put together by hand from its definition.
#include "weights/weights_hash.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <map>

#include "base/sha256.h"
#include "expect_error.h"

namespace siglip {
namespace {

class Values final : public WeightSource {
 public:
  explicit Values(std::map<std::string, std::vector<float>> values) : values_(std::move(values)) {}
  bool Contains(const std::string& name) const override { return values_.contains(name); }
  std::vector<float> Read(const TensorSpec& tensor) const override {
    return values_.at(tensor.name);
  }

 private:
  const std::map<std::string, std::vector<float>> values_;
};

std::string Number(uint64_t number) {
  std::string bytes;
  for (int i = 0; i < 8; ++i) bytes += static_cast<char>(number >> (8 * i));
  return bytes;
}

std::string Floats(const std::vector<float>& values) {
  std::string bytes(values.size() * sizeof(float), '\0');
  std::memcpy(bytes.data(), values.data(), bytes.size());
  return bytes;
}

const std::string kHead = "vision_model.head.attention.";
const std::vector<TensorSpec> kTensors = {{"vision_model.post_layernorm.bias", {2}},
                                          {kHead + "q_proj.weight", {1, 1}},
                                          {kHead + "k_proj.weight", {1, 1}},
                                          {kHead + "v_proj.weight", {1, 1}}};
const std::map<std::string, std::vector<float>> kValues = {{kTensors[0].name, {1.5F, -2.0F}},
                                                           {kTensors[1].name, {3.0F}},
                                                           {kTensors[2].name, {4.0F}},
                                                           {kTensors[3].name, {5.0F}}};

TEST(WeightsHashTest, FollowsItsDefinition) {
  const std::string packed = kHead + "in_proj_weight";
  const std::string expected = Number(packed.size()) + packed + Number(2) + Number(3) + Number(1) +
                               Floats({3, 4, 5}) + Number(kTensors[0].name.size()) +
                               kTensors[0].name + Number(1) + Number(2) + Floats({1.5, -2});
  EXPECT_EQ(HashWeights(Values(kValues), kTensors), Sha256Of(expected));
}

TEST(WeightsHashTest, OrderIsThatOfNames) {
  std::vector<TensorSpec> tensors = kTensors;
  std::rotate(tensors.begin(), tensors.begin() + 1, tensors.end());
  EXPECT_EQ(HashWeights(Values(kValues), tensors), HashWeights(Values(kValues), kTensors));
  EXPECT_EQ(HashTensorList(tensors), HashTensorList(kTensors));
}

TEST(WeightsHashTest, ValuesShapesAndNamesCount) {
  const std::string hash = HashWeights(Values(kValues), kTensors);
  for (const TensorSpec& tensor : kTensors) {
    auto values = kValues;
    values[tensor.name].back() += 1.0F;
    EXPECT_NE(HashWeights(Values(values), kTensors), hash) << tensor.name;
  }
  std::vector<TensorSpec> tensors = kTensors;
  tensors[0].shape = {2, 1};
  EXPECT_NE(HashWeights(Values(kValues), tensors), hash);
  EXPECT_NE(HashTensorList(tensors), HashTensorList(kTensors));
  auto values = kValues;
  tensors = kTensors;
  tensors[0].name = "vision_model.post_layernorm.weight";
  values[tensors[0].name] = values[kTensors[0].name];
  EXPECT_NE(HashWeights(Values(values), tensors), hash);
}

TEST(WeightsHashTest, CanBeStopped) {
  const std::atomic<bool> stop = true;
  ExpectError(ErrorCode::kCancelled, {}, [&] { HashWeights(Values(kValues), kTensors, &stop); });
}

}  // namespace
}  // namespace siglip
