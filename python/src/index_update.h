// An index that is brought up to date while Python looks for signals.
#pragma once

#include <nanobind/nanobind.h>

#include <filesystem>
#include <memory>
#include <string>

#include "siglip/embedder.hpp"
#include "siglip/index.hpp"

namespace siglip::python {

/// Functions of Python, or None.
struct UpdateCallbacks {
  nanobind::object progress;     ///< UpdateCounts as a tuple.
  nanobind::object failed;       ///< Path and exception.
  nanobind::object passed_over;  ///< Path and reason.
};

/// In the order of the struct's fields.
nanobind::tuple ToTuple(const UpdateCounts& counts);

/// IndexWriter::Update of a folder of pictures. What a callback raises ends it, as signals do, such
/// as KeyboardInterrupt: then what was done is committed, and the exception thrown.
UpdateCounts UpdateIndex(const std::filesystem::path& index,
                         const std::shared_ptr<Embedder>& embedder, const std::string& model,
                         const std::filesystem::path& pictures, const UpdateOptions& options,
                         const UpdateCallbacks& callbacks);

}  // namespace siglip::python
