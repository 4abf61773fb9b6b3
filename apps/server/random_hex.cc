#include "server/random_hex.h"

#include <sys/random.h>

#include <cerrno>
#include <cstring>
#include <vector>

#include "siglip/error.hpp"

namespace siglip::server {

std::string RandomHex(size_t bytes) {
  std::vector<unsigned char> random(bytes);
  for (size_t done = 0; done < bytes;) {
    const ssize_t count = getrandom(random.data() + done, bytes - done, 0);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) {
      throw Error(ErrorCode::kIo,
                  std::string("the system gives no random bytes: ") + std::strerror(errno));
    }
    done += static_cast<size_t>(count);
  }
  constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  for (const unsigned char byte : random) {
    text += kDigits[byte >> 4];
    text += kDigits[byte & 15];
  }
  return text;
}

}  // namespace siglip::server
