#include "errors.h"

#include <exception>
#include <string>

#include "parts.h"
#include "text.h"

namespace siglip::python {

namespace nb = nanobind;

nb::object ToException(const Error& error) {
  return nb::module_::import_("siglip.errors")
      .attr("from_code")(ToStr(std::string(ToString(error.code()))), ToStr(error.message()),
                         ToStr(error.hint()));
}

void AddErrors(nb::module_&) {
  nb::register_exception_translator([](const std::exception_ptr& thrown, void*) {
    try {
      std::rethrow_exception(thrown);
    } catch (const Error& error) {
      const nb::object exception = ToException(error);
      PyErr_SetObject(exception.type().ptr(), exception.ptr());
    }
  });
}

}  // namespace siglip::python
