// See timm_config.h.
#include "configuration/timm_config.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "configuration/encoder_fields.h"
#include "siglip/error.h"
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

constexpr std::array<Size, 4> kSizes = {{{"base", 768, 12, 12, 4.0},
                                         {"large", 1024, 24, 16, 4.0},
                                         {"so400m", 1152, 27, 16, 3.7362},
                                         {"giantopt", 1536, 40, 16, 4.0}}};

/// Fields of the tower that are still to be found. Those that stay empty come from the name.
struct TimmFields {
  std::optional<int64_t> width;
  std::optional<int64_t> layers;
  std::optional<int64_t> heads;
  std::optional<int64_t> patch_size;
  std::optional<int64_t> image_size;
  std::optional<int64_t> channels;
  std::optional<double> mlp_ratio;
  std::optional<std::string> activation;
  std::optional<bool> use_head;
};

Error Malformed(const std::string& name, const std::string& what) {
  return Error(ErrorCode::kMalformedFile, name + ": " + what);
}

/// The fields under their possible names in one JSON object.
class FieldReader {
 public:
  /// `object` may be null: then it has no fields. `path` precedes field names in errors.
  FieldReader(const Json* object, std::string path, const std::string& name)
      : object_(object), path_(std::move(path)), name_(name) {
    if (object_ != nullptr && !object_->is_object()) {
      throw Malformed(name_, "field '" + path_ + "': expected an object");
    }
  }

  /// The first of these keys that is there and not null.
  const Json* Find(std::initializer_list<const char*> keys) {
    for (const char* key : keys) {
      if (object_ == nullptr) break;
      const auto found = object_->find(key);
      if (found == object_->end() || found->is_null()) continue;
      key_ = path_.empty() ? key : path_ + "." + key;
      return &*found;
    }
    return nullptr;
  }

  void Read(std::optional<int64_t>& field, std::initializer_list<const char*> keys) {
    const Json* value = Find(keys);
    if (value != nullptr && !field) field = JsonInteger(*value, key_, name_);
  }
  void Read(std::optional<double>& field, std::initializer_list<const char*> keys) {
    const Json* value = Find(keys);
    if (value != nullptr && !field) field = JsonNumber(*value, key_, name_);
  }
  void Read(std::optional<std::string>& field, std::initializer_list<const char*> keys) {
    const Json* value = Find(keys);
    if (value != nullptr && !field) field = JsonString(*value, key_, name_);
  }

  /// An integer, or [height, width] with both equal.
  void ReadSide(std::optional<int64_t>& field, std::initializer_list<const char*> keys) {
    const Json* value = Find(keys);
    if (value == nullptr || field) return;
    if (value->is_array() && value->size() == 2) {
      const int64_t height = JsonInteger((*value)[0], key_, name_);
      if (height != JsonInteger((*value)[1], key_, name_)) {
        throw Error(ErrorCode::kUnsupported,
                    name_ + ": field '" + key_ + "': expected a square, found " + value->dump());
      }
      field = height;
    } else {
      field = JsonInteger(*value, key_, name_);
    }
  }

  /// pretrained_cfg.input_size: [channels, height, width].
  void ReadInputSize(TimmFields& fields) {
    const Json* value = Find({"input_size"});
    if (value == nullptr) return;
    if (!value->is_array() || value->size() != 3) {
      throw Malformed(name_, "field '" + key_ + "': expected [channels, height, width]");
    }
    const int64_t height = JsonInteger((*value)[1], key_, name_);
    const int64_t width = JsonInteger((*value)[2], key_, name_);
    if (!fields.channels) fields.channels = JsonInteger((*value)[0], key_, name_);
    if (!fields.image_size && height == width) fields.image_size = height;
  }

  /// "map" is attention pooling; other ways of pooling do without the head.
  void ReadPool(TimmFields& fields, std::initializer_list<const char*> keys) {
    std::optional<std::string> pool;
    Read(pool, keys);
    if (pool && !fields.use_head) fields.use_head = *pool == "map";
  }

 private:
  const Json* object_;
  std::string path_;
  const std::string& name_;
  std::string key_;  // what Find found last
};

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

/// What follows from an architecture's name, e.g. "vit_base_patch16_siglip_gap_224.v2_webli".
/// False for a name that is not of this kind.
bool FieldsOfName(std::string_view architecture, TimmFields& fields) {
  const std::vector<std::string_view> parts =
      Split(architecture.substr(0, architecture.find('.')), '_');
  const bool gap = parts.size() == 6 && parts[4] == "gap";
  if ((parts.size() != 5 && !gap) || parts[0] != "vit" || parts[3] != "siglip") return false;
  const auto size = std::find_if(kSizes.begin(), kSizes.end(),
                                 [&](const Size& known) { return known.name == parts[1]; });
  const std::optional<int64_t> patch = NumberAfter(parts[2], "patch");
  const std::optional<int64_t> image = NumberAfter(parts.back(), "");
  if (size == kSizes.end() || !patch || !image) return false;
  // SigLIP's own checkpoints were trained with the tanh approximation throughout; timm runs these
  // with it and the others with erf.
  const bool tanh = (size->name == "base" && patch == 32) ||
                    (size->name == "large" && patch == 16 && image == 512) ||
                    (size->name == "so400m" && patch == 16) || size->name == "giantopt";
  fields = {size->width,     size->layers,
            size->heads,     patch,
            image,           3,
            size->mlp_ratio, tanh ? "gelu_tanh" : "gelu",
            std::nullopt};
  if (gap) fields.use_head = false;
  return true;
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

/// The value given, else the one of the name; an error when neither says it.
template <typename Value>
Value Choose(const std::optional<Value>& given, const std::optional<Value>& named,
             const char* field, const std::string& architecture, const std::string& name) {
  if (given) return *given;
  if (named) return *named;
  throw Error(ErrorCode::kUnsupported,
              name + ": unknown architecture " + Quoted(architecture) + " and no '" + field + "'",
              "known are vit_{base,large,so400m,giantopt}_patchP_siglip_[gap_]SIZE");
}

SiglipVisionConfig Finish(const TimmFields& given, const std::string& architecture,
                          const std::string& name) {
  TimmFields named;
  FieldsOfName(architecture, named);
  const auto choose = [&](const auto& field, const auto& of_name, const char* key) {
    return Choose(field, of_name, key, architecture, name);
  };
  SiglipVisionConfig config;
  config.hidden_size = choose(given.width, named.width, "embed_dim");
  config.num_hidden_layers = choose(given.layers, named.layers, "depth");
  config.num_attention_heads = choose(given.heads, named.heads, "num_heads");
  config.patch_size = choose(given.patch_size, named.patch_size, "patch_size");
  config.image_size = choose(given.image_size, named.image_size, "img_size");
  config.hidden_act = Activation(choose(given.activation, named.activation, "act_layer"), name);
  config.num_channels = given.channels.value_or(3);
  config.vision_use_head = given.use_head ? given.use_head : named.use_head;
  const double ratio = choose(given.mlp_ratio, named.mlp_ratio, "mlp_ratio");
  const double inner = static_cast<double>(config.hidden_size) * ratio;
  if (!(inner >= 1 && inner < 1e9)) {
    throw Error(
        ErrorCode::kInvalidArgument,
        name + ": field 'mlp_ratio': expected a positive ratio, found " + Json(ratio).dump());
  }
  config.intermediate_size = static_cast<int64_t>(inner);  // timm truncates too
  ValidateAs(config, name);
  return config;
}

const Json* Member(const Json& json, const char* key) {
  const auto found = json.find(key);
  return found == json.end() || found->is_null() ? nullptr : &*found;
}

}  // namespace

bool IsTimmConfig(const Json& json) { return json.is_object() && json.contains("architecture"); }

SiglipVisionConfig ParseTimmConfig(const Json& json, const std::string& name) {
  const std::string architecture = JsonString(json.at("architecture"), "architecture", name);
  TimmFields fields;
  FieldReader arguments(Member(json, "model_args"), "model_args", name);
  arguments.Read(fields.width, {"embed_dim"});
  arguments.Read(fields.layers, {"depth"});
  arguments.Read(fields.heads, {"num_heads"});
  arguments.ReadSide(fields.patch_size, {"patch_size"});
  arguments.ReadSide(fields.image_size, {"img_size"});
  arguments.Read(fields.channels, {"in_chans"});
  arguments.Read(fields.mlp_ratio, {"mlp_ratio"});
  arguments.Read(fields.activation, {"act_layer"});
  arguments.ReadPool(fields, {"global_pool"});
  FieldReader top(&json, "", name);
  top.ReadPool(fields, {"global_pool"});
  FieldReader(Member(json, "pretrained_cfg"), "pretrained_cfg", name).ReadInputSize(fields);
  return Finish(fields, architecture, name);
}

bool IsOpenClipConfig(const Json& json) {
  return json.is_object() && (json.contains("model_cfg") || json.contains("vision_cfg"));
}

SiglipVisionConfig ParseOpenClipConfig(const Json& json, const std::string& name) {
  const Json* model = Member(json, "model_cfg");
  if (model == nullptr) model = &json;
  const Json* vision = model->is_object() ? Member(*model, "vision_cfg") : nullptr;
  if (vision == nullptr) throw Malformed(name, "no field 'model_cfg.vision_cfg'");
  FieldReader reader(vision, "vision_cfg", name);
  std::optional<std::string> architecture;
  reader.Read(architecture, {"timm_model_name"});
  if (!architecture) {
    throw Error(ErrorCode::kUnsupported,
                name +
                    ": field 'vision_cfg': expected a 'timm_model_name': only the SigLIP models " +
                    "of open_clip, which run timm's image tower, are supported");
  }
  std::optional<std::string> projection;
  reader.Read(projection, {"timm_proj"});
  if (projection && *projection != "none" && !projection->empty()) {
    throw Error(ErrorCode::kUnsupported, name + ": field 'vision_cfg.timm_proj': expected " +
                                             "\"none\", found " + Quoted(*projection));
  }
  TimmFields fields;
  reader.Read(fields.width, {"width", "embed_dim"});
  reader.Read(fields.layers, {"layers", "depth"});
  reader.Read(fields.heads, {"heads", "num_heads"});
  reader.ReadSide(fields.patch_size, {"patch_size"});
  reader.ReadSide(fields.image_size, {"image_size", "img_size"});
  reader.Read(fields.channels, {"in_chans"});
  reader.Read(fields.mlp_ratio, {"mlp_ratio"});
  reader.Read(fields.activation, {"act_layer"});
  reader.ReadPool(fields, {"timm_pool"});
  return Finish(fields, *architecture, name);
}

}  // namespace siglip
