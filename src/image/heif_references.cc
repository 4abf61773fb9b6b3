#include "image/heif_references.h"

#include <algorithm>
#include <limits>
#include <map>
#include <vector>

namespace siglip {
namespace {

constexpr uint64_t kMany = std::numeric_limits<uint64_t>::max();

uint64_t SaturatingSum(uint64_t left, uint64_t right) {
  return left > kMany - right ? kMany : left + right;
}

/// Reads numbers from the front of a text; what is not there is 0.
uint64_t TakeNumber(std::string_view& text, size_t bytes) {
  uint64_t value = 0;
  for (const char byte : text.substr(0, bytes)) value = value << 8 | static_cast<uint8_t>(byte);
  text.remove_prefix(std::min(bytes, text.size()));
  return value;
}

struct Box {
  std::string_view type;
  std::string_view content;
};

/// Takes the box at the front of `rest`; one that is longer than `rest` ends with it.
std::optional<Box> TakeBox(std::string_view& rest) {
  std::string_view box = rest;
  if (box.size() < 8) return std::nullopt;
  uint64_t length = TakeNumber(box, 4);
  const std::string_view type = box.substr(0, 4);
  box.remove_prefix(4);
  if (length == 1) length = TakeNumber(box, 8);
  const size_t header = rest.size() - box.size();
  if (length == 0 || length > rest.size()) length = rest.size();
  if (length < header) return std::nullopt;
  const std::string_view content = box.substr(0, length - header);
  rest.remove_prefix(length);
  return Box{type, content};
}

struct Item {
  std::vector<uint64_t> parts;  // decoded with it
  uint64_t waits_for = 0;       // items that it is a part of and that are not yet counted
  uint64_t decoded = 0;         // how often
};
using Items = std::map<uint64_t, Item>;

void AddPart(Items& items, uint64_t whole, uint64_t part) {
  items[whole].parts.push_back(part);
  ++items[part].waits_for;
}

void ReadReferences(std::string_view content, Items& items) {
  const size_t id_bytes = TakeNumber(content, 1) == 0 ? 2 : 4;  // by the version
  TakeNumber(content, 3);                                       // flags
  while (auto reference = TakeBox(content)) {
    std::string_view ids = reference->content;
    const uint64_t from = TakeNumber(ids, id_bytes);
    for (uint64_t left = TakeNumber(ids, 2); left > 0 && !ids.empty(); --left) {
      const uint64_t to = TakeNumber(ids, id_bytes);
      if (reference->type == "dimg") AddPart(items, from, to);
      if (reference->type == "auxl") AddPart(items, to, from);  // alpha, of what it refers to
    }
  }
}

}  // namespace

std::optional<uint64_t> CountHeifItems(std::string_view file) {
  Items items;
  while (const auto box = TakeBox(file)) {
    if (box->type != "meta") continue;
    std::string_view content = box->content;
    TakeNumber(content, 4);  // version and flags
    while (const auto child = TakeBox(content)) {
      if (child->type == "iref") ReadReferences(child->content, items);
    }
  }
  std::vector<Item*> ready;
  for (auto& [id, item] : items) {
    if (item.waits_for > 0) continue;
    item.decoded = 1;
    ready.push_back(&item);
  }
  size_t counted = 0;
  uint64_t decoded = 0;
  for (; counted < ready.size(); ++counted) {
    const Item& whole = *ready[counted];
    decoded = SaturatingSum(decoded, whole.decoded);
    for (const uint64_t id : whole.parts) {
      Item& part = items[id];
      part.decoded = SaturatingSum(part.decoded, whole.decoded);
      if (--part.waits_for == 0) ready.push_back(&part);
    }
  }
  // What is part of a circle waits for ever.
  return counted == items.size() ? std::optional(decoded) : std::nullopt;
}

}  // namespace siglip
