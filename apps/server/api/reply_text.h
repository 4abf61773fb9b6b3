// What replies have in common.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace siglip::server {

/// {"object":"list","model":"...","data":[
std::string ListBegin(std::string_view model);

/// JSON has no word for others. Throws Error(kInternal) naming the item.
void CheckFinite(float number, size_t item);

}  // namespace siglip::server
