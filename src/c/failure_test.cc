// Exceptions end at the interface; what they said can be asked for.
#include "c/failure.h"

#include <gtest/gtest.h>

#include <new>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "c/c_test_support.h"

namespace siglip {
namespace {

template <class Exception>
siglip_status StatusOfThrowing(const Exception& exception) {
  return Guarded([&] { throw exception; });
}

TEST(Failure, EveryCodeHasItsStatusAndName) {
  const std::vector<std::pair<ErrorCode, siglip_status>> pairs = {
      {ErrorCode::kInvalidArgument, SIGLIP_INVALID_ARGUMENT},
      {ErrorCode::kNotFound, SIGLIP_NOT_FOUND},
      {ErrorCode::kIo, SIGLIP_IO},
      {ErrorCode::kMalformedFile, SIGLIP_MALFORMED_FILE},
      {ErrorCode::kUnsupported, SIGLIP_UNSUPPORTED},
      {ErrorCode::kMismatch, SIGLIP_MISMATCH},
      {ErrorCode::kLimitExceeded, SIGLIP_LIMIT_EXCEEDED},
      {ErrorCode::kCancelled, SIGLIP_CANCELLED},
      {ErrorCode::kInternal, SIGLIP_INTERNAL}};
  for (const auto& [code, status] : pairs) {
    EXPECT_EQ(StatusOfThrowing(Error(code, "what", "how")), status);
    EXPECT_STREQ(siglip_last_error_message(), "what");
    EXPECT_STREQ(siglip_last_error_hint(), "how");
    EXPECT_EQ(std::string_view(siglip_status_name(status)), ToString(code));
  }
  EXPECT_STREQ(siglip_status_name(SIGLIP_OK), "ok");
  EXPECT_STREQ(siglip_status_name(SIGLIP_OUT_OF_MEMORY), "out of memory");
  for (const int none : {-1, 10, 99, 101, 0x7fffffff}) {
    siglip_status status = SIGLIP_OK;
    std::memcpy(&status, &none, sizeof(status));
    EXPECT_STREQ(siglip_status_name(status), "unknown status");
  }
}

TEST(Failure, NoExceptionGetsOut) {
  EXPECT_EQ(StatusOfThrowing(std::bad_alloc()), SIGLIP_OUT_OF_MEMORY);
  EXPECT_STREQ(siglip_last_error_message(), "not enough memory");
  EXPECT_EQ(StatusOfThrowing(std::length_error("vector")), SIGLIP_OUT_OF_MEMORY);
  EXPECT_EQ(StatusOfThrowing(std::out_of_range("at")), SIGLIP_INTERNAL);
  EXPECT_STREQ(siglip_last_error_message(), "at");
  EXPECT_STREQ(siglip_last_error_hint(), "");
  EXPECT_EQ(StatusOfThrowing(7), SIGLIP_INTERNAL);
  EXPECT_STREQ(siglip_last_error_message(), "an exception of an unknown type");
}

TEST(Failure, AMessageIsOneLineThatIsSafeToPrint) {
  StatusOfThrowing(Error(ErrorCode::kIo, "a\nb\x1b[0m", "c\rd"));
  EXPECT_STREQ(siglip_last_error_message(), "a\\x0ab\\x1b[0m");
  EXPECT_STREQ(siglip_last_error_hint(), "c\\x0dd");
}

TEST(Failure, TheLastErrorIsTheThreadsOwnAndStays) {
  std::thread([] {
    EXPECT_STREQ(siglip_last_error_message(), "");
    EXPECT_STREQ(siglip_last_error_hint(), "");
  }).join();
  StatusOfThrowing(Error(ErrorCode::kIo, "of this thread"));
  std::thread([] {
    StatusOfThrowing(Error(ErrorCode::kIo, "of another"));
    EXPECT_STREQ(siglip_last_error_message(), "of another");
  }).join();
  EXPECT_EQ(Guarded([] {}), SIGLIP_OK);
  EXPECT_STREQ(siglip_last_error_message(), "of this thread");
}

}  // namespace
}  // namespace siglip
