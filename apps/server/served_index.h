// The index that a service searches.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

#include "siglip/embedder.hpp"
#include "siglip/index.hpp"

namespace siglip::server {

/// Used by one thread. `embedder` must outlive this object.
class ServedIndex {
 public:
  /// Opens the index. Throws Error as Index does, and kMismatch as Index::CheckFits where its
  /// vectors cannot be compared with those of the embedder; an index with nothing in it is fine.
  ServedIndex(std::filesystem::path folder, const Embedder& embedder);

  /// Opened anew where another has taken its place (siglip index --rebuild). Throws as the
  /// constructor does, but ApiError(503) where that is of another model: no client is to blame.
  const Index& Current();
  /// Changes whenever the index does: what was made of it is as it would be made again as long as
  /// this was the same before that.
  std::string State() const;
  /// IndexStatus::id of what Current returned last.
  const std::string& id() const { return id_; }

 private:
  void Open();
  void CheckFits();

  const std::filesystem::path folder_;
  const Embedder& embedder_;
  std::unique_ptr<const Index> index_;
  std::string id_;
  uint64_t inode_ = 0;
  bool fits_ = false;  // there were vectors, and they can be compared
};

}  // namespace siglip::server
