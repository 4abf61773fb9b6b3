// One limit on the bytes that bodies, results and replies take together.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

namespace siglip::server {

class MemoryBudget;

/// A part of a budget, given back when it is destroyed. An empty one holds nothing of any budget.
class Reservation {
 public:
  Reservation() = default;
  Reservation(Reservation&& other) noexcept;
  Reservation& operator=(Reservation&& other) noexcept;
  ~Reservation();

  uint64_t bytes() const { return bytes_; }

  /// Gives back what is above `bytes`; nothing if it holds no more than that.
  void ShrinkTo(uint64_t bytes);

 private:
  friend class MemoryBudget;
  struct Account;
  Reservation(std::shared_ptr<Account> account, uint64_t bytes);

  std::shared_ptr<Account> account_;
  uint64_t bytes_ = 0;
};

/// Copies share one account, which lives until the last of them and of its reservations is gone.
/// All functions may be called by any thread.
class MemoryBudget {
 public:
  explicit MemoryBudget(uint64_t bytes);

  /// Nothing if so many bytes are not free now.
  std::optional<Reservation> Reserve(uint64_t bytes);

  /// Adds to a reservation of this budget, or to an empty one; false, and nothing changed, if so
  /// many bytes are not free now.
  bool Grow(Reservation& reservation, uint64_t bytes);

  uint64_t capacity() const;
  uint64_t used() const;

 private:
  std::shared_ptr<Reservation::Account> account_;
};

}  // namespace siglip::server
