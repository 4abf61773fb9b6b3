// A service at work: what it has queued, and the steps of its workers.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <variant>
#include <vector>

#include "base/fork_handler.h"
#include "engine/embed_service_admission.h"
#include "engine/embed_service_queue.h"
#include "engine/embed_service_totals.h"
#include "engine/embedder_parts.h"
#include "engine/picture_embedder.h"
#include "engine/text_part.h"
#include "engine/worker_pool.h"
#include "siglip/embed_service.hpp"

namespace siglip {

class EmbedService::Workers final : private WorkerPool::Task {
 public:
  Workers(Embedder embedder, const EmbedServiceOptions& options);
  Workers(const Workers&) = delete;
  Workers& operator=(const Workers&) = delete;
  ~Workers() override;

  std::variant<ServiceTicket, ServiceBusy> Submit(ServiceRequest request);
  ServiceStatus status() const;
  const EmbedServiceOptions& options() const { return options_; }
  const Embedder& embedder() const { return embedder_; }

 private:
  using Clock = QueuedRequest::Clock;

  /// What tickets need: it may outlive the service.
  struct Shared {
    explicit Shared(const std::array<size_t, kItemKinds>& most_together) : queue(most_together) {}

    std::mutex mutex;  // guards what follows
    EmbedServiceQueue queue;
    size_t begun = 0;                    // items that workers have
    std::atomic<bool> has_work = false;  // whether any are queued or begun

    void CountWork() { has_work = queue.size() + begun > 0; }
  };

  void LoadTowers();
  std::array<size_t, kItemKinds> MostTogether() const;
  std::optional<ServiceBusy> Refuse(const ServiceRequest& request, Clock::time_point now);
  static void Cancel(Shared& shared, const std::weak_ptr<QueuedRequest>& ticket);

  bool Step(int worker) override;
  bool HasWork() const override { return shared_->has_work; }
  std::vector<TakenItem> Take();
  void Work(int worker, ItemKind kind, std::span<TakenItem> items);
  void EmbedPictures(int worker, std::span<TakenItem> items, bool normalize);
  void EmbedTexts(int worker, std::span<TakenItem> items);
  bool OthersAreIdle();
  void Finish(ItemKind kind, std::span<TakenItem> items);
  void ForgetThreads();

  Embedder embedder_;
  Embedder::Parts& parts_;
  const EmbedServiceOptions options_;
  const DecodeOptions decode_;
  // Of a tower that the model has; else what Embedder says to that.
  std::array<std::unique_ptr<PictureEmbedder>, 2> pictures_;  // not normalised, normalised
  std::optional<Error> no_pictures_;
  const TextPart* texts_ = nullptr;
  std::optional<Error> no_texts_;
  std::shared_ptr<Shared> shared_;

  // Guarded by the mutex of `shared_`.
  std::array<EmbedServiceAdmission, 2> admission_;  // of each class
  EmbedServiceTotals totals_;
  int busy_ = 0;  // workers in the middle of a step

  std::vector<std::vector<PictureInFlight>> in_flight_;  // of each worker, with memory to use again
  bool forked_ = false;                                  // this is a child of fork()
  ForkHandler fork_handler_{[this] { ForgetThreads(); }};
};

}  // namespace siglip
