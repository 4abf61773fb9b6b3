// What a request is refused with, for tests.
#pragma once

#include <gtest/gtest.h>

#include "server/api/api_error.h"

namespace siglip::server {

/// The ApiError that `read` throws; the test fails where it throws none.
template <typename Read>
ApiError RefusalOf(const Read& read) {
  try {
    read();
  } catch (const ApiError& error) {
    return error;
  }
  ADD_FAILURE() << "was not refused";
  return {0, "", ""};
}

}  // namespace siglip::server
