// Changes of an index that become lasting together.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>

#include "index/database.h"

namespace siglip {

class Batch {
 public:
  /// `committed` is called after every commit. `database` must outlive this object, which undoes
  /// what was not committed.
  Batch(Database& database, std::function<void()> committed);

  /// To be called before a change; `pictures` is how many it brings.
  void Begin(int pictures);
  /// Commits when there are 256 pictures, or after 2 seconds.
  void CommitIfDue();
  void Commit();

 private:
  using Clock = std::chrono::steady_clock;

  Database& database_;
  const std::function<void()> committed_;
  std::optional<Transaction> transaction_;
  int pictures_ = 0;
  Clock::time_point begun_;
};

}  // namespace siglip
