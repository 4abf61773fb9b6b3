#include "terminal/standard_streams.h"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstring>
#include <iostream>
#include <string>

#include "siglip/error.hpp"
#include "terminal/exit_codes.h"
#include "terminal/interrupt.h"

namespace siglip::cli {
namespace {

constexpr int kLookAtInterruptsMilliseconds = 100;

/// Returns false, with errno set, when that fails: EINTR when interrupted while there is no room.
bool WriteWhenThereIsRoom(int file, std::string_view bytes) {
  while (!bytes.empty()) {
    pollfd waiting = {file, POLLOUT, 0};
    if (::poll(&waiting, 1, kLookAtInterruptsMilliseconds) <= 0) {
      errno = EINTR;
      if (Interrupted()) return false;
      continue;
    }
    // A pipe with room takes that much without waiting. A longer write could wait for its reader
    // where no signal is noticed.
    const ssize_t count = ::write(file, bytes.data(), std::min<size_t>(bytes.size(), PIPE_BUF));
    if (count < 0 && (errno == EINTR || errno == EAGAIN || errno == EWOULDBLOCK)) continue;
    if (count < 0) return false;
    bytes.remove_prefix(static_cast<size_t>(count));
  }
  return true;
}

}  // namespace

void WriteStandardOutput(std::string_view bytes) {
  if (WriteWhenThereIsRoom(STDOUT_FILENO, bytes)) return;
  const int reason = errno;
  if (reason == EINTR) ThrowIfInterrupted();
  if (reason == EPIPE) throw ExitCode{kNothingDone};
  throw Error(ErrorCode::kIo,
              std::string("standard output: cannot write: ") + std::strerror(reason));
}

StandardStreams::OutputBuffer::OutputBuffer() {
  setp(bytes_.data(), bytes_.data() + bytes_.size());
}

std::streambuf::int_type StandardStreams::OutputBuffer::overflow(int_type character) {
  sync();
  return traits_type::eq_int_type(character, traits_type::eof())
             ? traits_type::not_eof(character)
             : sputc(traits_type::to_char_type(character));
}

int StandardStreams::OutputBuffer::sync() {
  const std::string_view bytes(pbase(), static_cast<size_t>(pptr() - pbase()));
  // Before they are written: what cannot be written is not tried again.
  setp(bytes_.data(), bytes_.data() + bytes_.size());
  WriteStandardOutput(bytes);
  return 0;
}

std::streambuf::int_type StandardStreams::ErrorBuffer::overflow(int_type character) {
  if (traits_type::eq_int_type(character, traits_type::eof())) {
    return traits_type::not_eof(character);
  }
  const char byte = traits_type::to_char_type(character);
  xsputn(&byte, 1);
  return character;
}

std::streamsize StandardStreams::ErrorBuffer::xsputn(const char* bytes, std::streamsize count) {
  WriteWhenThereIsRoom(STDERR_FILENO, {bytes, static_cast<size_t>(count)});
  return count;
}

StandardStreams::StandardStreams()
    : output_before_(std::cout.rdbuf(&output_)), error_before_(std::cerr.rdbuf(&error_)) {
  std::cout.exceptions(std::ios::badbit);  // throws on what the buffer throws
  std::cerr.tie(nullptr);                  // reporting an error must not meet one of std::cout
}

StandardStreams::~StandardStreams() {
  std::cout.exceptions(std::ios::goodbit);
  std::cout.rdbuf(output_before_);
  std::cerr.rdbuf(error_before_);
}

}  // namespace siglip::cli
