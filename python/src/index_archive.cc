#include "index_archive.h"

#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "arrays.h"
#include "siglip/error.hpp"
#include "siglip/index.hpp"
#include "text.h"

namespace siglip::python {

namespace nb = nanobind;
using namespace nb::literals;

namespace {

void CheckLength(const char* name, size_t found, size_t expected) {
  if (found == expected) return;
  throw Error(ErrorCode::kMismatch, std::string(name) + ": expected " + std::to_string(expected) +
                                        " for as many paths, found " + std::to_string(found));
}

void AddArchive(nb::handle index, nb::handle archive, nb::handle model,
                const std::string& fingerprint, std::optional<double> logit_scale,
                std::optional<double> logit_bias, const nb::list& paths, const nb::bytes& hashes,
                const std::vector<std::string>& formats, const std::vector<int64_t>& widths,
                const std::vector<int64_t>& heights, const std::vector<int64_t>& sizes,
                const FloatArray& vectors) {
  constexpr size_t kHashBytes = std::tuple_size_v<ContentHash>;
  const size_t count = paths.size();
  CheckLength("hashes", hashes.size(), kHashBytes * count);
  CheckLength("formats", formats.size(), count);
  CheckLength("widths", widths.size(), count);
  CheckLength("heights", heights.size(), count);
  CheckLength("sizes", sizes.size(), count);
  if (vectors.ndim() != 2) throw Error(ErrorCode::kMismatch, "vectors: expected [pictures, D]");
  CheckLength("vectors", vectors.shape(0), count);
  const size_t dimension = vectors.shape(1);
  std::vector<ArchivedPicture> pictures(count);
  for (size_t i = 0; i < count; ++i) {
    ArchivedPicture& picture = pictures[i];
    picture.path = PathOf(paths[i]);
    const auto* const hash = static_cast<const uint8_t*>(hashes.data()) + kHashBytes * i;
    std::copy_n(hash, kHashBytes, picture.hash.begin());
    picture.format = formats[i];
    picture.width = widths[i];
    picture.height = heights[i];
    picture.bytes = sizes[i];
    picture.vector = {vectors.data() + dimension * i, dimension};
  }
  const std::string folder = PathOf(index);
  const std::string name = PathOf(archive);
  const IndexSpace space = {.model = PathOf(model),
                            .fingerprint = Fingerprint::FromJson(fingerprint, "fingerprint"),
                            .logit_scale = logit_scale,
                            .logit_bias = logit_bias};
  const nb::gil_scoped_release release;
  IndexWriter(folder).AddArchive(name, space, pictures);
}

}  // namespace

void AddIndexArchive(nb::module_& module) {
  module.def("add_archive_to_index", &AddArchive, "index"_a, "archive"_a, "model"_a,
             "fingerprint"_a, "logit_scale"_a.none(), "logit_bias"_a.none(), "paths"_a, "hashes"_a,
             "formats"_a, "widths"_a, "heights"_a, "sizes"_a, "vectors"_a.noconvert());
}

}  // namespace siglip::python
