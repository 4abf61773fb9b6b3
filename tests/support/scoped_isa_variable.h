// The environment variable SIGLIP_ISA in tests.
#pragma once

#include <cstdlib>
#include <optional>
#include <string>

namespace siglip {

/// Sets SIGLIP_ISA for one test.
class ScopedIsaVariable {
 public:
  explicit ScopedIsaVariable(const std::optional<std::string>& value) {
    if (const char* before = std::getenv("SIGLIP_ISA")) before_ = before;
    Set(value);
  }
  ScopedIsaVariable(const ScopedIsaVariable&) = delete;
  ScopedIsaVariable& operator=(const ScopedIsaVariable&) = delete;
  ~ScopedIsaVariable() { Set(before_); }

 private:
  static void Set(const std::optional<std::string>& value) {
    if (value) {
      ::setenv("SIGLIP_ISA", value->c_str(), 1);
    } else {
      ::unsetenv("SIGLIP_ISA");
    }
  }
  std::optional<std::string> before_;
};

}  // namespace siglip
