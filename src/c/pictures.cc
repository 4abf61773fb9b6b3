// Pictures into embeddings: all at once, and as a stream.
#include <algorithm>
#include <atomic>
#include <limits>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "c/arguments.h"
#include "c/failure.h"
#include "siglip/embedder.hpp"
#include "siglip/error.hpp"

namespace siglip {
namespace {

[[noreturn]] void Cancelled(const char* by) {
  throw Error(ErrorCode::kCancelled, std::string("cancelled by the ") + by);
}

/// The results of one call of siglip_embed_pictures, kept until it is known to succeed.
class PictureBatch {
 public:
  PictureBatch(const EmbedCall& call, std::span<const siglip_picture> pictures, size_t row,
               bool failures_are_results)
      : call_(call),
        pictures_(pictures),
        failures_are_results_(failures_are_results),
        row_(row),
        values_(pictures.size() * row, std::numeric_limits<float>::quiet_NaN()),
        statuses_(pictures.size(), SIGLIP_OK) {}

  void Run(const Embedder& embedder) {
    Report(0);
    embedder.Run([this] { return Next(); }, [this](const EmbedResult& result) { Keep(result); },
                 call_.options, &stop_);
    if (stop_) Cancelled("progress function");
  }

  const std::vector<float>& values() const { return values_; }
  const std::vector<siglip_status>& statuses() const { return statuses_; }

 private:
  std::optional<Picture> Next() {
    if (next_ == pictures_.size()) return std::nullopt;
    const size_t index = next_++;
    return ToPicture(pictures_[index], PlaceOf(index));
  }

  void Keep(const EmbedResult& result) {
    if (result.error && !failures_are_results_) throw Error(*result.error);
    if (result.error) {
      statuses_[result.index] = StatusOf(result.error->code());
    } else {
      std::ranges::copy(result.embedding.floats(),
                        values_.begin() + static_cast<ptrdiff_t>(result.index * row_));
    }
    Report(++done_);
  }

  void Report(uint64_t done) {
    if (call_.progress != nullptr && call_.progress(call_.user, done, pictures_.size()) != 0) {
      stop_ = true;
    }
  }

  const EmbedCall& call_;
  const std::span<const siglip_picture> pictures_;
  const bool failures_are_results_;
  const size_t row_;
  std::vector<float> values_;
  std::vector<siglip_status> statuses_;
  size_t next_ = 0;  // of the thread that calls Next
  uint64_t done_ = 0;
  std::atomic<bool> stop_ = false;
};

/// One call of siglip_embed_stream.
class Stream {
 public:
  Stream(siglip_source_fn source, siglip_sink_fn sink, void* user)
      : source_(source), sink_(sink), user_(user) {}

  void Run(const Embedder& embedder, const EmbedOptions& options) {
    embedder.Run([this] { return Next(); }, [this](const EmbedResult& result) { Deliver(result); },
                 options, &stop_);
    if (stop_) Cancelled(by_sink_ ? "sink" : "source");
  }

 private:
  std::optional<Picture> Next() {
    siglip_picture picture{};
    const int32_t answer = source_(user_, &picture);
    if (answer != 1) {
      if (answer != 0) stop_ = true;
      return std::nullopt;
    }
    const std::string place = PlaceOf(next_);
    CheckPicture(picture, place);
    if (picture.tag != nullptr) {
      const std::lock_guard lock(mutex_);
      tags_[next_] = picture.tag;
    }
    ++next_;
    return ToPicture(picture, place);
  }

  void Deliver(const EmbedResult& given) {
    siglip_result result{};
    result.struct_size = sizeof(result);
    result.index = given.index;
    result.tag = TakeTag(given.index);
    result.width = static_cast<int32_t>(given.width);
    result.height = static_cast<int32_t>(given.height);
    result.rows = static_cast<int32_t>(given.rows);
    result.columns = static_cast<int32_t>(given.columns);
    std::string message;
    std::string hint;
    if (given.error) {
      message = MessageOf(*given.error);
      hint = HintOf(*given.error);
      result.status = StatusOf(given.error->code());
      result.error = message.c_str();
      result.hint = hint.c_str();
    } else {
      const std::span<const float> values = given.embedding.floats();
      result.embedding = values.data();
      result.value_count = values.size();
    }
    if (sink_(user_, &result) != 0) stop_ = by_sink_ = true;
  }

  void* TakeTag(uint64_t index) {
    const std::lock_guard lock(mutex_);
    const auto tag = tags_.extract(index);
    return tag.empty() ? nullptr : tag.mapped();
  }

  const siglip_source_fn source_;
  const siglip_sink_fn sink_;
  void* const user_;
  uint64_t next_ = 0;  // of the thread that calls Next
  std::atomic<bool> stop_ = false;
  std::atomic<bool> by_sink_ = false;
  std::mutex mutex_;
  std::unordered_map<uint64_t, void*> tags_;  // of pictures on their way
};

void EmbedPictures(const Embedder& embedder, const EmbedCall& call,
                   std::span<const siglip_picture> pictures, size_t row, float* embeddings,
                   siglip_status* statuses) {
  for (size_t i = 0; i < pictures.size(); ++i) CheckPicture(pictures[i], PlaceOf(i));
  PictureBatch batch(call, pictures, row, statuses != nullptr);
  batch.Run(embedder);
  std::ranges::copy(batch.values(), embeddings);
  if (statuses != nullptr) std::ranges::copy(batch.statuses(), statuses);
}

}  // namespace
}  // namespace siglip

siglip_status siglip_embed_pictures(const siglip_embedder* embedder, const siglip_picture* pictures,
                                    size_t n, const siglip_embed_options* options,
                                    float* embeddings, size_t value_count,
                                    siglip_status* statuses) {
  return siglip::Guarded([&] {
    const siglip::Embedder& used = siglip::Handle(embedder).embedder;
    siglip::RequirePointer("pictures", pictures);
    siglip::Count("pictures", {n, sizeof(siglip_picture)});
    const siglip::EmbedCall call = siglip::ReadEmbedOptions(options);
    const auto row =
        static_cast<size_t>(siglip::ElementCount(used.embedding_shape(call.options.output)));
    siglip::RequireRoom("embeddings", embeddings, value_count,
                        siglip::Count("embeddings", {n, row}));
    siglip::EmbedPictures(used, call, {pictures, n}, row, embeddings, statuses);
  });
}

siglip_status siglip_embed_stream(const siglip_embedder* embedder,
                                  const siglip_embed_options* options, siglip_source_fn source,
                                  siglip_sink_fn sink, void* user) {
  return siglip::Guarded([&] {
    const siglip::Embedder& used = siglip::Handle(embedder).embedder;
    if (source == nullptr) siglip::Refuse("source", "a function", "NULL");
    if (sink == nullptr) siglip::Refuse("sink", "a function", "NULL");
    siglip::Stream(source, sink, user).Run(used, siglip::ReadEmbedOptions(options).options);
  });
}
