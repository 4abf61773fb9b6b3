// See big_vision_config.h.
#include "weights/big_vision_config.h"

#include <cmath>
#include <string>
#include <utility>

#include "siglip/error.hpp"
#include "weights/quoted.h"

namespace siglip {
namespace {

constexpr char kLayer[] = "encoder.layers.0.";
constexpr char kVisionConfig[] = "vision_config";
constexpr char kTextConfig[] = "text_config";

/// Reads extents off the tensors of one tower.
class ShapeReader {
 public:
  ShapeReader(const TensorFile& file, const Place& place) : file_(file), place_(place) {}

  /// The shape of a tensor by its canonical name without "vision_model.", a layer's without the
  /// extent of the stacked layers.
  Shape Of(const std::string& name) const {
    const StoredName stored = Name(name);
    const StoredTensor* tensor = file_.Find(stored.name);
    if (tensor == nullptr) {
      throw Error(ErrorCode::kMismatch, file_.path().string() + ": missing " + Quoted(stored.name) +
                                            ", whose shape says the size of the model");
    }
    Shape shape = tensor->shape;
    if (stored.layer && !shape.empty()) shape.erase(shape.begin());
    return shape;
  }

  /// As Of, for a tensor that has this many extents.
  Shape Of(const std::string& name, size_t rank) const {
    Shape shape = Of(name);
    if (shape.size() == rank) return shape;
    throw Error(ErrorCode::kMismatch, file_.path().string() + ": " + Quoted(Name(name).name) +
                                          " has shape " + ToString(shape) + ", expected " +
                                          std::to_string(rank) + " extents");
  }

  int64_t Layers() const {
    const std::string first = kLayer + std::string("layer_norm1.weight");
    if (place_.stacked) {
      const StoredTensor* tensor = file_.Find(Name(first).name);
      return tensor == nullptr || tensor->shape.empty() ? 0 : tensor->shape.front();
    }
    int64_t layers = 0;
    while (
        file_.Find(Name("encoder.layers." + std::to_string(layers) + ".layer_norm1.weight").name)) {
      ++layers;
    }
    return layers;
  }

 private:
  StoredName Name(const std::string& name) const {
    const std::string root = place_.part == Part::kText ? "text_model." : "vision_model.";
    return StoredNames(place_, root + name).front();
  }

  const TensorFile& file_;
  const Place& place_;
};

/// What both towers have.
Json EncoderConfig(const ShapeReader& reader) {
  const Shape query = reader.Of(kLayer + std::string("self_attn.q_proj.weight"), 3);
  const Shape mlp = reader.Of(kLayer + std::string("mlp.fc1.weight"), 2);
  return {{"hidden_size", query[0]},           {"num_attention_heads", query[1]},
          {"intermediate_size", mlp[1]},       {"num_hidden_layers", reader.Layers()},
          {"hidden_act", "gelu_pytorch_tanh"}, {"layer_norm_eps", 1e-6}};
}

int64_t SquareRoot(int64_t value) {
  return static_cast<int64_t>(std::lround(std::sqrt(static_cast<double>(value))));
}

/// Pixels a side of a picture that is cut into `side` patches a side.
int64_t ImageSize(int64_t patch_size, int64_t side) {
  // The public models with patches of 14 pixels and 27 of them a side take 384 pixels, of which the
  // last six are in no patch.
  if (patch_size == 14 && side == 27) return 384;
  return patch_size * side;
}

Json VisionConfig(const TensorFile& file, const Place& place) {
  const ShapeReader reader(file, place);
  Json config = EncoderConfig(reader);
  const Shape patch = reader.Of("embeddings.patch_embedding.weight");
  const Shape positions = reader.Of("embeddings.position_embedding.weight", 3);
  if (patch.size() == 2) {  // NaFlex: patches come as vectors; positions have rows and columns
    constexpr int64_t kChannels = 3;
    config["model_type"] = "siglip2_vision_model";
    config["num_channels"] = kChannels;
    config["patch_size"] = SquareRoot(patch[0] / kChannels);
    config["num_patches"] = positions[0] * positions[1];
    return config;
  }
  const Shape kernel = reader.Of("embeddings.patch_embedding.weight", 4);
  config["model_type"] = "siglip_vision_model";
  config["num_channels"] = kernel[2];
  config["patch_size"] = kernel[0];
  config["image_size"] = ImageSize(kernel[0], SquareRoot(positions[1]));
  return config;
}

Json TextConfig(const TensorFile& file, const Place& place) {
  const ShapeReader reader(file, place);
  Json config = EncoderConfig(reader);
  config["model_type"] = "siglip_text_model";
  config["vocab_size"] = reader.Of("embeddings.token_embedding.weight", 2)[0];
  config["max_position_embeddings"] = reader.Of("embeddings.position_embedding.weight", 3)[1];
  config["projection_size"] = reader.Of("head.weight", 2)[1];
  return config;
}

/// Adds the fields that `given` leaves out. What it says of the number of heads must be true.
void Complete(Json& given, const Json& derived, const std::string& name) {
  constexpr char kHeads[] = "num_attention_heads";
  const auto heads = given.find(kHeads);
  if (heads != given.end() && *heads != derived.at(kHeads)) {
    const std::string found = heads->dump(-1, ' ', true, Json::error_handler_t::replace);
    throw Error(ErrorCode::kMismatch, name + ": field '" + kHeads + "': expected " +
                                          derived.at(kHeads).dump() +
                                          ", as the weights have, found " + found);
  }
  for (const auto& [key, value] : derived.items()) {
    if (!given.contains(key)) given[key] = value;
  }
}

}  // namespace

Json BigVisionConfig(const TensorFile& file, const std::optional<Place>& vision,
                     const std::optional<Place>& text) {
  if (!text) return VisionConfig(file, vision.value());
  if (!vision) return TextConfig(file, *text);
  const Json image = VisionConfig(file, *vision);
  const bool is_naflex = image.at("model_type") == "siglip2_vision_model";
  Json words = TextConfig(file, *text);
  if (is_naflex) words["model_type"] = "siglip2_text_model";
  return {{"model_type", is_naflex ? "siglip2" : "siglip"},
          {kVisionConfig, image},
          {kTextConfig, words}};
}

Json CompleteBigVisionConfig(const Json& derived, const Json& given,
                             const std::string& given_name) {
  const Json type = given.value("model_type", Json());
  const bool is_whole = given.contains(kVisionConfig) || given.contains(kTextConfig) ||
                        type == "siglip" || type == "siglip2";
  Json completed = given;
  if (!is_whole) {  // one tower, by default the image tower
    const char* tower = type == "siglip_text_model" ? kTextConfig : kVisionConfig;
    Complete(completed, derived.contains(tower) ? derived[tower] : derived, given_name);
    return completed;
  }
  if (!derived.contains(kVisionConfig)) {  // the file has one tower, the configuration two
    const bool is_text = derived.at("model_type") == "siglip_text_model";
    Json& tower = completed[is_text ? kTextConfig : kVisionConfig];
    if (tower.is_null()) tower = Json::object();
    if (tower.is_object()) Complete(tower, derived, given_name);
    return completed;
  }
  for (const char* key : {kVisionConfig, kTextConfig}) {
    Json& tower = completed[key];
    if (tower.is_null()) tower = Json::object();
    if (tower.is_object()) Complete(tower, derived[key], given_name);
  }
  return completed;
}

}  // namespace siglip
