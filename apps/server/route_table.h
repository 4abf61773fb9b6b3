// Which paths there are.
#pragma once

#include <string>
#include <string_view>

#include "server/access.h"
#include "server/routes.h"

namespace siglip::server {

using RouteHandler = void (*)(ServiceParts& parts, const SharedCall& call);

struct Route {
  std::string_view method;  ///< "GET" also stands for HEAD.
  std::string_view path;    ///< "{id}" stands for one segment; "*" at the end for any rest.
  Exposure exposure = Exposure::kGuarded;
  RouteHandler handler = nullptr;  ///< Null: of the service itself, a session.
};

struct FoundRoute {
  const Route* route = nullptr;  ///< Null where there is none.
  std::string argument;          ///< What stands at the place of {id}.
  std::string allowed;           ///< Without a route: the methods that the path has, "GET, HEAD".
};

/// `path` is decoded.
FoundRoute FindRoute(std::string_view method, std::string_view path);

}  // namespace siglip::server
