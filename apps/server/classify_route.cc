// POST /v1/classify
#include <algorithm>
#include <iterator>
#include <span>
#include <utility>

#include "server/api/classify_reply.h"
#include "server/api/classify_request.h"
#include "server/item_batch.h"
#include "server/routes.h"
#include "siglip/transformers/siglip_model.hpp"
#include "siglip/zero_shot_classifier.hpp"

namespace siglip::server {
namespace {

/// What is left of the request when its pictures and texts are on their way: the pictures come
/// first.
struct WantedScores {
  size_t pictures = 0;
  std::vector<std::string> labels;
  bool partial = false;
};

Tensor TextEmbeds(std::span<const EmbeddedItem> texts) {
  for (const EmbeddedItem& text : texts) {
    if (text.error) throw ApiError(400, text.error->code, text.error->message, "labels");
  }
  const size_t width = texts.front().embedding.size();
  Tensor embeds(DType::kF32, {std::ssize(texts), static_cast<int64_t>(width)});
  auto next = embeds.floats().begin();
  for (const EmbeddedItem& text : texts) next = std::ranges::copy(text.embedding, next).out;
  return embeds;
}

/// Both are normalised.
float Cosine(std::span<const float> a, std::span<const float> b) {
  double sum = 0;
  for (size_t i = 0; i < a.size(); ++i) sum += static_cast<double>(a[i]) * b[i];
  return static_cast<float>(sum);
}

std::vector<ScoredLabel> ScoresOf(const ZeroShotClassifier& classifier,
                                  const std::vector<float>& picture) {
  const auto width = picture.size();
  Tensor embed(DType::kF32, {std::ssize(picture)});
  std::ranges::copy(picture, embed.floats().begin());
  std::vector<ScoredLabel> scores;
  for (const LabelScore& score : classifier(embed)) {
    const auto label = classifier.label_embeds().floats().subspan(score.label * width, width);
    scores.push_back(
        {.label = score.label, .score = Cosine(picture, label), .probability = score.probability});
  }
  return scores;
}

Reply MakeReply(ServiceParts& parts, const WantedScores& wanted,
                const std::vector<EmbeddedItem>& items) {
  const std::span pictures = std::span(items).first(wanted.pictures);
  std::vector<ItemError> errors = ErrorsOf(pictures);
  if (!errors.empty() && (!wanted.partial || errors.size() == pictures.size())) {
    throw BadItems("input", std::move(errors));
  }
  const ZeroShotClassifier classifier(parts.embed.embedder().logits(), wanted.labels,
                                      TextEmbeds(std::span(items).subspan(wanted.pictures)));
  const std::string& model = parts.options.model_names.front();
  const std::string end = ClassifyReplyEnd(errors);
  Reservation memory = ReserveReply(
      parts,
      ClassifyReplyBytes(model, pictures.size() - errors.size(), wanted.labels) + end.size());
  std::string text = ClassifyReplyBegin(model);
  bool is_first = true;
  for (size_t i = 0; i < pictures.size(); ++i) {
    if (pictures[i].error) continue;
    AppendClassification(i, ScoresOf(classifier, pictures[i].embedding), wanted.labels,
                         std::exchange(is_first, false), text);
  }
  Reply reply = JsonReply(text + end);
  reply.memory = std::move(memory);
  reply.log = "{\"items\":" + std::to_string(items.size()) +
              ",\"failed\":" + std::to_string(errors.size()) + "}";
  return reply;
}

}  // namespace

void PostClassify(ServiceParts& parts, const SharedCall& call) {
  TakeIn(parts, call, [&parts, call] {
    ClassifyRequest request = ReadClassifyRequest(call->request.body);
    call->request.body = {};
    CheckModel(parts, request.model);
    RequireTexts(parts);
    const auto wanted = std::make_shared<const WantedScores>(
        WantedScores{request.items.size(), request.labels, request.partial});
    for (std::string& text : ZeroShotClassifier::TextsOf(request.labels, request.templates)) {
      request.items.emplace_back(InputText{std::move(text)});
    }
    const auto name_of = [](size_t item) { return ParamOf("input", item); };
    EmbedItems(parts, call, std::move(request.items), name_of, ServiceClass::kBulk, true,
               parts.replies, [&parts, wanted](const std::vector<EmbeddedItem>& items) {
                 return MakeReply(parts, *wanted, items);
               });
  });
}

}  // namespace siglip::server
