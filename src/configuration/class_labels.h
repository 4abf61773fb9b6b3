// The names of a classifier's classes.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/json.h"

namespace siglip {

/// "id2label" of config.json by index; "LABEL_0" and so on where the file does not say, as
/// transformers has it. Throws Error(kMismatch) unless there is one for each of `classes`.
std::vector<std::string> ClassLabels(const Json& config, int64_t classes, const std::string& name);

}  // namespace siglip
