// siglip._siglip: the library for the Python modules beside it. python/siglip/_siglip.pyi says what
// each function takes and gives.
#include <nanobind/nanobind.h>

#include "parts.h"

NB_MODULE(_siglip, module) {
  using namespace siglip::python;
  AddErrors(module);
  AddRuntime(module);
  AddPictures(module);
  AddModels(module);
  AddProcessing(module);
  AddStream(module);
  AddEmbedder(module);
  AddCheckpoint(module);
  AddHub(module);
  AddCommandLine(module);
}
