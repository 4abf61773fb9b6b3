// siglip._siglip: the library for the Python modules beside it. python/siglip/_siglip.pyi says what
// each function takes and gives.
#include <nanobind/nanobind.h>

#include <cstdlib>

#include "parts.h"

NB_MODULE(_siglip, module) {
  using namespace siglip::python;
  // A stream that ends with the process is no leak worth telling users of. Tests look for others.
  nanobind::set_leak_warnings(std::getenv("SIGLIP_LEAK_WARNINGS") != nullptr);
  AddErrors(module);
  AddRuntime(module);
  AddPictures(module);
  AddModels(module);
  AddProcessing(module);
  AddStream(module);
  AddEmbedder(module);
  AddCheckpoint(module);
  AddHub(module);
  AddIndex(module);
  AddCommandLine(module);
}
