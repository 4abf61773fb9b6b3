// Looking into checkpoints and converting them.
#include "siglip/checkpoint.hpp"

#include <nanobind/nanobind.h>
#include <nanobind/stl/string.h>

#include <string>

#include "commands/findings.h"
#include "parts.h"
#include "runtime.h"
#include "siglip/hub.hpp"
#include "siglip/write_options.hpp"
#include "text.h"

namespace siglip::python {

namespace nb = nanobind;
using namespace nb::literals;

namespace {

nb::dict Parts(nb::handle model) {
  const ModelParts parts = FindParts(PathOf(model));
  nb::dict dict;
  dict["image_tower"] = parts.image_tower;
  dict["text_tower"] = parts.text_tower;
  dict["logits"] = parts.logits;
  dict["classifier"] = parts.classifier;
  dict["projector"] = parts.projector;
  dict["naflex"] = parts.resolution == Resolution::kNaflex;
  return dict;
}

}  // namespace

void AddCheckpoint(nb::module_& module) {
  module.def("find_parts", &Parts, "model"_a);
  module.def(
      "inspect",
      [](nb::handle model) {
        return ToStr(cli::ToJson(cli::Examine(ResolveModel(PathOf(model)))));
      },
      "model"_a);
  module.def(
      "convert_to_transformers",
      [](nb::handle model, nb::handle folder, bool replace) {
        const std::string from = PathOf(model);
        const std::string to = PathOf(folder);
        const nb::gil_scoped_release release;
        ConvertToTransformers(from, to, {.replace = replace});
      },
      "model"_a, "folder"_a, "replace"_a = false);
  module.def(
      "pack_checkpoint",
      [](nb::handle model, nb::handle folder, const std::string& precision,
         const SharedRuntime& runtime, bool replace) {
        const std::string from = PathOf(model);
        const std::string to = PathOf(folder);
        const nb::gil_scoped_release release;
        PackCheckpoint(from, to, PrecisionOf(precision), runtime.runtime, {.replace = replace});
      },
      "model"_a, "folder"_a, "precision"_a, "runtime"_a, "replace"_a = false);
  module.def(
      "packed_layout",
      [](const SharedRuntime& runtime, const std::string& precision) {
        return PackedLayout(*runtime.runtime, ParsePrecision(precision));
      },
      "runtime"_a, "precision"_a);
}

}  // namespace siglip::python
