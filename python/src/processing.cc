// Preprocessing and tokenizers.
#include <nanobind/nanobind.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/unique_ptr.h>
#include <nanobind/stl/vector.h>

#include <algorithm>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "arrays.h"
#include "parts.h"
#include "siglip/error.hpp"
#include "siglip/image.hpp"
#include "siglip/picture.hpp"
#include "siglip/transformers/image_processor.hpp"
#include "siglip/transformers/tokenizer.hpp"
#include "siglip/transformers/vision_inputs.hpp"
#include "text.h"

namespace siglip::python {

namespace nb = nanobind;
using namespace nb::literals;

namespace {

std::optional<PreprocessMode> ModeOf(const std::string& name) {
  if (name.empty()) return std::nullopt;
  return ParsePreprocessMode(name);
}

/// Pictures that all come to the same size -> [B, 3, H, W].
VisionInputs StackPlanes(const ImageProcessor& processor, const std::vector<Picture>& pictures,
                         const DecodeOptions& decode) {
  VisionInputs inputs;
  PreparedPicture prepared;
  std::span<float> left;
  for (const Picture& picture : pictures) {
    processor.Prepare(picture, decode, prepared);
    Shape shape = prepared.pixel_values.shape();
    shape[0] = std::ssize(pictures);
    if (inputs.pixel_values.empty()) {
      inputs.pixel_values = Tensor(DType::kF32, shape);
      left = inputs.pixel_values.floats();
    } else if (shape != inputs.pixel_values.shape()) {
      throw Error(ErrorCode::kMismatch,
                  picture.name() + ": comes to another size than the pictures before, " +
                      ToString(prepared.pixel_values.shape()),
                  "pictures of one call must come to one size, or be handed in one by one");
    }
    std::ranges::copy(prepared.pixel_values.floats(), left.begin());
    left = left.subspan(static_cast<size_t>(prepared.pixel_values.size()));
  }
  return inputs;
}

/// Pictures of any shape -> patches, padded with zeros to max_num_patches.
VisionInputs StackPatches(const ImageProcessor& processor, const std::vector<Picture>& pictures,
                          const DecodeOptions& decode) {
  const int64_t count = std::ssize(pictures);
  const int64_t most = processor.max_num_patches();
  const int64_t values = processor.naflex()->patch_values();
  VisionInputs inputs(Tensor(DType::kF32, {count, most, values}),
                      Tensor(DType::kI32, {count, most}), Tensor(DType::kI64, {count, 2}));
  PreparedPicture prepared;
  for (size_t i = 0; i < pictures.size(); ++i) {
    processor.Prepare(pictures[i], decode, prepared);
    const auto row = static_cast<int64_t>(i);
    std::ranges::copy(prepared.pixel_values.floats(),
                      inputs.pixel_values.floats().begin() + row * most * values);
    std::ranges::fill_n(inputs.pixel_attention_mask.values<int32_t>().begin() + row * most,
                        prepared.tokens(), 1);
    inputs.spatial_shapes.values<int64_t>()[2 * i] = prepared.rows;
    inputs.spatial_shapes.values<int64_t>()[2 * i + 1] = prepared.columns;
  }
  return inputs;
}

nb::tuple Process(const ImageProcessor& processor, const std::vector<Picture>& pictures,
                  const std::string& alpha, bool fast_decode) {
  const bool is_naflex = processor.resolution() == Resolution::kNaflex;
  DecodeOptions decode;
  decode.alpha = ParseAlphaPolicy(alpha);
  decode.fast = fast_decode;
  VisionInputs inputs;
  {
    const nb::gil_scoped_release release;
    inputs = is_naflex ? StackPatches(processor, pictures, decode)
                       : StackPlanes(processor, pictures, decode);
  }
  nb::object mask = nb::none();
  nb::object shapes = nb::none();
  if (is_naflex) {
    mask = ToArray<int32_t>(std::move(inputs.pixel_attention_mask));
    shapes = ToArray<int64_t>(std::move(inputs.spatial_shapes));
  }
  return nb::make_tuple(ToArray(std::move(inputs.pixel_values)), mask, shapes);
}

void AddImageProcessor(nb::module_& module) {
  nb::class_<ImageProcessor>(module, "ImageProcessor")
      .def(
          "__init__",
          [](ImageProcessor* self, nb::handle model, bool is_naflex, const std::string& preprocess,
             int64_t max_num_patches) {
            new (self) ImageProcessor(ImageProcessor::FromPretrained(
                PathOf(model), is_naflex ? Resolution::kNaflex : Resolution::kFixed,
                ModeOf(preprocess), max_num_patches));
          },
          "model"_a, "is_naflex"_a, "preprocess"_a = "", "max_num_patches"_a = 0)
      .def("__call__", &Process, "pictures"_a, "alpha"_a = "white", "fast_decode"_a = false)
      .def_prop_ro(
          "is_naflex",
          [](const ImageProcessor& self) { return self.resolution() == Resolution::kNaflex; })
      .def_prop_ro("mode",
                   [](const ImageProcessor& self) { return std::string(ToString(self.mode())); })
      .def_prop_ro("config_json",
                   [](const ImageProcessor& self) {
                     return self.fixed() != nullptr ? self.fixed()->config().ToJson()
                                                    : self.naflex()->config().ToJson();
                   })
      .def_prop_ro("max_num_patches", &ImageProcessor::max_num_patches);
}

nb::object Tokenize(const Tokenizer& tokenizer, const std::vector<std::string>& texts) {
  Tensor ids;
  {
    const nb::gil_scoped_release release;
    ids = tokenizer(texts);
  }
  return ToArray<int64_t>(std::move(ids));
}

}  // namespace

void AddProcessing(nb::module_& module) {
  AddImageProcessor(module);
  nb::class_<Tokenizer>(module, "Tokenizer")
      .def(nb::new_([](nb::handle model, int64_t max_length) {
             return Tokenizer::FromPretrained(PathOf(model), {.max_length = max_length});
           }),
           "model"_a, "max_length"_a = 0)
      .def("__call__", &Tokenize, "texts"_a)
      .def(
          "piece", [](const Tokenizer& self, int64_t id) { return ToStr(self.Piece(id)); }, "id"_a)
      .def_prop_ro("max_length", &Tokenizer::max_length)
      .def_prop_ro("pad_id", &Tokenizer::pad_id)
      .def_prop_ro("pads_left", &Tokenizer::pads_left)
      .def_prop_ro("name", [](const Tokenizer& self) { return std::string(self.name()); })
      .def_prop_ro("vocab_size", &Tokenizer::vocab_size);
}

}  // namespace siglip::python
