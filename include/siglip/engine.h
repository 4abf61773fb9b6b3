// The whole path from picture files and texts to embeddings.
#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "siglip/error.h"
#include "siglip/fingerprint.h"
#include "siglip/image.h"
#include "siglip/image_tower.h"
#include "siglip/model.h"
#include "siglip/runtime.h"
#include "siglip/siglip2_image_processor.h"
#include "siglip/siglip2_vision_model.h"
#include "siglip/siglip_image_processor.h"
#include "siglip/text_model.h"
#include "siglip/tokenizer.h"
#include "siglip/vision_model.h"

namespace siglip {

struct EngineOptions {
  RuntimeOptions runtime;
  PrecisionChoice precision;
  /// Absent: that of the project whose files describe the preprocessing, see
  /// SiglipImageProcessor::FromPretrained.
  std::optional<PreprocessMode> preprocess;
  DecodeOptions decode;
  /// Of models with variable resolution (NaFlex): how many patches a picture may have. 0: what the
  /// checkpoint's preprocessing says.
  int64_t max_num_patches = 0;
  /// Pictures in flight at once, from the source to the sink, which bounds memory; 0: four per
  /// thread. Never changes a result.
  int batch = 0;
  /// Divide every embedding by its L2 norm, without epsilon, as the reference does; with `tokens`,
  /// every token by its own.
  bool normalize = false;
  /// last_hidden_state [N, D] instead of pooler_output [D]. With variable resolution N is the most
  /// tokens a picture can have, and rows behind a picture's own are zero.
  bool tokens = false;
  /// No pictures will be embedded: the image tower is not loaded, and the folder need not have one.
  bool texts_only = false;
};

/// What became of one picture: an embedding, or the reason why there is none.
struct EmbedResult {
  uint64_t index = 0;   ///< Position in the input, from 0.
  std::string path;     ///< As handed in.
  int64_t rows = 0;     ///< Of patches that the picture was cut into.
  int64_t columns = 0;  ///< Of patches.
  Tensor embedding;     ///< [D], or [N, D] with EngineOptions::tokens. Empty after a failure.
  std::optional<Error> error;
};

/// What EmbedFiles has spent in each stage, in seconds of one thread, added up over all of them.
struct StageSeconds {
  double read = 0;
  double decode = 0;
  double resize = 0;  ///< And rescaling and normalising.
  double compute = 0;
};

/// Whose fingerprint is asked for.
enum class EmbeddingContent { kPictures, kTexts, kPicturesAndTexts };

enum class FingerprintHashes {
  kComputed,  ///< Of weights and tokenizer: their files are read, unless that was done before.
  kLeftOut,   ///< For callers who tell models apart otherwise, such as by EmbedTestPicture.
};

class Engine {
 public:
  /// Loads model and preprocessing of a checkpoint folder, of fixed or variable resolution. Throws
  /// Error(kUnsupported) when the model has no pooling head and `tokens` is not asked for, and
  /// Error(kMismatch) when the model takes pictures of another size, patch size or channel count
  /// than preprocessing makes. With `texts_only` the text tower is loaded instead, and what is
  /// about pictures throws Error(kUnsupported).
  static Engine FromPretrained(const std::filesystem::path& folder,
                               const EngineOptions& options = {});
  /// Of parts made otherwise; runtime, precision, mode and max_num_patches are those of the parts,
  /// whatever `options` say. `name` is what errors call the model. Throws as FromPretrained does.
  Engine(SiglipVisionModel model, SiglipImageProcessor processor, const EngineOptions& options = {},
         const std::string& name = "model");
  Engine(Siglip2VisionModel model, Siglip2ImageProcessor processor,
         const EngineOptions& options = {}, const std::string& name = "model");
  Engine(Engine&&) noexcept;
  Engine& operator=(Engine&&) noexcept;
  ~Engine();

  const ImageTower& tower() const;
  const EngineOptions& options() const;
  /// [D] or [N, D] of a picture; [D] of a text with `texts_only`.
  Shape embedding_shape() const;

  /// The next path to embed, or nothing at the end. Called by one thread at a time.
  using PathSource = std::function<std::optional<std::string>()>;
  /// Called in input order, by one thread at a time. An exception thrown here ends the run and is
  /// passed on.
  using ResultSink = std::function<void(EmbedResult)>;

  /// Embeds files until the source ends or `*stop` becomes true (then pictures begun are finished
  /// and delivered). Decoding of some pictures runs beside computing of others; memory is bounded
  /// by the pictures in flight. A picture that fails is a result with its error; nothing else
  /// stops. That includes an embedding with NaN or infinity, or of norm zero when it is to be
  /// normalised, unless EmbedTestPicture meets it too: what that throws ends the run. The source's
  /// exceptions are passed on too, once the pictures begun are delivered. Calls from several
  /// threads take turns. Returns the number of results delivered.
  uint64_t EmbedFiles(const PathSource& next_path, const ResultSink& sink,
                      const std::atomic<bool>* stop = nullptr) const;

  /// Of all calls of EmbedFiles that are done.
  StageSeconds stage_seconds() const;

  /// One decoded picture, computed on all threads of the runtime.
  Tensor Embed(const Image& image) const;

  /// Of a picture made by a formula: differs whenever weights, preprocessing or precision do.
  /// Throws Error(kUnsupported) naming the model when it gives NaN, infinity or, where that is to
  /// be normalised, zero: such a model embeds no picture.
  Tensor EmbedTestPicture() const;

  /// Texts -> [texts, D], normalised where options().normalize says so, computed on all threads of
  /// the runtime. Never tokens. Tokenizer and text tower of the folder are loaded by the first call
  /// of this or of the two functions below; pictures do without them. Throws Error, also for an
  /// embedding that EmbedFiles would refuse; Error(kUnsupported) for an engine made of parts and
  /// Error(kMismatch) when tokenizer, text tower and image tower do not belong together.
  Tensor EmbedTexts(std::span<const std::string> texts) const;
  const SiglipTextModel& text_model() const;
  const Tokenizer& tokenizer() const;
  /// What turns the cosine of a picture and a text into a logit.
  SiglipLogits logits() const;

  /// What embeddings of this engine depend on. The text tower is loaded for that of texts. Hashes
  /// are those of the checkpoint's files as they are now, which must be those that were loaded.
  /// Throws Error(kUnsupported) where there are none: of an engine made of parts, and of a packed
  /// checkpoint that an older version wrote.
  Fingerprint fingerprint(EmbeddingContent content,
                          FingerprintHashes hashes = FingerprintHashes::kComputed) const;

 private:
  Engine(std::unique_ptr<const ImageTower> tower, const EngineOptions& options,
         const std::string& name);

  struct Parts;
  std::unique_ptr<Parts> parts_;
};

/// What would keep an engine from using towers that load: preprocessing, a tokenizer or another
/// tower that does not fit, each as the error that says so. Reads headers only. What a folder lacks
/// altogether is not among them. Throws Error when it is no checkpoint.
std::vector<std::string> FindMisfits(const std::filesystem::path& folder);

}  // namespace siglip
