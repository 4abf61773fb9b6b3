// Checks that something fails with the right error, and that its message names what matters.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

#include "siglip/error.hpp"

namespace siglip {

/// `parts` must all occur in what() of the Error that `action` throws.
inline void ExpectError(ErrorCode code, const std::vector<std::string>& parts,
                        const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& error) {
    const std::string message = error.what();
    EXPECT_EQ(ToString(error.code()), ToString(code)) << message;
    for (const std::string& part : parts) {
      EXPECT_NE(message.find(part), std::string::npos) << "no '" << part << "' in: " << message;
    }
    EXPECT_EQ(message.find('\n'), std::string::npos) << "more than one line: " << message;
    return;
  } catch (const std::exception& exception) {
    FAIL() << "not a siglip::Error: " << exception.what();
  }
  FAIL() << "no error; expected one with code " << ToString(code);
}

}  // namespace siglip
