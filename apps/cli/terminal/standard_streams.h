// Standard output and standard error as a program in a pipeline meets them: slow readers (also
// behind a non-blocking descriptor), readers that have gone away, and closed ones.
#pragma once

#include <array>
#include <streambuf>
#include <string_view>

namespace siglip::cli {

/// Writes all of `bytes`, waiting as long as there is no room. Throws ExitCode: kNothingDone when
/// the reader has gone away (as `| head` does: no reason to complain), the signal's status when
/// interrupted while it waits; Error(kIo) when writing fails otherwise.
void WriteStandardOutput(std::string_view bytes);

/// While it lives, std::cout writes as WriteStandardOutput does and throws what that throws, and
/// std::cerr waits for room and ignores what fails otherwise.
class StandardStreams {
 public:
  StandardStreams();
  StandardStreams(const StandardStreams&) = delete;
  StandardStreams& operator=(const StandardStreams&) = delete;
  ~StandardStreams();

 private:
  class OutputBuffer : public std::streambuf {
   public:
    OutputBuffer();

   protected:
    int_type overflow(int_type character) override;
    int sync() override;

   private:
    std::array<char, 1 << 14> bytes_;
  };

  /// Has no memory, since several threads may report errors.
  class ErrorBuffer : public std::streambuf {
   protected:
    int_type overflow(int_type character) override;
    std::streamsize xsputn(const char* bytes, std::streamsize count) override;
  };

  OutputBuffer output_;
  ErrorBuffer error_;
  std::streambuf* const output_before_;
  std::streambuf* const error_before_;
};

}  // namespace siglip::cli
