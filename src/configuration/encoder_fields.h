// What the configurations of both towers share of reading, checking and writing their fields.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "base/json.h"
#include "siglip/error.hpp"
#include "siglip/transformers/configuration.hpp"

namespace siglip {

/// A field that is a positive integer.
template <class Config>
struct IntegerField {
  const char* name;
  int64_t Config::*value;
  int64_t most;  ///< Far beyond any real model, low enough that no product of sizes overflows.
};

/// Error(kInvalidArgument) about the value of a field.
Error InvalidField(const std::string& field, const std::string& found, const std::string& expected);

/// Throws InvalidField unless 1 <= value <= most.
void CheckRange(const std::string& field, int64_t value, int64_t most);

/// Fills the field of every encoder called `key` in; false when there is none of that name.
bool ReadEncoderField(SiglipEncoderConfig& config, const std::string& key, const Json& value,
                      const std::string& name);

/// Throws InvalidField for a value that no encoder can have.
void ValidateEncoder(const SiglipEncoderConfig& config);

void WriteEncoderFields(const SiglipEncoderConfig& config, Json& json);

/// Whether a key says nothing about the architecture: it is neither a field nor unknown.
bool IsBookkeeping(std::string_view key);

/// Adds the keys that were kept, unless they are there.
void WriteUnknownKeys(const std::map<std::string, std::string>& unknown, Json& json);

/// config.Validate(), its errors beginning with `name`.
template <class Config>
void ValidateAs(const Config& config, const std::string& name) {
  try {
    config.Validate();
  } catch (const Error& error) {
    throw Error(error.code(), name + ": " + error.message(), error.hint());
  }
}

}  // namespace siglip
