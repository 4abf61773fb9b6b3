// See open_clip_text_config.h.
#include "configuration/open_clip_text_config.h"

#include <array>

#include "configuration/encoder_fields.h"
#include "siglip/error.h"
#include "weights/quoted.h"

namespace siglip {
namespace {

/// A field of "text_cfg" on which the architecture depends, with the only value that is SigLIP's.
struct Choice {
  const char* key;
  Json otherwise;  ///< open_clip's default.
  Json siglip;
};

const std::array<Choice, 15>& Choices() {
  static const std::array<Choice, 15> choices = {{
      {"hf_model_name", nullptr, nullptr},
      {"no_causal_mask", false, true},
      {"pool_type", "argmax", "last"},
      {"proj_type", "linear", "linear"},
      {"proj_bias", false, true},
      {"embed_cls", false, false},
      {"use_pad_mask", false, false},
      {"ls_init_value", nullptr, nullptr},
      {"final_ln_after_pool", false, false},
      {"qk_norm", false, false},
      {"scaled_cosine_attn", false, false},
      {"scale_heads", false, false},
      {"scale_attn", false, false},
      {"scale_attn_inner", false, false},
      {"scale_fc", false, false},
  }};
  return choices;
}

/// Members of "text_cfg" or of the object around it; absent ones are null.
class Fields {
 public:
  Fields(const Json& object, std::string path, const std::string& name)
      : object_(object), path_(std::move(path)), name_(name) {
    if (!object_.is_object()) {
      throw Error(ErrorCode::kMalformedFile, name_ + ": field '" + path_ + "': expected an object");
    }
  }

  const Json& operator[](const char* key) const {
    static const Json null;
    const auto found = object_.find(key);
    return found == object_.end() ? null : *found;
  }
  std::string PathOf(const char* key) const { return path_.empty() ? key : path_ + "." + key; }

  int64_t Integer(const char* key, int64_t otherwise) const {
    const Json& value = (*this)[key];
    return value.is_null() ? otherwise : JsonInteger(value, PathOf(key), name_);
  }
  double Number(const char* key, double otherwise) const {
    const Json& value = (*this)[key];
    return value.is_null() ? otherwise : JsonNumber(value, PathOf(key), name_);
  }
  /// The object at `key`; an empty one when it is absent.
  Fields Object(const char* key) const {
    static const Json empty = Json::object();
    const Json& value = (*this)[key];
    return Fields(value.is_null() ? empty : value, PathOf(key), name_);
  }

 private:
  const Json& object_;
  std::string path_;
  const std::string& name_;
};

Error NotSiglip(const std::string& name, const std::string& path, const Json& expected,
                const Json& found) {
  return Error(ErrorCode::kUnsupported,
               name + ": field '" + path + "': expected " + expected.dump() +
                   ", the only value of SigLIP's text towers, found " + ShownJson(found));
}

void CheckChoices(const Fields& text, const std::string& name) {
  for (const Choice& choice : Choices()) {
    const Json& given = text[choice.key];
    const Json& found = given.is_null() ? choice.otherwise : given;
    if (found != choice.siglip) {
      throw NotSiglip(name, text.PathOf(choice.key), choice.siglip, found);
    }
  }
}

/// GELU in its exact form unless "act_kwargs" ask for the approximation.
std::string Activation(const Fields& model, const Fields& text, const std::string& name) {
  const Json& quick = model["quick_gelu"];
  if (!quick.is_null() && JsonBool(quick, model.PathOf("quick_gelu"), name)) return "quick_gelu";
  const Fields arguments = text.Object("act_kwargs");
  const Json& approximate = arguments["approximate"];
  if (approximate.is_null() || approximate == "none") return "gelu";
  if (approximate == "tanh") return "gelu_pytorch_tanh";
  throw Error(ErrorCode::kUnsupported, name + ": field '" + arguments.PathOf("approximate") +
                                           "': expected \"tanh\" or \"none\", found " +
                                           ShownJson(approximate));
}

}  // namespace

SiglipTextConfig ParseOpenClipTextConfig(const Json& json, const std::string& name) {
  const Fields top(json, "", name);
  const Fields model = top["model_cfg"].is_null() ? top : top.Object("model_cfg");
  if (model["text_cfg"].is_null()) {
    throw Error(ErrorCode::kUnsupported,
                name + ": no field '" + model.PathOf("text_cfg") + "', hence no text tower");
  }
  const Fields text = model.Object("text_cfg");
  CheckChoices(text, name);

  SiglipTextConfig config;
  config.hidden_size = text.Integer("width", 512);
  config.num_hidden_layers = text.Integer("layers", 12);
  config.num_attention_heads = text.Integer("heads", 8);
  config.vocab_size = text.Integer("vocab_size", 49408);
  config.max_position_embeddings = text.Integer("context_length", 77);
  config.hidden_act = Activation(model, text, name);
  config.layer_norm_eps = text.Object("norm_kwargs").Number("eps", 1e-5);
  const double ratio = text.Number("mlp_ratio", 4.0);
  const double inner = static_cast<double>(config.hidden_size) * ratio;
  if (!(inner >= 1 && inner < 1e9)) {
    throw Error(ErrorCode::kInvalidArgument, name + ": field '" + text.PathOf("mlp_ratio") +
                                                 "': expected a positive ratio, found " +
                                                 Json(ratio).dump());
  }
  config.intermediate_size = static_cast<int64_t>(inner);  // open_clip truncates too
  config.projection_size = JsonInteger(model["embed_dim"], model.PathOf("embed_dim"), name);
  config.pad_token_id = text.Integer("pad_id", 0);
  config.bos_token_id.reset();
  config.eos_token_id.reset();
  ValidateAs(config, name);
  return config;
}

}  // namespace siglip
