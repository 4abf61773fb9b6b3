// The classes that take tensors and give tensors.
#include <nanobind/nanobind.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <optional>
#include <string>
#include <utility>

#include "arrays.h"
#include "parts.h"
#include "runtime.h"
#include "siglip/transformers/image_classification.hpp"
#include "siglip/transformers/siglip_model.hpp"
#include "siglip/transformers/text_model.hpp"
#include "siglip/transformers/vision_model.hpp"
#include "text.h"

namespace siglip::python {

namespace nb = nanobind;
using namespace nb::literals;

namespace {

using MaskArray = std::optional<ArrayOf<int32_t>>;
using ShapeArray = std::optional<ArrayOf<int64_t>>;

VisionForwardOptions Options(bool interpolate, bool hidden_states, bool attentions) {
  return {.interpolate_pos_encoding = interpolate,
          .output_hidden_states = hidden_states,
          .output_attentions = attentions};
}

nb::tuple ToTuple(VisionOutput output) {
  return nb::make_tuple(
      ToArray(std::move(output.last_hidden_state)), ToArray(std::move(output.pooler_output)),
      ToArrays(std::move(output.hidden_states)), ToArrays(std::move(output.attentions)));
}

nb::tuple ToTuple(TextOutput output) {
  return nb::make_tuple(
      ToArray(std::move(output.last_hidden_state)), ToArray(std::move(output.pooler_output)),
      ToArrays(std::move(output.hidden_states)), ToArrays(std::move(output.attentions)));
}

/// Loading, while other threads of Python run.
template <class Model, class Load>
void Make(Model* self, const Load& load) {
  const nb::gil_scoped_release release;
  new (self) Model(load());
}

nb::tuple RunVision(const VisionModel& model, const FloatArray& pixels, const MaskArray& mask,
                    const ShapeArray& shapes, bool interpolate, bool hidden_states,
                    bool attentions) {
  const VisionInputsView inputs(ViewOf(pixels), ViewOf(mask), ViewOf(shapes));
  VisionOutput output;
  {
    const nb::gil_scoped_release release;
    output = model(inputs, Options(interpolate, hidden_states, attentions));
  }
  return ToTuple(std::move(output));
}

nb::tuple RunClassifier(const ImageClassificationModel& model, const FloatArray& pixels,
                        const MaskArray& mask, const ShapeArray& shapes, bool interpolate,
                        bool hidden_states, bool attentions) {
  const VisionInputsView inputs(ViewOf(pixels), ViewOf(mask), ViewOf(shapes));
  ImageClassificationOutput output;
  {
    const nb::gil_scoped_release release;
    output = model(inputs, Options(interpolate, hidden_states, attentions));
  }
  return nb::make_tuple(ToArray(std::move(output.logits)),
                        ToTuple(std::move(output.vision_model_output)));
}

nb::tuple RunText(const SiglipTextModel& model, const ArrayOf<int64_t>& input_ids,
                  bool last_hidden_state, bool hidden_states, bool attentions) {
  const TensorView ids = ViewOf(input_ids);
  TextOutput output;
  {
    const nb::gil_scoped_release release;
    output = model(ids, {.output_last_hidden_state = last_hidden_state,
                         .output_hidden_states = hidden_states,
                         .output_attentions = attentions});
  }
  return ToTuple(std::move(output));
}

/// Of one array, or of two.
template <class Function, class... Arrays>
nb::object Apply(const Function& function, const Arrays&... arrays) {
  Tensor result;
  [&](const auto&... views) {
    const nb::gil_scoped_release release;
    result = function(views...);
  }(ViewOf(arrays)...);
  return ToArray(std::move(result));
}

Tensor Compare(const SiglipLogits& logits, const TensorView& images, const TensorView& texts) {
  return logits(NormalizeRows(images), NormalizeRows(texts));
}

void AddVisionModels(nb::module_& module) {
  nb::class_<VisionModel>(module, "VisionModel")
      .def(
          "__init__",
          [](VisionModel* self, nb::handle model, const SharedRuntime& runtime,
             const std::string& precision) {
            Make(self, [&, path = PathOf(model)] {
              return VisionModel::Open(path, runtime.runtime, PrecisionOf(precision));
            });
          },
          "model"_a, "runtime"_a, "precision"_a = "")
      .def("__call__", &RunVision, "pixel_values"_a.noconvert(),
           "pixel_attention_mask"_a.noconvert() = nb::none(),
           "spatial_shapes"_a.noconvert() = nb::none(), "interpolate_pos_encoding"_a = false,
           "output_hidden_states"_a = false, "output_attentions"_a = false)
      .def_prop_ro("is_naflex",
                   [](const VisionModel& self) { return self.resolution() == Resolution::kNaflex; })
      .def_prop_ro("config_json", &VisionModel::config_json)
      .def_prop_ro("precision",
                   [](const VisionModel& self) { return std::string(ToString(self.precision())); })
      .def_prop_ro("has_head", &VisionModel::has_head)
      .def_prop_ro("image_size", &VisionModel::image_size)
      .def_prop_ro("weight_bytes", &VisionModel::weight_bytes);

  nb::class_<ImageClassificationModel>(module, "ImageClassificationModel")
      .def(
          "__init__",
          [](ImageClassificationModel* self, nb::handle model, const SharedRuntime& runtime,
             const std::string& precision) {
            Make(self, [&, path = PathOf(model)] {
              return ImageClassificationModel::Open(path, runtime.runtime, PrecisionOf(precision));
            });
          },
          "model"_a, "runtime"_a, "precision"_a = "")
      .def("__call__", &RunClassifier, "pixel_values"_a.noconvert(),
           "pixel_attention_mask"_a.noconvert() = nb::none(),
           "spatial_shapes"_a.noconvert() = nb::none(), "interpolate_pos_encoding"_a = false,
           "output_hidden_states"_a = false, "output_attentions"_a = false)
      .def_prop_ro("labels", &ImageClassificationModel::labels)
      .def_prop_ro("vision_model",
                   [](const ImageClassificationModel& self) { return self.vision_model(); });
}

void AddTextModel(nb::module_& module) {
  nb::class_<SiglipTextModel>(module, "TextModel")
      .def(
          "__init__",
          [](SiglipTextModel* self, nb::handle model, const SharedRuntime& runtime,
             const std::string& precision) {
            Make(self, [&, path = PathOf(model)] {
              return SiglipTextModel::FromPretrained(path, runtime.runtime, PrecisionOf(precision));
            });
          },
          "model"_a, "runtime"_a, "precision"_a = "")
      .def("__call__", &RunText, "input_ids"_a.noconvert(), "output_last_hidden_state"_a = true,
           "output_hidden_states"_a = false, "output_attentions"_a = false)
      .def_prop_ro("config_json",
                   [](const SiglipTextModel& self) { return self.config().ToJson(); })
      .def_prop_ro(
          "precision",
          [](const SiglipTextModel& self) { return std::string(ToString(self.precision())); })
      .def_prop_ro("weight_bytes", &SiglipTextModel::weight_bytes);
}

}  // namespace

void AddModels(nb::module_& module) {
  AddVisionModels(module);
  AddTextModel(module);
  nb::class_<SiglipLogits>(module, "Logits")
      .def(
          "__init__",
          [](SiglipLogits* self, nb::handle model) {
            Make(self, [path = PathOf(model)] { return SiglipLogits::FromPretrained(path); });
          },
          "model"_a)
      .def(
          "__call__",
          [](const SiglipLogits& self, const FloatArray& images, const FloatArray& texts) {
            return Apply([&](const TensorView& left,
                             const TensorView& right) { return Compare(self, left, right); },
                         images, texts);
          },
          "images"_a.noconvert(), "texts"_a.noconvert())
      .def_prop_ro("logit_scale", &SiglipLogits::logit_scale)
      .def_prop_ro("logit_bias", &SiglipLogits::logit_bias);

  module.def(
      "normalize_rows", [](const FloatArray& rows) { return Apply(NormalizeRows, rows); },
      "rows"_a.noconvert());
  module.def(
      "cosines",
      [](const FloatArray& left, const FloatArray& right) {
        return Apply([](const TensorView& a,
                        const TensorView& b) { return Compare(SiglipLogits(0, 0), a, b); },
                     left, right);
      },
      "left"_a.noconvert(), "right"_a.noconvert());
  module.def(
      "sigmoid", [](const FloatArray& logits) { return Apply(Sigmoid, logits); },
      "logits"_a.noconvert());
  module.def(
      "siglip_loss", [](const FloatArray& logits) { return SiglipLoss(ViewOf(logits)); },
      "logits"_a.noconvert());
}

}  // namespace siglip::python
