// See timm_config.h.
#include "weights/timm_config.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>
#include <vector>

#include "siglip/error.hpp"
#include "weights/foreign_fields.h"
#include "weights/quoted.h"

namespace siglip {
namespace {

/// What timm's registry says of the architectures called vit_SIZE_patchP_siglip_[gap_]IMAGE.
struct Size {
  std::string_view name;
  int64_t width;
  int64_t layers;
  int64_t heads;
  double mlp_ratio;
};

constexpr std::array<Size, 4> kTimmSizes = {{{"base", 768, 12, 12, 4.0},
                                             {"large", 1024, 24, 16, 4.0},
                                             {"so400m", 1152, 27, 16, 3.7362},
                                             {"giantopt", 1536, 40, 16, 4.0}}};

/// Those without which there is no tower.
constexpr std::array<const char*, 7> kNeeded = {"embed_dim", "depth",     "num_heads", "patch_size",
                                                "img_size",  "act_layer", "mlp_ratio"};

/// "patch16" -> 16, "224" -> 224; nothing for anything else.
std::optional<int64_t> NumberAfter(std::string_view text, std::string_view prefix) {
  if (!text.starts_with(prefix)) return std::nullopt;
  text.remove_prefix(prefix.size());
  if (text.empty() || text.size() > 4) return std::nullopt;
  int64_t number = 0;
  for (char digit : text) {
    if (digit < '0' || digit > '9') return std::nullopt;
    number = 10 * number + (digit - '0');
  }
  return number;
}

std::vector<std::string_view> Split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  while (true) {
    const size_t end = text.find(separator);
    parts.push_back(text.substr(0, end));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

/// The arguments that follow from an architecture's name, such as
/// "vit_base_patch16_siglip_gap_224.v2_webli"; none from a name that is not of this kind.
Json ArgumentsOf(std::string_view architecture) {
  const std::vector<std::string_view> parts =
      Split(architecture.substr(0, architecture.find('.')), '_');
  const bool gap = parts.size() == 6 && parts[4] == "gap";
  const bool is_siglip = (parts.size() == 5 || gap) && parts[0] == "vit" && parts[3] == "siglip";
  if (!is_siglip) return Json::object();
  const auto size = std::ranges::find(kTimmSizes, parts[1], &Size::name);
  const std::optional<int64_t> patch = NumberAfter(parts[2], "patch");
  const std::optional<int64_t> image = NumberAfter(parts.back(), "");
  if (size == kTimmSizes.end() || !patch || !image) return Json::object();
  // SigLIP's own checkpoints were trained with the tanh approximation throughout; timm runs these
  // with it and the others with erf.
  const bool tanh = (size->name == "base" && patch == 32) ||
                    (size->name == "large" && patch == 16 && image == 512) ||
                    (size->name == "so400m" && patch == 16) || size->name == "giantopt";
  Json arguments = {{"embed_dim", size->width},
                    {"depth", size->layers},
                    {"num_heads", size->heads},
                    {"mlp_ratio", size->mlp_ratio},
                    {"patch_size", *patch},
                    {"img_size", *image},
                    {"act_layer", tanh ? "gelu_tanh" : "gelu"}};
  if (gap) arguments["global_pool"] = "avg";
  return arguments;
}

/// transformers' name of one of timm's activations.
std::string Activation(const std::string& act_layer, const std::string& name) {
  if (act_layer == "gelu_tanh") return "gelu_pytorch_tanh";
  for (const char* same : {"gelu", "quick_gelu", "relu", "silu", "swish"}) {
    if (act_layer == same) return act_layer;
  }
  throw Error(ErrorCode::kUnsupported,
              name + ": field 'act_layer': expected one of gelu, gelu_tanh, quick_gelu, relu, " +
                  "silu, swish, found " + Quoted(act_layer));
}

template <class Value>
void Add(Json& arguments, const char* key, const std::optional<Value>& value) {
  if (value && !arguments.contains(key)) arguments[key] = *value;
}

/// pretrained_cfg.input_size: [channels, height, width].
void AddInputSize(const ForeignFields& pretrained, Json& arguments) {
  constexpr char kKey[] = "input_size";
  const Json* value = pretrained.Find(kKey);
  if (value == nullptr) return;
  const std::string path = pretrained.PathOf(kKey);
  if (!value->is_array() || value->size() != 3) {
    throw Error(ErrorCode::kMalformedFile,
                pretrained.name() + ": field '" + path + "': expected [channels, height, width]");
  }
  const auto extent = [&](size_t i) {
    return std::optional(JsonInteger((*value)[i], path, pretrained.name()));
  };
  Add(arguments, "in_chans", extent(0));
  if (extent(1) == extent(2)) Add(arguments, "img_size", extent(1));
}

}  // namespace

int64_t MlpWidth(int64_t width, double mlp_ratio, const std::string& field,
                 const std::string& name) {
  const double inner = static_cast<double>(width) * mlp_ratio;
  if (inner >= 1 && inner < 1e9) return static_cast<int64_t>(inner);
  throw Error(
      ErrorCode::kInvalidArgument,
      name + ": field '" + field + "': expected a positive ratio, found " + Json(mlp_ratio).dump());
}

bool IsTimmConfig(const Json& json) { return json.is_object() && json.contains("architecture"); }

Json TimmVisionConfig(const Json& json, const std::string& name) {
  const std::string architecture = JsonString(json.at("architecture"), "architecture", name);
  const ForeignFields top(json, "", name);
  const ForeignFields given = top.Object("model_args");
  Json arguments = Json::object();
  for (const char* key : {"embed_dim", "depth", "num_heads", "in_chans"}) {
    Add(arguments, key, given.Integer(key));
  }
  for (const char* key : {"patch_size", "img_size"}) Add(arguments, key, given.Side(key));
  Add(arguments, "mlp_ratio", given.Number("mlp_ratio"));
  Add(arguments, "act_layer", given.String("act_layer"));
  Add(arguments, "global_pool", given.String("global_pool"));
  Add(arguments, "global_pool", top.String("global_pool"));
  AddInputSize(top.Object("pretrained_cfg"), arguments);
  return TimmVisionConfig(arguments, architecture, name);
}

Json TimmVisionConfig(const Json& arguments, const std::string& architecture,
                      const std::string& name) {
  Json all = ArgumentsOf(architecture);
  all.update(arguments);
  for (const char* key : kNeeded) {
    if (all.contains(key)) continue;
    throw Error(ErrorCode::kUnsupported,
                name + ": unknown architecture " + Quoted(architecture) + " and no '" + key + "'",
                "known are vit_{base,large,so400m,giantopt}_patchP_siglip_[gap_]SIZE");
  }
  const auto width = all["embed_dim"].get<int64_t>();
  const auto mlp_ratio = all["mlp_ratio"].get<double>();
  Json config = {{"model_type", "siglip_vision_model"},
                 {"hidden_size", width},
                 {"intermediate_size", MlpWidth(width, mlp_ratio, "mlp_ratio", name)},
                 {"num_hidden_layers", all["depth"]},
                 {"num_attention_heads", all["num_heads"]},
                 {"hidden_act", Activation(all["act_layer"].get<std::string>(), name)},
                 {"patch_size", all["patch_size"]},
                 {"image_size", all["img_size"]}};
  if (all.contains("in_chans")) config["num_channels"] = all["in_chans"];
  // "map" is attention pooling; other ways of pooling do without the head.
  if (all.contains("global_pool")) config["vision_use_head"] = all["global_pool"] == "map";
  return config;
}

}  // namespace siglip
