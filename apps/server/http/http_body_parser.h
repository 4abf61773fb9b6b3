// The body of a request out of the bytes of a connection: of a known length, or in chunks.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string_view>

namespace siglip::server {

/// Knows no limits of its own but one: the line before a chunk, and each trailer, fit into 16 KiB.
class HttpBodyParser {
 public:
  enum class Result {
    kMore,     ///< What is left can only be read with what follows it.
    kWhole,    ///< The body is over; what is left belongs to the next request.
    kStopped,  ///< `take` returned false.
    kBroken,   ///< These are no chunks.
  };

  HttpBodyParser();
  ~HttpBodyParser();
  HttpBodyParser(HttpBodyParser&&) noexcept;
  HttpBodyParser& operator=(HttpBodyParser&&) noexcept;

  /// Begins with a header that ScanHeader() let through; false if Beast finds fault with it.
  bool Begin(std::string_view header);

  /// Reads on at the front of `bytes`, which it shortens by what it used; `take` gets the body
  /// piece by piece and says whether to go on. Must not be called again after kBroken.
  Result Parse(std::string_view& bytes, const std::function<bool(std::string_view piece)>& take);

  /// Whether the body is over; true also before Begin().
  bool is_whole() const;

 private:
  class Implementation;
  std::unique_ptr<Implementation> implementation_;
};

}  // namespace siglip::server
