// The whole way from pictures and texts to embeddings.
//
//   auto engine = siglip::Engine::FromPretrained("google-siglip2-base-patch16-224");
//   std::vector pictures = {siglip::Picture::File("cat.jpg"), siglip::Picture::Bytes(body)};
//   std::vector<std::string> texts = {"a cat", "a dog"};
//   siglip::Tensor image_embeds = engine.Embed(pictures);     // [2, D]
//   siglip::Tensor text_embeds = engine.EmbedTexts(texts);    // [2, D]
//
// Of many pictures, Run takes one after the other from a source and hands each result to a sink,
// errors included.
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
#include "siglip/image_processor.h"
#include "siglip/model.h"
#include "siglip/model_info.h"
#include "siglip/picture.h"
#include "siglip/runtime.h"
#include "siglip/text_model.h"
#include "siglip/tokenizer.h"
#include "siglip/vision_model.h"

namespace siglip {

/// What an engine is made of.
struct EngineOptions {
  /// May be shared with other engines and models. Null: one of its own, on all CPUs.
  std::shared_ptr<const Runtime> runtime;
  PrecisionChoice precision;
  /// Absent: that of the project whose files describe the preprocessing, see
  /// SiglipImageProcessor::FromPretrained.
  std::optional<PreprocessMode> preprocess;
  DecodeOptions decode;
  /// Of models with variable resolution (NaFlex): how many patches a picture may have. 0: what the
  /// checkpoint's preprocessing says.
  int64_t max_num_patches = 0;
  /// What is loaded at once, and refused at once where it cannot be. Everything else is loaded when
  /// it is first needed.
  bool load_image_tower = false;
  bool load_text_tower = false;
};

enum class Output {
  kPooled,  ///< pooler_output [D].
  /// last_hidden_state [N, D], of pictures only. With variable resolution N is the most tokens a
  /// picture can have, and rows behind a picture's own are zero.
  kTokens,
};

enum class Order {
  kInput,    ///< Results come in the order of the source.
  kAsReady,  ///< Each comes as soon as it is there.
};

/// What a call returns.
struct EmbedOptions {
  Output output = Output::kPooled;
  /// Divide every vector by its L2 norm, without epsilon, as the reference does.
  bool normalize = false;
  /// The most pictures that may be on their way from the source to the sink, which bounds memory;
  /// 0: four per thread. Never changes a result.
  int in_flight = 0;
  Order order = Order::kInput;
};

/// What became of one picture: an embedding, or the reason why there is none.
struct EmbedResult {
  uint64_t index = 0;   ///< Position in the input, from 0.
  std::string name;     ///< Of the picture.
  int64_t width = 0;    ///< In pixels, upright as EXIF says; 0 where the picture does not tell.
  int64_t height = 0;   ///< The same.
  int64_t rows = 0;     ///< Of patches that the picture was cut into.
  int64_t columns = 0;  ///< Of patches.
  Tensor embedding;     ///< Engine::embedding_shape. Empty after a failure.
  std::optional<Error> error;
};

/// The next picture to embed, or nothing at the end.
using PictureSource = std::function<std::optional<Picture>()>;
using ResultSink = std::function<void(EmbedResult)>;

/// What an engine has spent on pictures in each stage, in seconds of one thread, added up over all.
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

/// Safe to use from several threads: their pictures take turns, one by one. A child of fork() can
/// use it and destroy it.
class Engine {
 public:
  /// Of a checkpoint folder, of fixed or variable resolution. Either tower may be missing there, as
  /// long as nobody asks for it. Throws Error when it is no checkpoint, and for what `options` ask
  /// to be loaded: kMismatch when a tower is missing, takes other pictures or ids than
  /// preprocessing or tokenizer make, or does not belong to the other one.
  static Engine FromPretrained(const std::filesystem::path& folder,
                               const EngineOptions& options = {});
  /// Of parts made otherwise, for pictures only. `name` is what errors call the model. Throws as
  /// FromPretrained does.
  Engine(VisionModel model, ImageProcessor processor, const DecodeOptions& decode = {},
         const std::string& name = "model");
  Engine(Engine&&) noexcept;
  Engine& operator=(Engine&&) noexcept;
  ~Engine();

  /// Pictures -> [pictures, D], or [pictures, N, D] of tokens. Throws the Error of the first one
  /// that fails. Has no use for the order and number in flight.
  Tensor Embed(std::span<const Picture> pictures, const EmbedOptions& options = {}) const;

  /// Texts -> [texts, D]. Throws Error(kInvalidArgument) when asked for tokens, and as Run does for
  /// an embedding that cannot be used.
  Tensor EmbedTexts(std::span<const std::string> texts, const EmbedOptions& options = {}) const;

  /// Embeds pictures until the source ends or `*stop` becomes true (then those begun are finished
  /// and delivered). Some are prepared while others are computed. Returns the number of results
  /// delivered.
  ///
  /// A picture that fails is a result with its error; nothing else stops. That includes an
  /// embedding with NaN or infinity, or of norm zero when it is to be normalised, unless
  /// EmbedTestPicture meets it too: what that throws ends the run, and so does what source or sink
  /// throw; after the source threw, the pictures taken are still delivered. Throws before the
  /// source is asked when the image tower cannot be loaded or has no such output.
  ///
  /// The source is called by one thread, which is not the calling one, and the sink by the calling
  /// thread. Both may wait, for each other's results too, and may use this engine.
  uint64_t Run(const PictureSource& source, const ResultSink& sink,
               const EmbedOptions& options = {}, const std::atomic<bool>* stop = nullptr) const;

  /// Of a picture made by a formula: differs whenever weights, preprocessing or precision do.
  /// Throws Error(kUnsupported) naming the model when it gives NaN, infinity or, where that is to
  /// be normalised, zero: such a model embeds no picture.
  Tensor EmbedTestPicture(const EmbedOptions& options = {}) const;

  /// Of a picture: [D], or [N, D] of tokens. Throws Error(kUnsupported) when the model has no
  /// pooling head and a pooled output is asked for.
  Shape embedding_shape(Output output = Output::kPooled) const;
  /// Tokens of every picture; where these differ, the most that one can have.
  int64_t most_tokens() const;
  /// So far, of Embed and Run.
  StageSeconds stage_seconds() const;

  const EngineOptions& options() const;
  const std::shared_ptr<const Runtime>& runtime() const;

  // Parts, loaded when first asked for. These throw Error when the folder has no such part, or one
  // that does not fit; of an engine made of parts, kUnsupported for all but the first two.

  const VisionModel& vision_model() const;
  const ImageProcessor& image_processor() const;
  const SiglipTextModel& text_model() const;
  const Tokenizer& tokenizer() const;
  /// What turns the cosine of a picture and a text into a logit.
  SiglipLogits logits() const;

  /// What embeddings that this engine makes with these options depend on. The text tower is loaded
  /// for that of texts. Hashes are those of the checkpoint's files as they are now, which must be
  /// those that were loaded. Throws Error(kUnsupported) where there are none: of an engine made of
  /// parts, and of a packed checkpoint that an older version wrote.
  Fingerprint fingerprint(EmbeddingContent content, const EmbedOptions& options = {},
                          FingerprintHashes hashes = FingerprintHashes::kComputed) const;

 private:
  struct Parts;
  explicit Engine(std::unique_ptr<Parts> parts);

  std::unique_ptr<Parts> parts_;
};

/// As InspectModel, but `unusable` also says what would keep an engine from using towers that load:
/// preprocessing, a tokenizer or another tower that does not fit. What a folder lacks altogether is
/// not among that.
ModelInfo InspectEngine(const std::filesystem::path& folder);

}  // namespace siglip
