#include "transport.h"

#include <nanobind/stl/string.h>

#include <exception>
#include <memory>
#include <span>
#include <string>
#include <utility>

#include "siglip/error.hpp"
#include "text.h"

namespace siglip::python {

namespace nb = nanobind;

namespace {

nb::dict ToDict(const HttpHeaders& headers) {
  nb::dict dict;
  for (const auto& [name, value] : headers) dict[ToStr(name)] = ToStr(value);
  return dict;
}

HttpResponse ToResponse(int status, const nb::dict& headers) {
  HttpResponse response{.status = status, .headers = {}};
  for (const auto [name, value] : headers) {
    response.headers.emplace_back(PathOf(name), PathOf(value));
  }
  return response;
}

/// siglip.transport.send, or another function like it. What it raises is passed on, but for errors
/// of the operating system, which may pass.
class PythonTransport : public HttpTransport {
 public:
  explicit PythonTransport(nb::object send) : send_(std::move(send)) {}
  ~PythonTransport() override {
    const nb::gil_scoped_acquire lock;
    if (lock) {
      send_.reset();
    } else {
      send_.release();
    }
  }

  HttpResponse Send(const HttpRequest& request, const BodySink& sink) override {
    const nb::gil_scoped_acquire lock;
    std::exception_ptr thrown;  // by the sink: no exception of C++ passes through Python as it is
    const auto take = [&](int status, const nb::dict& headers, const nb::bytes& piece) {
      const auto* const begin = static_cast<const std::byte*>(piece.data());
      try {
        if (request.stop != nullptr && *request.stop) {
          throw Error(ErrorCode::kCancelled, "the download was stopped");
        }
        sink(ToResponse(status, headers), std::span(begin, piece.size()));
        return true;
      } catch (...) {
        thrown = std::current_exception();
        return false;
      }
    };
    try {
      const nb::object answer = send_(ToStr(request.url), ToDict(request.headers), request.head,
                                      request.timeout_seconds, nb::cpp_function(take));
      if (thrown) std::rethrow_exception(thrown);
      const auto pair = nb::cast<nb::tuple>(answer);
      return ToResponse(nb::cast<int>(pair[0]), nb::cast<nb::dict>(pair[1]));
    } catch (const nb::python_error& error) {
      if (thrown) std::rethrow_exception(thrown);
      if (!MayPass(error)) throw;
      throw TransientFailure(std::string(nb::str(error.value()).c_str()));
    }
  }

 private:
  /// Those of the library are errors of the operating system, too, but know better.
  static bool MayPass(const nb::python_error& error) {
    const nb::object own = nb::module_::import_("siglip.errors").attr("SiglipError");
    return error.matches(PyExc_OSError) && !error.matches(own);
  }

  nb::object send_;
};

}  // namespace

std::shared_ptr<HttpTransport> TransportOf(const nb::object& transport) {
  if (transport.is_none()) return nullptr;
  return std::make_shared<PythonTransport>(transport);
}

}  // namespace siglip::python
