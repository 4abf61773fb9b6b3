#include "server/http/memory_budget.h"

#include <atomic>
#include <utility>

namespace siglip::server {

struct Reservation::Account {
  explicit Account(uint64_t bytes) : capacity(bytes) {}

  bool Take(uint64_t bytes) {
    uint64_t before = used.load();
    do {
      if (bytes > capacity - before) return false;
    } while (!used.compare_exchange_weak(before, before + bytes));
    return true;
  }

  const uint64_t capacity;
  std::atomic<uint64_t> used = 0;  // never above `capacity`
};

Reservation::Reservation(std::shared_ptr<Account> account, uint64_t bytes)
    : account_(std::move(account)), bytes_(bytes) {}

Reservation::Reservation(Reservation&& other) noexcept
    : account_(std::move(other.account_)), bytes_(std::exchange(other.bytes_, 0)) {}

Reservation& Reservation::operator=(Reservation&& other) noexcept {
  if (this != &other) {
    ShrinkTo(0);
    account_ = std::move(other.account_);
    bytes_ = std::exchange(other.bytes_, 0);
  }
  return *this;
}

Reservation::~Reservation() { ShrinkTo(0); }

void Reservation::ShrinkTo(uint64_t bytes) {
  if (bytes >= bytes_) return;
  account_->used -= bytes_ - bytes;
  bytes_ = bytes;
}

MemoryBudget::MemoryBudget(uint64_t bytes)
    : account_(std::make_shared<Reservation::Account>(bytes)) {}

std::optional<Reservation> MemoryBudget::Reserve(uint64_t bytes) {
  if (!account_->Take(bytes)) return std::nullopt;
  return Reservation(account_, bytes);
}

bool MemoryBudget::Grow(Reservation& reservation, uint64_t bytes) {
  if (!account_->Take(bytes)) return false;
  reservation.account_ = account_;
  reservation.bytes_ += bytes;
  return true;
}

uint64_t MemoryBudget::capacity() const { return account_->capacity; }

uint64_t MemoryBudget::used() const { return account_->used; }

}  // namespace siglip::server
