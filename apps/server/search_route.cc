// POST /v1/search
#include <algorithm>
#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include "common/search_json.h"
#include "server/api/search_request.h"
#include "server/item_batch.h"
#include "server/routes.h"
#include "siglip/error.hpp"

namespace siglip::server {
namespace {

/// What has to be embedded, in the order of the parts, and the fields it comes from.
std::vector<InputItem> ItemsOf(SearchRequest& request, std::vector<std::string>& names) {
  std::vector<InputItem> items;
  for (SearchPart& part : request.parts) {
    if (auto* const text = std::get_if<InputText>(&part.query)) {
      items.emplace_back(*text);
    } else if (auto* const picture = std::get_if<InputPicture>(&part.query)) {
      items.emplace_back(std::move(*picture));
    }
    if (items.size() > names.size()) names.push_back(part.param);
  }
  return items;
}

std::vector<float> VectorOf(const Index& index, int64_t content, const std::string& param) {
  try {
    return index.Vector(content);
  } catch (const Error& error) {
    throw ApiErrorOf(error, param);
  }
}

std::vector<QueryPart> QueryOf(const Index& index, const SearchRequest& request,
                               std::vector<EmbeddedItem> items) {
  std::vector<QueryPart> query;
  size_t next = 0;
  for (const SearchPart& part : request.parts) {
    QueryPart& added = query.emplace_back();
    added.weight = part.weight;
    added.is_text = std::holds_alternative<InputText>(part.query);
    if (const auto* const known = std::get_if<LikeContent>(&part.query)) {
      added.vector = VectorOf(index, known->id, part.param);
      continue;
    }
    EmbeddedItem& item = items.at(next++);
    if (item.error) throw ApiError(400, item.error->code, item.error->message, part.param);
    added.vector = std::move(item.embedding);
  }
  return query;
}

Reply MakeReply(ServiceParts& parts, const SearchRequest& request,
                std::vector<EmbeddedItem> items) {
  const auto begin = std::chrono::steady_clock::now();
  const Index& index = parts.searched->Current();
  SearchOptions options = request.options;
  options.top += request.offset;
  SearchResult result;
  if (index.space()) {  // else nothing was indexed yet
    result = index.Search(QueryOf(index, request, std::move(items)), options);
  }
  if (options.filter == SearchFilter()) parts.index_rows = result.total;
  const auto shown = std::min<ptrdiff_t>(request.offset, std::ssize(result.hits));
  result.hits.erase(result.hits.begin(), result.hits.begin() + shown);
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
  parts.metrics.AddStage("search", took.count());
  parts.metrics.CountItem("search", "ok");
  Reply reply = JsonReply(apps::SearchJson(result, 1e3 * took.count(), "list"));
  reply.memory = ReserveReply(parts, reply.body.size());
  reply.log = "{\"items\":" + std::to_string(request.parts.size()) +
              ",\"hits\":" + std::to_string(result.hits.size()) + "}";
  return reply;
}

}  // namespace

void PostSearch(ServiceParts& parts, const SharedCall& call) {
  TakeIn(parts, call, [&parts, call] {
    RequireIndex(parts);
    HttpRequest& asked = call->request;
    auto request = std::make_shared<SearchRequest>(
        HasPictureBody(asked.head) ? ReadSearchPictureBody(std::move(asked.body))
                                   : ReadSearchRequest(asked.body));
    asked.body = {};
    CheckModel(parts, request->model);
    std::vector<std::string> names;
    std::vector<InputItem> items = ItemsOf(*request, names);
    const auto name_of = [&](size_t item) { return names.at(item); };
    EmbedItems(parts, call, std::move(items), name_of, ServiceClass::kSearch, true, parts.searches,
               [&parts, request](std::vector<EmbeddedItem> embedded) {
                 return MakeReply(parts, *request, std::move(embedded));
               });
  });
}

}  // namespace siglip::server
