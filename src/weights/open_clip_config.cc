// See open_clip_config.h.
#include "weights/open_clip_config.h"

#include <array>
#include <cstdint>
#include <optional>

#include "siglip/error.hpp"
#include "weights/foreign_fields.h"
#include "weights/quoted.h"
#include "weights/timm_config.h"

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

void CheckChoices(const ForeignFields& text) {
  for (const Choice& choice : Choices()) {
    const Json* given = text.Find(choice.key);
    const Json& found = given == nullptr ? choice.otherwise : *given;
    if (found == choice.siglip) continue;
    throw Error(ErrorCode::kUnsupported, text.name() + ": field '" + text.PathOf(choice.key) +
                                             "': expected " + choice.siglip.dump() +
                                             ", the only value of SigLIP's text towers, found " +
                                             ShownJson(found));
  }
}

/// GELU in its exact form unless "act_kwargs" ask for the approximation.
std::string Activation(const ForeignFields& model, const ForeignFields& text) {
  if (model.Bool("quick_gelu").value_or(false)) return "quick_gelu";
  const ForeignFields arguments = text.Object("act_kwargs");
  const Json* approximate = arguments.Find("approximate");
  if (approximate == nullptr || *approximate == "none") return "gelu";
  if (*approximate == "tanh") return "gelu_pytorch_tanh";
  throw Error(ErrorCode::kUnsupported, text.name() + ": field '" + arguments.PathOf("approximate") +
                                           "': expected \"tanh\" or \"none\", found " +
                                           ShownJson(*approximate));
}

/// The arguments of timm's image tower that "vision_cfg" gives, in its own words or timm's.
Json TimmArguments(const ForeignFields& vision) {
  Json arguments = Json::object();
  const auto add = [&](const char* argument, const auto& value) {
    if (value) arguments[argument] = *value;
  };
  const auto either = [&](const char* own, const char* timms) {
    return vision.Find(own) != nullptr ? own : timms;
  };
  add("embed_dim", vision.Integer(either("width", "embed_dim")));
  add("depth", vision.Integer(either("layers", "depth")));
  add("num_heads", vision.Integer(either("heads", "num_heads")));
  add("patch_size", vision.Side("patch_size"));
  add("img_size", vision.Side(either("image_size", "img_size")));
  add("in_chans", vision.Integer("in_chans"));
  add("mlp_ratio", vision.Number("mlp_ratio"));
  add("act_layer", vision.String("act_layer"));
  add("global_pool", vision.String("timm_pool"));
  return arguments;
}

}  // namespace

bool IsOpenClipConfig(const Json& json) {
  return json.is_object() && (json.contains("model_cfg") || json.contains("vision_cfg"));
}

Json OpenClipVisionConfig(const Json& json, const std::string& name) {
  const ForeignFields top(json, "", name);
  const Json* given = top.Find("model_cfg");
  const Json& model = given == nullptr ? json : *given;
  const auto found = model.is_object() ? model.find("vision_cfg") : model.end();
  if (found == model.end() || found->is_null()) {
    throw Error(ErrorCode::kMalformedFile, name + ": no field 'model_cfg.vision_cfg'");
  }
  const ForeignFields vision(*found, "vision_cfg", name);
  const std::optional<std::string> architecture = vision.String("timm_model_name");
  if (!architecture) {
    throw Error(ErrorCode::kUnsupported,
                name +
                    ": field 'vision_cfg': expected a 'timm_model_name': only the SigLIP models " +
                    "of open_clip, which run timm's image tower, are supported");
  }
  const std::string projection = vision.String("timm_proj").value_or("");
  if (projection != "none" && !projection.empty()) {
    throw Error(ErrorCode::kUnsupported, name + ": field 'vision_cfg.timm_proj': expected " +
                                             "\"none\", found " + Quoted(projection));
  }
  return TimmVisionConfig(TimmArguments(vision), *architecture, name);
}

Json OpenClipTextConfig(const Json& json, const std::string& name) {
  const ForeignFields top(json, "", name);
  const ForeignFields model = top.Find("model_cfg") == nullptr ? top : top.Object("model_cfg");
  if (model.Find("text_cfg") == nullptr) {
    throw Error(ErrorCode::kUnsupported,
                name + ": no field '" + model.PathOf("text_cfg") + "', hence no text tower");
  }
  const ForeignFields text = model.Object("text_cfg");
  CheckChoices(text);
  const int64_t width = text.Integer("width").value_or(512);
  const double mlp_ratio = text.Number("mlp_ratio").value_or(4.0);
  const Json* projection = model.Find("embed_dim");
  return {
      {"model_type", "siglip_text_model"},
      {"hidden_size", width},
      {"intermediate_size", MlpWidth(width, mlp_ratio, text.PathOf("mlp_ratio"), name)},
      {"num_hidden_layers", text.Integer("layers").value_or(12)},
      {"num_attention_heads", text.Integer("heads").value_or(8)},
      {"hidden_act", Activation(model, text)},
      {"layer_norm_eps", text.Object("norm_kwargs").Number("eps").value_or(1e-5)},
      {"vocab_size", text.Integer("vocab_size").value_or(49408)},
      {"max_position_embeddings", text.Integer("context_length").value_or(77)},
      {"projection_size",
       JsonInteger(projection == nullptr ? Json() : *projection, model.PathOf("embed_dim"), name)},
      {"pad_token_id", text.Integer("pad_id").value_or(0)},
      {"bos_token_id", nullptr},
      {"eos_token_id", nullptr},
  };
}

}  // namespace siglip
