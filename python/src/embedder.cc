// Embedder and what is made with it.
#include "siglip/embedder.hpp"

#include <nanobind/nanobind.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/shared_ptr.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/unique_ptr.h>
#include <nanobind/stl/vector.h>

#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "arrays.h"
#include "parts.h"
#include "runtime.h"
#include "siglip/error.hpp"
#include "siglip/transformers/image_processor.hpp"
#include "siglip/transformers/siglip_model.hpp"
#include "siglip/transformers/text_model.hpp"
#include "siglip/transformers/tokenizer.hpp"
#include "siglip/transformers/vision_model.hpp"
#include "siglip/zero_shot_classifier.hpp"
#include "stream.h"
#include "text.h"

namespace siglip::python {

namespace nb = nanobind;
using namespace nb::literals;

namespace {

Output OutputOf(bool tokens) { return tokens ? Output::kTokens : Output::kPooled; }

/// A part of an embedder, loaded while other threads of Python run.
template <class Part>
Part PartOf(const Embedder& embedder, const Part& (Embedder::*part)() const) {
  const nb::gil_scoped_release release;
  return (embedder.*part)();
}

std::shared_ptr<Embedder> Open(nb::handle model, const SharedRuntime& runtime,
                               const std::string& precision, const std::string& preprocess,
                               const std::string& alpha, bool fast_decode,
                               int64_t max_num_patches) {
  EmbedderOptions options;
  options.runtime = runtime.runtime;
  options.precision = PrecisionOf(precision);
  if (!preprocess.empty()) options.preprocess = ParsePreprocessMode(preprocess);
  options.decode.alpha = ParseAlphaPolicy(alpha);
  options.decode.fast = fast_decode;
  options.max_num_patches = max_num_patches;
  const std::string path = PathOf(model);
  const nb::gil_scoped_release release;
  return std::make_shared<Embedder>(Embedder::Open(path, options));
}

std::unique_ptr<Stream> NewStream(std::shared_ptr<Embedder> embedder, nb::object pictures,
                                  bool normalize, bool tokens, int in_flight, bool as_ready,
                                  std::optional<RowArray> rows, bool details) {
  const EmbedOptions options = {.output = OutputOf(tokens),
                                .normalize = normalize,
                                .in_flight = in_flight,
                                .order = as_ready ? Order::kAsReady : Order::kInput,
                                .details = details};
  PartOf(*embedder, &Embedder::vision_model);  // what is missing is told at once
  return std::make_unique<Stream>(std::move(embedder), std::move(pictures), std::move(rows),
                                  options);
}

nb::object EmbedTexts(const Embedder& embedder, const std::vector<std::string>& texts,
                      bool normalize) {
  Tensor embeddings;
  {
    const nb::gil_scoped_release release;
    embeddings = embedder.EmbedTexts(texts, {.normalize = normalize});
  }
  return ToArray(std::move(embeddings));
}

nb::tuple EmbeddingShape(const Embedder& embedder, bool tokens) {
  Shape shape;
  {
    const nb::gil_scoped_release release;
    shape = embedder.embedding_shape(OutputOf(tokens));
  }
  nb::list extents;
  for (const int64_t extent : shape) extents.append(extent);
  return nb::tuple(extents);
}

std::string FingerprintOf(const Embedder& embedder, bool pictures, bool texts, bool normalize,
                          bool tokens) {
  if (!pictures && !texts) {
    throw Error(ErrorCode::kInvalidArgument, "fingerprint: expected pictures, texts or both");
  }
  const auto content = pictures && texts ? EmbeddingContent::kPicturesAndTexts
                       : pictures        ? EmbeddingContent::kPictures
                                         : EmbeddingContent::kTexts;
  const nb::gil_scoped_release release;
  return embedder.fingerprint(content, {.output = OutputOf(tokens), .normalize = normalize})
      .ToJson();
}

std::vector<std::tuple<size_t, float, float>> Classify(const ZeroShotClassifier& classifier,
                                                       const FloatArray& embedding) {
  std::vector<std::tuple<size_t, float, float>> scores;
  for (const LabelScore& score : classifier(Tensor(ViewOf(embedding)))) {
    scores.emplace_back(score.label, score.logit, score.probability);
  }
  return scores;
}

}  // namespace

void AddEmbedder(nb::module_& module) {
  nb::class_<Embedder>(module, "Embedder")
      .def(nb::new_(&Open), "model"_a, "runtime"_a, "precision"_a = "", "preprocess"_a = "",
           "alpha"_a = "white", "fast_decode"_a = false, "max_num_patches"_a = 0)
      .def("stream", &NewStream, "pictures"_a, "normalize"_a = false, "tokens"_a = false,
           "in_flight"_a = 0, "as_ready"_a = false, "rows"_a.noconvert() = nb::none(),
           "details"_a = false)
      .def("embed_texts", &EmbedTexts, "texts"_a, "normalize"_a = false)
      .def("embedding_shape", &EmbeddingShape, "tokens"_a = false)
      .def("fingerprint", &FingerprintOf, "pictures"_a, "texts"_a, "normalize"_a = false,
           "tokens"_a = false)
      .def_prop_ro("vision_model",
                   [](const Embedder& self) { return PartOf(self, &Embedder::vision_model); })
      .def_prop_ro("text_model",
                   [](const Embedder& self) { return PartOf(self, &Embedder::text_model); })
      .def_prop_ro("image_processor",
                   [](const Embedder& self) { return PartOf(self, &Embedder::image_processor); })
      .def_prop_ro("logits", [](const Embedder& self) { return PartOf(self, &Embedder::logits); })
      .def_prop_ro(
          "tokenizer",
          [](const Embedder& self) -> const Tokenizer& {
            const nb::gil_scoped_release release;
            return self.tokenizer();
          },
          nb::rv_policy::reference_internal);

  nb::class_<ZeroShotClassifier>(module, "ZeroShotClassifier")
      .def(
          "__init__",
          [](ZeroShotClassifier* self, const Embedder& embedder, std::vector<std::string> labels,
             const std::vector<std::string>& templates) {
            const nb::gil_scoped_release release;
            new (self) ZeroShotClassifier(embedder, std::move(labels), templates);
          },
          "embedder"_a, "labels"_a, "templates"_a)
      .def("__call__", &Classify, "embedding"_a.noconvert());
}

}  // namespace siglip::python
