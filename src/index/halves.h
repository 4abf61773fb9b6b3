// Vectors as the database has them.
#pragma once

#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "index/database.h"
#include "index/scan_file.h"
#include "siglip/error.hpp"
#include "tensor/float16.h"

namespace siglip {

/// Fills `halves` with a blob. Throws Error(kMalformedFile) for one of another length.
inline void CopyHalves(std::span<const std::byte> blob, std::span<uint16_t> halves) {
  if (blob.size() != halves.size_bytes()) {
    throw Error(ErrorCode::kMalformedFile,
                "index.sqlite: expected a vector of " + std::to_string(halves.size_bytes()) +
                    " bytes, found one of " + std::to_string(blob.size()));
  }
  std::memcpy(halves.data(), blob.data(), blob.size());
}

inline std::vector<float> FloatsOf(std::span<const std::byte> blob) {
  std::vector<uint16_t> halves(blob.size() / sizeof(uint16_t));
  CopyHalves(blob, halves);
  std::vector<float> values;
  values.reserve(halves.size());
  for (const uint16_t half : halves) values.push_back(Float16ToFloat(half));
  return values;
}

/// The rows of a statement with content and f16, counted in `rows`; `last_id` becomes the id of
/// each. All arguments must outlive the source.
inline ScanRowSource RowsOf(Statement& statement, int64_t& last_id, int64_t& rows) {
  return [&, halves = std::make_shared<std::vector<uint16_t>>()]() -> std::optional<ScanRow> {
    if (!statement.Step()) return std::nullopt;
    const std::span<const std::byte> blob = statement.Blob(1);
    halves->resize(blob.size() / sizeof(uint16_t));
    CopyHalves(blob, *halves);
    last_id = statement.Integer(0);
    ++rows;
    return ScanRow{last_id, *halves};
  };
}

}  // namespace siglip
