#include "index/batch.h"

#include <utility>

namespace siglip {
namespace {

// What a power failure may cost. A commit takes some milliseconds.
constexpr int kMostPictures = 256;
constexpr std::chrono::seconds kLongest(2);

}  // namespace

Batch::Batch(Database& database, std::function<void()> committed)
    : database_(database), committed_(std::move(committed)) {}

void Batch::Begin(int pictures) {
  if (!transaction_) {
    transaction_.emplace(database_);
    begun_ = Clock::now();
  }
  pictures_ += pictures;
}

void Batch::CommitIfDue() {
  if (!transaction_) return;
  if (pictures_ >= kMostPictures || Clock::now() - begun_ >= kLongest) Commit();
}

void Batch::Commit() {
  if (!transaction_) return;
  transaction_->Commit();
  transaction_.reset();
  pictures_ = 0;
  committed_();
}

}  // namespace siglip
