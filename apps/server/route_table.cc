#include "server/route_table.h"

#include <array>
#include <optional>

namespace siglip::server {
namespace {

constexpr auto kOpen = Exposure::kOpen;
constexpr auto kGuarded = Exposure::kGuarded;
constexpr std::string_view kArgument = "{id}";

constexpr std::array kRoutes = {
    Route{"GET", "/", kOpen, GetPage},
    Route{"GET", "/page/*", kOpen, GetPage},
    Route{"GET", "/favicon.ico", kOpen, GetPage},
    Route{"GET", "/health", kOpen, GetHealth},
    Route{"GET", "/ready", kOpen, GetReady},
    Route{"POST", "/v1/session", kOpen, nullptr},
    Route{"DELETE", "/v1/session", kOpen, nullptr},
    Route{"GET", "/metrics", kGuarded, GetMetrics},
    Route{"GET", "/openapi.json", kGuarded, GetOpenApi},
    Route{"POST", "/v1/embeddings", kGuarded, PostEmbeddings},
    Route{"POST", "/embeddings", kGuarded, PostEmbeddings},
    Route{"POST", "/v1/classify", kGuarded, PostClassify},
    Route{"POST", "/v1/search", kGuarded, PostSearch},
    Route{"POST", "/v1/duplicates", kGuarded, PostDuplicates},
    Route{"GET", "/v1/models", kGuarded, GetModels},
    Route{"GET", "/v1/index", kGuarded, GetIndex},
    Route{"GET", "/v1/images/{id}", kGuarded, GetImage},
    Route{"GET", "/v1/images/{id}/thumbnail", kGuarded, GetThumbnail},
};

/// What stands at the place of {id}, "" where the route has none; nothing where it does not fit.
std::optional<std::string> Fits(std::string_view route, std::string_view path) {
  if (route.ends_with('*')) {
    route.remove_suffix(1);
    return path.starts_with(route) ? std::optional<std::string>("") : std::nullopt;
  }
  const size_t place = route.find(kArgument);
  if (place == std::string_view::npos) {
    return route == path ? std::optional<std::string>("") : std::nullopt;
  }
  const std::string_view before = route.substr(0, place);
  const std::string_view after = route.substr(place + kArgument.size());
  if (!path.starts_with(before)) return std::nullopt;
  const std::string_view rest = path.substr(before.size());
  const std::string_view argument = rest.substr(0, rest.find('/'));
  if (argument.empty() || rest.substr(argument.size()) != after) return std::nullopt;
  return std::string(argument);
}

}  // namespace

FoundRoute FindRoute(std::string_view method, std::string_view path) {
  const std::string_view wanted = method == "HEAD" ? "GET" : method;
  FoundRoute found;
  for (const Route& route : kRoutes) {
    std::optional<std::string> argument = Fits(route.path, path);
    if (!argument) continue;
    if (route.method == wanted) {
      return {.route = &route, .argument = *std::move(argument), .allowed = {}};
    }
    found.allowed += (found.allowed.empty() ? "" : ", ") + std::string(route.method);
    if (route.method == "GET") found.allowed += ", HEAD";
  }
  return found;
}

}  // namespace siglip::server
