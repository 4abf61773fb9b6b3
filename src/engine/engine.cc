#include "siglip/engine.h"

#include <mutex>
#include <optional>
#include <utility>

#include "base/thread_pool.h"
#include "engine/engine_fingerprint.h"
#include "engine/finish_vector.h"
#include "engine/image_towers.h"
#include "engine/ordered_run.h"
#include "engine/picture_worker.h"
#include "engine/text_part.h"
#include "model/vision_output.h"
#include "siglip/error.h"

namespace siglip {
namespace {

// Enough that a picture much slower than the rest rarely makes the other threads wait for it.
constexpr int kPicturesPerThread = 4;

void CheckOptions(const ImageTower& tower, const EngineOptions& options, const std::string& name) {
  if (options.batch < 0) {
    throw Error(ErrorCode::kInvalidArgument,
                "batch: expected 0 or more, found " + std::to_string(options.batch));
  }
  if (!options.tokens && !tower.has_head()) throw NoPoolingHead(name);
}

}  // namespace

struct Engine::Parts {
  /// `loaded` is null where only texts will be embedded.
  Parts(std::unique_ptr<const ImageTower> loaded, const EngineOptions& chosen, std::string called)
      : options(chosen),
        name(std::move(called)),
        tower(std::move(loaded)),
        runtime(tower ? tower->runtime() : Runtime::Create(chosen.runtime)),
        workers(tower ? runtime->threads() : 1) {}

  void AddSeconds(const StageSeconds& more) {
    const std::lock_guard lock(seconds_mutex);
    seconds.read += more.read;
    seconds.decode += more.decode;
    seconds.resize += more.resize;
    seconds.compute += more.compute;
  }

  /// The text tower and what it needs, loaded when first asked for.
  const TextPart& text() const {
    const std::lock_guard lock(text_mutex);
    if (!text_part) {
      text_part = tower ? std::make_unique<const TextPart>(Folder(), *tower)
                        : std::make_unique<const TextPart>(Folder(), runtime, options.precision);
    }
    return *text_part;
  }
  /// Read when first asked for.
  SiglipLogits Logits() const {
    const std::lock_guard lock(text_mutex);
    if (!logits) logits = SiglipLogits::FromPretrained(Folder());
    return *logits;
  }
  const std::filesystem::path& Folder() const {
    if (!folder.empty()) return folder;
    throw Error(ErrorCode::kUnsupported, "this engine was made of parts that embed pictures only",
                "load it from a checkpoint folder to embed texts");
  }

  EngineOptions options;
  std::string name;  // what errors call the model
  std::unique_ptr<const ImageTower> tower;
  std::shared_ptr<const Runtime> runtime;
  std::filesystem::path folder;  // empty: made of parts
  // Each of these threads embeds its own pictures; the model's runtime has others, which compute
  // one picture together.
  mutable ThreadPool workers;
  std::mutex seconds_mutex;
  StageSeconds seconds;  // guarded by seconds_mutex
  mutable std::mutex text_mutex;
  mutable std::unique_ptr<const TextPart> text_part;  // guarded by text_mutex
  mutable std::optional<SiglipLogits> logits;         // guarded by text_mutex
};

Engine Engine::FromPretrained(const std::filesystem::path& folder, const EngineOptions& options) {
  Engine engine(options.texts_only ? nullptr : LoadImageTower(folder, options), options,
                folder.string());
  engine.parts_->folder = folder;
  if (options.texts_only) engine.parts_->text();
  return engine;
}

Engine::Engine(SiglipVisionModel model, SiglipImageProcessor processor,
               const EngineOptions& options, const std::string& name)
    : Engine(MakeImageTower(std::move(model), std::move(processor), name), options, name) {}

Engine::Engine(Siglip2VisionModel model, Siglip2ImageProcessor processor,
               const EngineOptions& options, const std::string& name)
    : Engine(MakeImageTower(std::move(model), std::move(processor), name), options, name) {}

Engine::Engine(std::unique_ptr<const ImageTower> tower, const EngineOptions& options,
               const std::string& name) {
  if (tower) CheckOptions(*tower, options, name);
  parts_ = std::make_unique<Parts>(std::move(tower), options, name);
}

Engine::Engine(Engine&&) noexcept = default;
Engine& Engine::operator=(Engine&&) noexcept = default;
Engine::~Engine() = default;

const ImageTower& Engine::tower() const {
  if (parts_->tower) return *parts_->tower;
  throw Error(ErrorCode::kUnsupported, "this engine embeds texts only",
              "load it without texts_only to embed pictures");
}
const EngineOptions& Engine::options() const { return parts_->options; }

Shape Engine::embedding_shape() const {
  if (parts_->options.texts_only) return {text_model().config().embedding_size()};
  return EmbeddingShape(tower(), parts_->options.tokens);
}

uint64_t Engine::EmbedFiles(const PathSource& next_path, const ResultSink& sink,
                            const std::atomic<bool>* stop) const {
  const ImageTower& image_tower = tower();
  const int threads = parts_->workers.threads();
  const int batch = parts_->options.batch;
  OrderedRun run(next_path, sink, threads, batch > 0 ? batch : kPicturesPerThread * threads, stop);
  // A thread of its own per picture is fastest while there are pictures for all. For the last ones
  // (or the only one) most threads would be idle, so these share the computing of each.
  const auto most_are_idle = [&] { return threads > 1 && run.AtMostLeft(threads / 2); };
  parts_->workers.Run([&](int) {
    PictureWorker worker(image_tower, parts_->options, parts_->name, most_are_idle);
    run.Work([&](const std::string& path) { return worker.EmbedFile(path); });
    parts_->AddSeconds(worker.seconds());
  });
  return run.delivered();
}

StageSeconds Engine::stage_seconds() const {
  const std::lock_guard lock(parts_->seconds_mutex);
  return parts_->seconds;
}

Tensor Engine::Embed(const Image& image) const {
  PictureWorker worker(tower(), parts_->options, parts_->name, [] { return true; });
  return worker.Embed(image);
}

Tensor Engine::EmbedTestPicture() const {
  PictureWorker worker(tower(), parts_->options, parts_->name, [] { return true; });
  return worker.EmbedTestPicture();
}

Tensor Engine::EmbedTexts(std::span<const std::string> texts) const {
  try {
    return parts_->text().Embed(texts, parts_->options.normalize);
  } catch (const UnusableEmbedding& error) {
    throw Error(error.code(), parts_->name + ": of a text, " + error.message(), error.hint());
  }
}

const SiglipTextModel& Engine::text_model() const { return parts_->text().model(); }
const Tokenizer& Engine::tokenizer() const { return parts_->text().tokenizer(); }
SiglipLogits Engine::logits() const { return parts_->Logits(); }

Fingerprint Engine::fingerprint(EmbeddingContent content, FingerprintHashes hashes) const {
  const EngineOptions& options = parts_->options;
  FingerprintParts parts = {
      .decode = options.decode, .tokens = options.tokens, .normalize = options.normalize};
  const Tokenizer* text_tokenizer = nullptr;
  if (content != EmbeddingContent::kTexts) parts.image_tower = &tower();
  if (content != EmbeddingContent::kPictures) {
    parts.text_model = &text_model();
    text_tokenizer = &tokenizer();
  }
  Fingerprint fingerprint = DescribeParts(parts);
  if (hashes == FingerprintHashes::kComputed) {
    AddHashes(parts_->Folder(), text_tokenizer, fingerprint);
  }
  return fingerprint;
}

}  // namespace siglip
