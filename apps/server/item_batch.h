// The items of one request on their way to embeddings.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "server/api/input_item.h"
#include "server/service_parts.h"

namespace siglip::server {

/// What became of one item.
struct EmbeddedItem {
  std::vector<float> embedding;  ///< [D], or empty after a failure.
  std::optional<ItemError> error;
  int64_t tokens = 0;  ///< Of a text.
};

/// The field of a request from which an item comes, as in "input[3]".
using NameOfItem = std::function<std::string(size_t item)>;

/// Embeds the items of a call, hands as many results, in their order, to `done` on the thread
/// `answers`, and replies with what that returns or throws; itself with 429 where there is no room
/// for them. `name_of` is what errors call an item. The memory of the request is given back before
/// `done` is called. When the client leaves, what was not begun is dropped.
void EmbedItems(ServiceParts& parts, const SharedCall& call, std::vector<InputItem> items,
                const NameOfItem& name_of, ServiceClass service_class, bool normalize,
                TaskThread& answers, std::function<Reply(std::vector<EmbeddedItem>)> done);

/// The errors among them.
std::vector<ItemError> ErrorsOf(std::span<const EmbeddedItem> items);

}  // namespace siglip::server
