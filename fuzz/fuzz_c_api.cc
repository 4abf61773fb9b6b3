// The C interface: any order of calls with any arguments that a caller can hand in. Counts of
// buffers are true, since they cannot be checked; everything else may be wrong. Buffers lie in
// memory of their own, for the sanitizers, and stay as they are when a call fails.
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <limits>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "configuration/architecture.h"
#include "siglip/safetensors.hpp"
#include "siglip/siglip.h"
#include "siglip/transformers/image_processor.hpp"
#include "siglip/transformers/vision_model.hpp"

namespace siglip {
namespace {

void Require(bool condition) {
  if (!condition) std::abort();
}

/// Takes numbers from the front of the input; zeros when it is used up.
class Input {
 public:
  Input(const uint8_t* data, size_t size) : data_(data), size_(size) {}

  bool empty() const { return size_ == 0; }
  uint8_t Byte() {
    if (size_ == 0) return 0;
    --size_;
    return *data_++;
  }
  bool OneIn(int n) { return Byte() % n == 1; }
  /// Mostly small, sometimes such that a product overflows.
  size_t Extent() {
    const uint8_t byte = Byte();
    if (byte >= 250) return std::numeric_limits<size_t>::max() / (byte - 249);
    return byte % 9;
  }
  /// Mostly one of the first `n`.
  uint32_t Choice(uint32_t n) {
    const uint8_t byte = Byte();
    return byte >= 250 ? 0U - (byte - 249U) : byte % (n + 1);
  }
  int32_t Flag() { return static_cast<int32_t>(Choice(2)) & (OneIn(8) ? -1 : 1); }
  int32_t Small() {
    const uint8_t byte = Byte();
    if (byte >= 250) return std::numeric_limits<int32_t>::min() + byte % 2;
    return byte % 16;
  }
  std::string Bytes(size_t most) {
    const size_t wanted = Byte();
    const size_t count = std::min({wanted, most, size_});
    std::string bytes(reinterpret_cast<const char*>(data_), count);
    data_ += count;
    size_ -= count;
    return bytes;
  }

 private:
  const uint8_t* data_;
  size_t size_;
};

// --- two tiny models, of fixed resolution with both towers, and of NaFlex

constexpr size_t kWidth = 16;

template <class Config>
Config Tiny() {
  Config config;
  config.hidden_size = kWidth;
  config.intermediate_size = 16;
  config.num_hidden_layers = 1;
  config.num_attention_heads = 2;
  return config;
}

void WriteText(const std::filesystem::path& path, const std::string& text) {
  std::ofstream(path, std::ios::binary) << text;
}

/// Values that are neither large nor all alike.
Tensor AnyValues(const Shape& shape) {
  Tensor tensor(DType::kF32, shape);
  uint32_t state = 1;
  for (float& value : tensor.floats()) {
    state = state * 1664525 + 1013904223;
    value = static_cast<float>(state >> 16) / 65536.0F - 0.5F;
  }
  return tensor;
}

void WriteBothTowers(const std::filesystem::path& folder) {
  auto vision = Tiny<SiglipVisionConfig>();
  vision.image_size = 16;
  vision.patch_size = 8;
  vision.vision_use_head = true;
  auto text = Tiny<SiglipTextConfig>();
  text.vocab_size = 8;
  text.max_position_embeddings = 6;

  ImageProcessorConfig preprocessing;
  preprocessing.height = preprocessing.width = 16;
  SiglipVisionModel::SaveRandom(vision, 7, folder, {}, preprocessing.ToJson());
  const SafetensorsFile image_tower = SafetensorsFile::Open(folder / "model.safetensors");
  NamedTensors tensors;
  for (const std::string& name : image_tower.names()) {
    tensors.emplace_back(name, image_tower.Get(name));
  }
  std::vector<std::pair<std::string, Tensor>> others = {
      {"logit_scale", Tensor({1}, std::vector<float>{1})},
      {"logit_bias", Tensor({1}, std::vector<float>{-1})}};
  for (const TensorSpec& spec : TextArchitecture(text).specs()) {
    others.emplace_back(spec.name, AnyValues(spec.shape));
  }
  tensors.insert(tensors.end(), others.begin(), others.end());
  WriteSafetensors(folder / "model.safetensors", tensors);
  WriteText(folder / "config.json", R"({"model_type": "siglip", "vision_config": )" +
                                        vision.ToJson() + R"(, "text_config": )" + text.ToJson() +
                                        "}");
  WriteText(folder / "tokenizer.json", R"({
    "normalizer": {"type": "Replace", "pattern": {"String": " "}, "content": "_"},
    "added_tokens": [{"id": 0, "content": "<pad>", "special": true, "normalized": false,
                      "single_word": false, "lstrip": false, "rstrip": false}],
    "post_processor": {"type": "TemplateProcessing",
      "single": [{"Sequence": {"id": "A"}}, {"SpecialToken": {"id": "E", "type_id": 0}}],
      "special_tokens": {"E": {"id": "E", "ids": [3], "tokens": ["<eos>"]}}},
    "model": {"type": "BPE", "unk_token": "<unk>", "merges": ["a b"],
              "vocab": {"<pad>": 0, "a": 1, "b": 2, "<eos>": 3, "ab": 4, "_": 5, "<unk>": 6}}})");
}

void WriteNaflex(const std::filesystem::path& folder) {
  auto vision = Tiny<Siglip2VisionConfig>();
  vision.patch_size = 4;
  vision.num_patches = 4;
  Siglip2ImageProcessorConfig preprocessing;
  preprocessing.patch_size = 4;
  preprocessing.max_num_patches = 6;
  Siglip2VisionModel::SaveRandom(vision, 7, folder, {}, preprocessing.ToJson());
}

/// Written and opened once.
class Models {
 public:
  Models() {
    // Nothing is to be found in a cache, and nothing to be downloaded.
    ::setenv("HF_HUB_CACHE", folder_.c_str(), 1);
    ::setenv("HF_HUB_OFFLINE", "1", 1);
    ::setenv("XDG_CACHE_HOME", folder_.c_str(), 1);  // where hashes of weights are kept
    WriteBothTowers(fixed_);
    WriteNaflex(naflex_);
    Require(siglip_runtime_open(2, nullptr, &runtime_) == SIGLIP_OK);
    for (siglip_embedder*& embedder : embedders_) {
      siglip_embedder_options options{};
      options.struct_size = sizeof(options);
      options.runtime = runtime_;
      options.load_image_tower = 1;
      const bool naflex = &embedder == &embedders_[1];
      options.load_text_tower = naflex ? 0 : 1;
      const auto& folder = naflex ? naflex_ : fixed_;
      if (siglip_embedder_open(folder.c_str(), &options, &embedder) != SIGLIP_OK) {
        std::fprintf(stderr, "%s\n", siglip_last_error_message());
        std::abort();
      }
    }
  }
  Models(const Models&) = delete;
  Models& operator=(const Models&) = delete;
  ~Models() {
    for (siglip_embedder* const embedder : embedders_) siglip_embedder_close(embedder);
    siglip_runtime_close(runtime_);
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }

  siglip_runtime* runtime() const { return runtime_; }
  /// Sometimes none.
  siglip_embedder*& Any(Input& input) {
    static siglip_embedder* none = nullptr;
    const uint8_t byte = input.Byte();
    return byte >= 250 ? none : embedders_[byte % embedders_.size()];
  }
  /// One that may be closed and opened anew.
  siglip_embedder*& Last() { return embedders_.back(); }
  std::string Folder(Input& input) const {
    switch (input.Byte() % 8) {
      case 0: return folder_.string();
      case 1: return (folder_ / "nowhere").string();
      case 2: return input.Bytes(40);
      case 3: return naflex_.string();
      default: return fixed_.string();
    }
  }

 private:
  const std::filesystem::path folder_ =
      std::filesystem::temp_directory_path() / ("fuzz-c-api-" + std::to_string(::getpid()));
  const std::filesystem::path fixed_ = folder_ / "fixed";
  const std::filesystem::path naflex_ = folder_ / "naflex";
  siglip_runtime* runtime_ = nullptr;
  std::array<siglip_embedder*, 3> embedders_ = {};  // fixed, NaFlex, and whatever the last one is
};

// --- arguments

/// A buffer of values that a failure must leave as they are.
template <class Value>
class Buffer {
 public:
  explicit Buffer(size_t count) : values_(count, kBefore) {}
  Value* data() { return values_.empty() ? nullptr : values_.data(); }
  size_t size() const { return values_.size(); }
  void Check(siglip_status status) const {
    Require(status == SIGLIP_OK ||
            std::ranges::all_of(values_, [](Value value) { return value == kBefore; }));
  }

 private:
  static constexpr Value kBefore = static_cast<Value>(77);
  std::vector<Value> values_;
};

/// Enough for what is asked for, one value too few, or none.
size_t Room(Input& input, size_t n, size_t each) {
  constexpr size_t kMost = 4096;
  if (n == 0 || each == 0 || n > kMost / each) return input.Byte();
  switch (input.Byte() % 8) {
    case 0: return n * each - 1;
    case 1: return 0;
    case 2: return n * each + 3;
    default: return n * each;
  }
}

/// Options of any size, in memory of that size.
template <class Struct>
class Sized {
 public:
  Sized(Input& input, const Struct& fields) {
    size_t size = sizeof(Struct);
    if (input.OneIn(4)) size = sizeof(size_t) * (1 + input.Byte() % 20);
    memory_.resize(size / sizeof(uint64_t));
    std::memcpy(memory_.data(), &fields, std::min(size, sizeof(fields)));
    if (size > sizeof(fields) && input.OneIn(4)) memory_.back() = input.Byte();
    if (input.OneIn(32)) size = input.Extent();
    std::memcpy(memory_.data(), &size, sizeof(size));
    is_null_ = input.OneIn(16);
  }
  Struct* get() { return is_null_ ? nullptr : reinterpret_cast<Struct*>(memory_.data()); }

 private:
  std::vector<uint64_t> memory_;
  bool is_null_ = false;
};

template <class Enumeration>
void Set(Enumeration& field, uint32_t number) {
  std::memcpy(&field, &number, sizeof(field));
}

struct Progress {
  uint64_t cancel_at = 0;
};
int32_t Report(void* user, uint64_t done, uint64_t total) {
  Require(done <= total);
  if (user == nullptr) return 0;  // of options that were cut off before it
  return done == static_cast<const Progress*>(user)->cancel_at ? 1 : 0;
}

siglip_embed_options EmbedOptionsOf(Input& input, Progress& progress) {
  siglip_embed_options options{};
  Set(options.output, input.Choice(2));
  Set(options.order, input.Choice(2));
  options.normalize = input.Flag();
  options.in_flight = input.Small();
  progress.cancel_at = input.OneIn(8) ? input.Byte() % 6 : 1000;
  if (input.OneIn(4)) options.progress = Report;
  options.user = &progress;
  return options;
}

/// Pictures and what they point to.
struct Pictures {
  Pictures(Input& input, size_t n) {
    for (size_t i = 0; i < n; ++i) Add(input);
  }

  void Add(Input& input) {
    siglip_picture picture{};
    const uint8_t kind = input.Byte();
    const std::string bytes = input.Bytes(200);
    memory.push_back(std::make_unique<std::vector<char>>(bytes.begin(), bytes.end()));
    memory.back()->push_back('\0');
    if (kind % 8 == 1) {
      picture.path = memory.back()->data();
    } else if (kind % 8 != 2) {
      picture.data = memory.back()->data();
      picture.byte_count = memory.back()->size();
    }
    if (kind % 8 > 3) {
      picture.width = input.Small();
      picture.height = input.Small();
      picture.channels = kind % 8 == 7 ? input.Small() : 3;
      if (input.OneIn(4)) picture.row_stride = input.Extent();
    }
    if (input.OneIn(32)) picture.reserved = input.Small();
    if (input.OneIn(16)) picture.path = memory.back()->data();
    if (input.OneIn(4)) picture.name = memory.back()->data();
    pictures.push_back(picture);
  }

  std::vector<siglip_picture> pictures;
  std::vector<std::unique_ptr<std::vector<char>>> memory;
};

struct Texts {
  Texts(Input& input, size_t n) {
    for (size_t i = 0; i < n; ++i) strings.push_back(input.Bytes(60));
    for (const std::string& text : strings) {
      pointers.push_back(input.OneIn(32) ? nullptr : text.c_str());
      lengths.push_back(input.OneIn(32) ? std::numeric_limits<size_t>::max() : text.size());
    }
    with_lengths = input.OneIn(2);
  }
  const size_t* lengths_or_null() const { return with_lengths ? lengths.data() : nullptr; }

  std::vector<std::string> strings;
  std::vector<const char*> pointers;
  std::vector<size_t> lengths;
  bool with_lengths = false;
};

// --- calls

size_t Real(size_t extent) { return extent > 8 ? 1 : extent; }

void TryOpening(Input& input, Models& models) {
  siglip_embedder_options options{};
  options.runtime = models.runtime();
  options.max_pixels = input.Small();
  options.max_file_bytes = input.Small() * int64_t{50};
  options.max_memory_bytes = input.Small() * int64_t{100000};
  Set(options.precision, input.Choice(5));
  Set(options.preprocess, input.Choice(4));
  Set(options.alpha, input.Choice(2));
  options.ignore_exif_orientation = input.Flag();
  options.fast_decode = input.Flag();
  options.max_num_patches = input.Small();
  options.load_image_tower = input.Flag();
  options.load_text_tower = input.Flag();
  Sized<siglip_embedder_options> sized(input, options);
  const std::string folder = models.Folder(input);
  siglip_embedder* opened = nullptr;
  const siglip_status status = siglip_embedder_open(folder.c_str(), sized.get(), &opened);
  Require((status == SIGLIP_OK) == (opened != nullptr));
  if (status != SIGLIP_OK) return;
  siglip_embedder_close(std::exchange(models.Last(), opened));
}

template <class Info>
void TryInfo(Input& input, const siglip_embedder* embedder,
             siglip_status (*get)(const siglip_embedder*, Info*)) {
  Sized<Info> info(input, Info{});
  get(embedder, info.get());
}

void TryPictures(Input& input, const siglip_embedder* embedder) {
  const size_t n = input.Extent();
  const Pictures pictures(input, Real(n));
  Progress progress;
  Sized<siglip_embed_options> options(input, EmbedOptionsOf(input, progress));
  Buffer<float> out(Room(input, n, input.OneIn(3) ? 6 * kWidth : kWidth));
  Buffer<uint32_t> statuses(input.OneIn(2) ? Real(n) : 0);
  const siglip_status status = siglip_embed_pictures(
      embedder, pictures.pictures.empty() ? nullptr : pictures.pictures.data(), n, options.get(),
      out.data(), out.size(), reinterpret_cast<siglip_status*>(statuses.data()));
  out.Check(status);
  statuses.Check(status);
}

struct Station {
  Pictures pictures;
  size_t given = 0;
  int32_t at_the_end = 0;
  int cancel_at = 0;
  int delivered = 0;
};
int32_t Give(void* user, siglip_picture* picture) {
  auto& station = *static_cast<Station*>(user);
  if (station.given == station.pictures.pictures.size()) return station.at_the_end;
  *picture = station.pictures.pictures[station.given++];
  picture->tag = &station;
  return 1;
}
int32_t Take(void* user, const siglip_result* result) {
  auto& station = *static_cast<Station*>(user);
  Require(result->tag == user && result->struct_size == sizeof(*result));
  Require((result->error == nullptr) == (result->status == SIGLIP_OK));
  Require((result->error == nullptr) == (result->embedding != nullptr));
  return ++station.delivered == station.cancel_at ? 1 : 0;
}

void TryStream(Input& input, const siglip_embedder* embedder) {
  Station station{.pictures = Pictures(input, input.Byte() % 5)};
  station.at_the_end = input.OneIn(8) ? 5 : 0;
  station.cancel_at = input.OneIn(8) ? 1 + input.Byte() % 4 : -1;
  Progress progress;
  Sized<siglip_embed_options> options(input, EmbedOptionsOf(input, progress));
  const siglip_status status =
      siglip_embed_stream(embedder, options.get(), input.OneIn(32) ? nullptr : Give,
                          input.OneIn(32) ? nullptr : Take, &station);
  if (status == SIGLIP_OK) {
    Require(static_cast<size_t>(station.delivered) == station.pictures.pictures.size());
  }
}

void TryTexts(Input& input, const siglip_embedder* embedder) {
  const size_t n = input.Extent();
  const Texts texts(input, Real(n));
  const char* const* const pointers = texts.pointers.empty() ? nullptr : texts.pointers.data();
  if (input.OneIn(2)) {
    Progress progress;
    Sized<siglip_embed_options> options(input, EmbedOptionsOf(input, progress));
    Buffer<float> out(Room(input, n, kWidth));
    out.Check(siglip_embed_texts(embedder, pointers, texts.lengths_or_null(), n, options.get(),
                                 out.data(), out.size()));
  } else {
    Buffer<int64_t> ids(Room(input, n, 6));
    ids.Check(
        siglip_tokenize(embedder, pointers, texts.lengths_or_null(), n, ids.data(), ids.size()));
  }
}

void TryComparing(Input& input, const siglip_embedder* embedder) {
  const size_t m = input.Extent();
  const size_t n = input.Extent();
  const size_t dimension = input.Extent();
  Buffer<float> pictures(Real(m) * Real(dimension));
  Buffer<float> texts(Real(n) * Real(dimension));
  const size_t room = Room(input, m, Real(n));
  Buffer<float> logits(input.OneIn(4) ? 0 : room);
  Buffer<float> probabilities(input.OneIn(4) ? 0 : room);
  const siglip_status status = siglip_compare(embedder, pictures.data(), m, texts.data(), n,
                                              dimension, logits.data(), probabilities.data(), room);
  logits.Check(status);
  probabilities.Check(status);
}

void TryTextBuffers(Input& input, const Models& models, const siglip_embedder* embedder) {
  Buffer<char> text(input.OneIn(3) ? input.Byte() : 2000);
  size_t length = 77;
  siglip_status status = SIGLIP_OK;
  switch (input.Byte() % 4) {
    case 0:
      status =
          siglip_resolve_model(models.Folder(input).c_str(), text.data(), text.size(), &length);
      break;
    case 1: {
      Progress progress;
      status = siglip_pull_model(models.Folder(input).c_str(), Report, &progress, text.data(),
                                 text.size(), &length);
      break;
    }
    default: {
      Progress progress;
      Sized<siglip_embed_options> options(input, EmbedOptionsOf(input, progress));
      siglip_content content = SIGLIP_CONTENT_PICTURES;
      Set(content, input.Choice(3) & 0x7fffffffU);  // by value a caller of C++ cannot hand in more
      status =
          siglip_fingerprint(embedder, content, options.get(), text.data(), text.size(), &length);
    }
  }
  text.Check(status);
  Require(status == SIGLIP_OK || length == 77);
}

void TryTowers(Input& input, const siglip_embedder* embedder) {
  const size_t n = input.Extent();
  const bool texts = input.OneIn(2);
  // Of fixed resolution 3 * 16 * 16 values, of NaFlex 48 a patch.
  const size_t each = texts ? input.Byte() % 8 : 48 * (input.OneIn(2) ? 16 : input.Byte() % 8);
  Buffer<float> tokens(input.OneIn(3) ? 0 : Room(input, n, kWidth * (input.Byte() % 8)));
  Buffer<float> pooled(input.OneIn(3) ? 0 : Room(input, n, kWidth));
  siglip_outputs fields{};
  fields.last_hidden_state = tokens.data();
  fields.last_hidden_state_count = tokens.size();
  fields.pooler_output = pooled.data();
  fields.pooler_output_count = pooled.size();
  Sized<siglip_outputs> outputs(input, fields);
  siglip_status status = SIGLIP_OK;
  if (texts) {
    std::vector<int64_t> ids(Real(n) * each);
    for (int64_t& id : ids) id = input.Small();
    status = siglip_run_text_tower(embedder, ids.empty() ? nullptr : ids.data(), ids.size(), n,
                                   outputs.get());
  } else {
    std::vector<float> pixels(Real(n) * each + (input.OneIn(16) ? 1 : 0), 0.25F);
    std::vector<int64_t> shapes(2 * std::max<size_t>(8, pixels.size()));
    for (size_t i = 0; i < 16; ++i) shapes[i] = input.Small();
    status =
        siglip_run_image_tower(embedder, pixels.empty() ? nullptr : pixels.data(), pixels.size(), n,
                               input.OneIn(3) ? nullptr : shapes.data(), outputs.get());
  }
  tokens.Check(status);
  pooled.Check(status);
}

void TryPreprocessing(Input& input, const siglip_embedder* embedder) {
  const Pictures one(input, 1);
  const size_t needed = input.OneIn(2) ? size_t{3} * 16 * 16 : size_t{6} * 48;
  Buffer<float> pixels(Room(input, 1, needed));
  Buffer<int64_t> shape(input.OneIn(2) ? 2 : 0);
  const siglip_status status =
      siglip_preprocess(embedder, one.pictures.data(), pixels.data(), pixels.size(), shape.data());
  pixels.Check(status);
  shape.Check(status);
}

void CallOne(Input& input, Models& models) {
  siglip_embedder* const embedder = models.Any(input);
  // What reads files is slow, hence rare.
  const uint8_t call = input.Byte() % 64;
  switch (call) {
    case 0: TryInfo<siglip_info>(input, embedder, siglip_get_info); return;
    case 1: TryInfo<siglip_image_tower_info>(input, embedder, siglip_get_image_tower_info); return;
    case 2: TryInfo<siglip_text_tower_info>(input, embedder, siglip_get_text_tower_info); return;
    case 3: TryOpening(input, models); return;
    case 4: TryTextBuffers(input, models, embedder); return;
    default: break;
  }
  switch (call % 8) {
    case 0:
    case 1: TryTexts(input, embedder); break;
    case 2: TryStream(input, embedder); break;
    case 3: TryComparing(input, embedder); break;
    case 4:
    case 5: TryTowers(input, embedder); break;
    case 6: TryPreprocessing(input, embedder); break;
    default: TryPictures(input, embedder);
  }
  Require(siglip_last_error_message() != nullptr && siglip_last_error_hint() != nullptr);
}

}  // namespace
}  // namespace siglip

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static siglip::Models models;
  siglip::Input input(data, size);
  for (int calls = 0; calls < 6 && !input.empty(); ++calls) siglip::CallOne(input, models);
  return 0;
}
