#include "siglip/picture.hpp"

#include <utility>

namespace siglip {

Picture::Picture(Source source, std::string name)
    : source_(std::move(source)), name_(name.empty() ? "picture" : std::move(name)) {}

Picture Picture::File(std::filesystem::path path, std::string name) {
  if (name.empty()) name = path.string();
  return {std::move(path), std::move(name)};
}

Picture Picture::Bytes(std::string bytes, std::string name) {
  auto owner = std::make_shared<const std::string>(std::move(bytes));
  const auto borrowed = std::as_bytes(std::span(*owner));
  return BorrowedBytes(borrowed, std::move(owner), std::move(name));
}

Picture Picture::Pixels(std::vector<uint8_t> pixels, const PixelLayout& layout, std::string name) {
  auto owner = std::make_shared<const std::vector<uint8_t>>(std::move(pixels));
  const auto borrowed = std::span(*owner);
  return BorrowedPixels(borrowed, layout, std::move(owner), std::move(name));
}

Picture Picture::BorrowedBytes(std::span<const std::byte> bytes, std::shared_ptr<const void> owner,
                               std::string name) {
  return {EncodedBytes{bytes, std::move(owner)}, std::move(name)};
}

Picture Picture::BorrowedPixels(std::span<const uint8_t> pixels, const PixelLayout& layout,
                                std::shared_ptr<const void> owner, std::string name) {
  return {RawPixels{pixels, layout, std::move(owner)}, std::move(name)};
}

}  // namespace siglip
