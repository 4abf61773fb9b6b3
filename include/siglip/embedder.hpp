// From pictures and texts to embeddings, the whole way.
//
//   auto model = siglip::Embedder::Open("google/siglip2-base-patch16-224");
//   auto pictures = model.Embed({siglip::Picture::File("cat.jpg"), siglip::Picture::Bytes(body)});
//   auto texts = model.EmbedTexts({"a cat", "a dog"});
//   auto probabilities = model.Probabilities(pictures, texts);   // [2, 2]
//
// Of many pictures, Run takes one after the other from a source and hands each result to a sink,
// errors included.
#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <initializer_list>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "siglip/error.hpp"
#include "siglip/export.hpp"
#include "siglip/fingerprint.hpp"
#include "siglip/image.hpp"
#include "siglip/picture.hpp"
#include "siglip/picture_details.hpp"
#include "siglip/runtime.hpp"
#include "siglip/tensor.hpp"

namespace siglip {

// What an embedder is made of, see siglip/transformers/.
class ImageProcessor;
class SiglipLogits;
class SiglipTextModel;
class Tokenizer;
class VisionModel;

/// How an embedder is made.
struct EmbedderOptions {
  /// May be shared with other embedders and models. Null: one of its own, on all CPUs.
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
  /// Also say what a picture is. Never changes an embedding.
  bool details = false;
};

/// What became of one picture: an embedding, or the reason why there is none.
struct EmbedResult {
  uint64_t index = 0;   ///< Position in the input, from 0.
  std::string name;     ///< Of the picture.
  int64_t width = 0;    ///< In pixels, upright as EXIF says; 0 where the picture does not tell.
  int64_t height = 0;   ///< The same.
  int64_t rows = 0;     ///< Of patches that the picture was cut into.
  int64_t columns = 0;  ///< Of patches.
  Tensor embedding;     ///< Embedder::embedding_shape. Empty after a failure.
  /// Where EmbedOptions ask for them and the picture could be decoded.
  std::optional<PictureDetails> details;
  std::optional<Error> error;
};

/// The next picture to embed, or nothing at the end.
using PictureSource = std::function<std::optional<Picture>()>;
using ResultSink = std::function<void(EmbedResult)>;

/// What an embedder has spent on pictures in each stage, in seconds of one thread, added up over
/// all.
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
class SIGLIP_EXPORT Embedder {
 public:
  /// `model` is a checkpoint, of fixed or variable resolution: its folder, a file that is one
  /// (.npz, .gguf), or its name on the Hugging Face hub, "organisation/name" with or without
  /// "@revision", of which the cache is searched (see ResolveModel). Either tower may be missing
  /// there, as long as nobody asks for it. Throws Error when it is no checkpoint, and for what
  /// `options` ask to be loaded: kMismatch when a tower is missing, takes other pictures or ids
  /// than preprocessing or tokenizer make, or does not belong to the other one.
  static Embedder Open(const std::filesystem::path& model, const EmbedderOptions& options = {});
  /// Of parts made otherwise, for pictures only. `name` is what errors call the model. Throws as
  /// Open does.
  Embedder(VisionModel model, ImageProcessor processor, const DecodeOptions& decode = {},
           const std::string& name = "model");
  Embedder(Embedder&&) noexcept;
  Embedder& operator=(Embedder&&) noexcept;
  ~Embedder();

  /// Pictures -> [pictures, D], or [pictures, N, D] of tokens. Throws the Error of the first one
  /// that fails. Has no use for order, number in flight and details.
  Tensor Embed(std::span<const Picture> pictures, const EmbedOptions& options = {}) const;
  Tensor Embed(std::initializer_list<Picture> pictures, const EmbedOptions& options = {}) const {
    return Embed(std::span(pictures.begin(), pictures.size()), options);
  }

  /// Texts -> [texts, D]. Throws Error(kInvalidArgument) when asked for tokens, and as Run does for
  /// an embedding that cannot be used.
  Tensor EmbedTexts(std::span<const std::string> texts, const EmbedOptions& options = {}) const;
  Tensor EmbedTexts(std::initializer_list<std::string> texts,
                    const EmbedOptions& options = {}) const {
    return EmbedTexts(std::span(texts.begin(), texts.size()), options);
  }

  /// How probable it is that each picture belongs to each text, judged pair by pair: embeddings
  /// [m, D] and [n, D], normalised or not, -> [m, n], sigmoid(exp(logit_scale) * cosine +
  /// logit_bias). Throws Error(kMismatch) for other shapes, and as logits() does.
  Tensor Probabilities(const TensorView& pictures, const TensorView& texts) const;

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
  /// thread. Both may wait, for each other's results too, and may use this embedder.
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
  /// So far, of Embed and Run, and of an EmbedService.
  StageSeconds stage_seconds() const;

  /// Whether the checkpoint has what compares pictures with texts: a text tower and its logits.
  bool compares_texts() const;

  const EmbedderOptions& options() const;
  const std::shared_ptr<const Runtime>& runtime() const;

  // Parts, loaded when first asked for. These throw Error when the folder has no such part, or one
  // that does not fit; of an embedder made of parts, kUnsupported for all but the first two.

  const VisionModel& vision_model() const;
  const ImageProcessor& image_processor() const;
  const SiglipTextModel& text_model() const;
  const Tokenizer& tokenizer() const;
  /// What turns the cosine of a picture and a text into a logit.
  const SiglipLogits& logits() const;

  /// What embeddings that this embedder makes with these options depend on. The text tower is
  /// loaded for that of texts. Hashes are those of the checkpoint's files as they are now, which
  /// must be those that were loaded. Throws Error(kUnsupported) where there are none: of an
  /// embedder made of parts, and of a packed checkpoint that an older version wrote.
  Fingerprint fingerprint(EmbeddingContent content, const EmbedOptions& options = {},
                          FingerprintHashes hashes = FingerprintHashes::kComputed) const;

 private:
  friend class EmbedService;
  struct SIGLIP_HIDDEN Parts;
  explicit Embedder(std::unique_ptr<Parts> parts);

  std::unique_ptr<Parts> parts_;
};

}  // namespace siglip
