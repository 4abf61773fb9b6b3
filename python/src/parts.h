// What the module consists of. Each function adds some classes and functions to it.
#pragma once

#include <nanobind/nanobind.h>

namespace siglip::python {

/// siglip::Error becomes the class of siglip.errors for its code.
void AddErrors(nanobind::module_& module);
void AddRuntime(nanobind::module_& module);
void AddPictures(nanobind::module_& module);
void AddModels(nanobind::module_& module);
void AddProcessing(nanobind::module_& module);
void AddStream(nanobind::module_& module);
void AddEmbedder(nanobind::module_& module);
void AddCheckpoint(nanobind::module_& module);
void AddHub(nanobind::module_& module);
void AddIndex(nanobind::module_& module);
void AddCommandLine(nanobind::module_& module);

}  // namespace siglip::python
