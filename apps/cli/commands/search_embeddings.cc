#include "commands/search_embeddings.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "commands/options.h"
#include "commands/settings.h"
#include "output/embedding_file.h"
#include "siglip/error.hpp"
#include "siglip/fingerprint.hpp"

namespace siglip::cli {
namespace {

/// As the command line calls it, for errors.
std::string ModelOf(const IndexEmbedderArguments& arguments) {
  return arguments.embedder.model.empty() ? ModelOfEnvironment() : arguments.embedder.model;
}

bool HasHashes(const Fingerprint& fingerprint) {
  return (fingerprint.pictures && !fingerprint.pictures->image_weights.empty()) ||
         (fingerprint.texts && !fingerprint.texts->text_weights.empty());
}

/// Checksums stand for weights whose hashes are left out; they are those of one way of computing.
std::optional<FingerprintDifference> DifferentChecksum(const EmbeddingSettings& settings,
                                                       const Embedder& embedder,
                                                       const EmbeddingKind& kind) {
  const bool has_one = std::ranges::any_of(
      settings, [](const auto& setting) { return setting.first.starts_with(kChecksumSetting); });
  if (!has_one) return std::nullopt;
  const EmbeddingSettings own = DescribeSettings(embedder, kind);
  for (const char* const computing : {"precision", "instruction set class"}) {
    if (settings.at(computing) != own.at(computing)) return std::nullopt;
  }
  for (const auto& [name, value] : settings) {
    const auto found = own.find(name);
    if (!name.starts_with(kChecksumSetting) || found == own.end() || found->second == value) {
      continue;
    }
    return FingerprintDifference{name, value, found->second};
  }
  return std::nullopt;
}

void CheckFits(const std::filesystem::path& file, const EmbeddingSettings& settings,
               const Fingerprint& recorded, const Embedder& embedder, const std::string& model) {
  const EmbeddingKind kind = {.pictures = recorded.pictures.has_value(),
                              .texts = recorded.texts.has_value(),
                              .options = {.normalize = recorded.normalize}};
  const Fingerprint own = embedder.fingerprint(
      kind.content(), kind.options,
      HasHashes(recorded) ? FingerprintHashes::kComputed : FingerprintHashes::kLeftOut);
  auto difference = FirstDifference(recorded, own, FingerprintRelation::kComparableAsQuery);
  if (!difference) difference = DifferentChecksum(settings, embedder, kind);
  if (!difference) return;
  throw Error(ErrorCode::kMismatch,
              file.string() + ": was not made as " + model + " makes it; " + ToString(*difference),
              "use the model and the options that it was made with");
}

int64_t DimensionOf(const Embedder& embedder, const EmbedderUse& use) {
  const EmbeddingKind kind = {.pictures = use.pictures, .texts = use.texts, .options = {}};
  return kind.ShapeOf(embedder).back();
}

}  // namespace

void CheckEmbeddingsArguments(const IndexEmbedderArguments& arguments) {
  // Not what the environment says, which is for all commands.
  for (const CLI::Option* const option : arguments.command->parse_order()) {
    const std::string name = option->get_name();
    if (name == "--index") throw CLI::ValidationError("--index", "does not go with --embeddings");
    for (const char* const filter : {"--after", "--before", "--format", "--min-width"}) {
      if (name != filter) continue;
      throw CLI::ValidationError(name, "needs an index: a file of embeddings does not tell it");
    }
  }
  if (ModelOf(arguments).empty()) {
    throw CLI::ValidationError(
        "--model",
        "is required with --embeddings, unless SIGLIP_MODEL in the environment names one");
  }
}

SearchedEmbeddings OpenEmbeddings(const std::filesystem::path& file,
                                  const IndexEmbedderArguments& arguments, const EmbedderUse& use) {
  const std::unique_ptr<EmbeddingFile> opened = OpenEmbeddingFile(file);
  const EmbeddingSettings settings = opened->settings();
  const std::optional<Fingerprint> recorded = Fingerprint::FromWords(settings, file.string());
  std::optional<IndexSpace> space;
  if (recorded) space.emplace().fingerprint = *recorded;
  Embedder embedder = OpenIndexEmbedder(arguments, space, use);
  const std::string model = ModelOf(arguments);
  const int64_t dimension = DimensionOf(embedder, use);
  std::optional<EmbeddingSearch> search;
  int64_t row_number = -1;
  opened->ForEachRow([&](RowType type, const std::string& name, std::span<const float> row) {
    ++row_number;
    if (type != RowType::kPicture) return;
    if (!search) {
      if (static_cast<int64_t>(row.size()) != dimension) {
        throw Error(ErrorCode::kMismatch, file.string() + ": embeddings of " +
                                              std::to_string(row.size()) + " numbers, but " +
                                              model + " makes " + std::to_string(dimension));
      }
      if (recorded) CheckFits(file, settings, *recorded, embedder, model);
      std::optional<SiglipLogits> logits;
      if (embedder.compares_texts()) logits = embedder.logits();
      search.emplace(dimension, logits, embedder.runtime());
    }
    try {
      search->Add(row_number, name, row);
    } catch (const Error& error) {
      throw Error(error.code(), file.string() + ": " + error.message(), error.hint());
    }
  });
  if (!search) throw Error(ErrorCode::kNotFound, file.string() + ": holds no pictures");
  return {std::move(embedder), *std::move(search)};
}

}  // namespace siglip::cli
