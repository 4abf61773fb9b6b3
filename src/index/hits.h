// From the contents with the best scores to hits: with their files, and those alike as one.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "index/database.h"
#include "index/exact_search.h"
#include "index/search_vectors.h"
#include "kernels/kernels.h"
#include "siglip/index.hpp"

namespace siglip {

/// Those of an index, within one ReadTransaction.
class HitReader final : public HitSource {
 public:
  /// Paths of hits begin with one of the prefixes. All arguments must outlive this object.
  HitReader(const Database& database, const Kernels& kernels, int64_t dimensions,
            const std::vector<std::string>& prefixes);

  bool ReadHalves(int64_t id, std::span<uint16_t> halves) override;
  bool Fold(const ScoredContent& content, std::vector<Hit>& hits) override;
  Hit Read(const ScoredContent& content) override;

 private:
  /// What tells whether pictures are the same.
  struct Look {
    std::vector<uint16_t> halves;
    std::vector<std::byte> greys;
  };

  const Look& LookAt(int64_t id);
  bool AreSame(int64_t a, int64_t b);
  bool HasPrefix(const std::string& path) const;

  const Kernels& kernels_;
  const size_t dimensions_;
  const std::vector<std::string>& prefixes_;
  Statement vector_;
  Statement greys_;
  Statement apart_;
  Statement content_;
  Statement files_;
  std::map<int64_t, Look> looks_;
};

}  // namespace siglip
