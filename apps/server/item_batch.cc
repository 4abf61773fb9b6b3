#include "server/item_batch.h"

#include <atomic>
#include <exception>
#include <utility>
#include <variant>

namespace siglip::server {
namespace {

/// Shared by the callbacks of one request's items, each of which has a place of its own here.
class Batch : public std::enable_shared_from_this<Batch> {
 public:
  Batch(ServiceParts& parts, SharedCall call, size_t items, TaskThread& answers,
        std::function<Reply(std::vector<EmbeddedItem>)> done)
      : parts_(parts),
        call_(std::move(call)),
        answers_(answers),
        done_(std::move(done)),
        items_(items),
        is_text_(items),
        waiting_(items) {}

  void Begin(std::vector<InputItem> items, const NameOfItem& name_of, ServiceClass service_class,
             bool normalize) {
    ServiceRequest request = {
        .items = {}, .service_class = service_class, .normalize = normalize, .done = {}};
    std::vector<size_t> places;
    for (size_t i = 0; i < items.size(); ++i) {
      if (auto* const error = std::get_if<ItemError>(&items[i])) {
        items_[i].error = std::move(*error);
        continue;
      }
      places.push_back(i);
      is_text_[i] = std::holds_alternative<InputText>(items[i]);
      request.items.push_back({InputOf(std::move(items[i]), name_of(i))});
    }
    const size_t known = items.size() - places.size();
    if (places.empty()) return Finish(known);
    request.done = [self = shared_from_this(), places](ServiceResult result) {
      const size_t place = places[result.item];
      self->Take(place, std::move(result));
    };
    auto admitted = parts_.embed.Submit(std::move(request));
    if (const auto* const busy = std::get_if<ServiceBusy>(&admitted)) return Refuse(*busy);
    call_->request.client->OnGone(
        [ticket = std::get<ServiceTicket>(admitted)]() mutable { ticket.Cancel(); });
    if (known > 0) Finish(known);
  }

 private:
  static std::variant<Picture, std::string> InputOf(InputItem item, std::string name) {
    if (auto* const text = std::get_if<InputText>(&item)) return std::move(text->text);
    return Picture::Bytes(std::move(std::get<InputPicture>(item).bytes), std::move(name));
  }

  void Refuse(const ServiceBusy& busy) {
    parts_.metrics.CountRejected(busy.reason == ServiceBusy::Reason::kQueueFull ? "queue" : "wait");
    call_->reply(ErrorReply(429, "busy", "more is waiting than can be computed soon",
                            static_cast<int>(busy.retry_after.count())));
  }

  void Take(size_t place, ServiceResult result) {
    EmbeddedItem& item = items_[place];
    parts_.metrics.CountItem(is_text_[place] ? "text" : "picture",
                             result.error ? CodeName(result.error->code()) : "ok");
    parts_.metrics.AddStage("queue", result.queue_seconds);
    parts_.metrics.AddStage("prepare", result.prepare_seconds);
    parts_.metrics.AddStage("compute", result.compute_seconds);
    if (result.error) item.error = ItemErrorOf(place, *result.error);
    item.embedding = std::move(result.embedding);
    item.tokens = result.tokens;
    Finish(1);
  }

  void Finish(size_t count) {
    if (waiting_.fetch_sub(count) != count) return;
    answers_.Post([self = shared_from_this()] {
      Answer(*self->call_, [&] {
        // Of a whole request: its pictures are no longer needed.
        self->call_->request.memory.ShrinkTo(0);
        return self->done_(std::move(self->items_));
      });
    });
  }

  ServiceParts& parts_;
  const SharedCall call_;
  TaskThread& answers_;
  const std::function<Reply(std::vector<EmbeddedItem>)> done_;
  std::vector<EmbeddedItem> items_;
  std::vector<bool> is_text_;
  std::atomic<size_t> waiting_;
};

}  // namespace

void EmbedItems(ServiceParts& parts, const SharedCall& call, std::vector<InputItem> items,
                const NameOfItem& name_of, ServiceClass service_class, bool normalize,
                TaskThread& answers, std::function<Reply(std::vector<EmbeddedItem>)> done) {
  const auto batch = std::make_shared<Batch>(parts, call, items.size(), answers, std::move(done));
  batch->Begin(std::move(items), name_of, service_class, normalize);
}

std::vector<ItemError> ErrorsOf(std::span<const EmbeddedItem> items) {
  std::vector<ItemError> errors;
  for (const EmbeddedItem& item : items) {
    if (item.error) errors.push_back(*item.error);
  }
  return errors;
}

}  // namespace siglip::server
