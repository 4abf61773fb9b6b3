#include "model/text_forward.h"

#include <utility>
#include <vector>

#include "model/siglip_text.h"

namespace siglip {

TextForward::TextForward(SiglipTextModel model)
    : model_(std::move(model)), workspace_(model_.state().text_model.context(), 1) {}

void TextForward::Run(std::span<const ReadyText> texts) {
  std::vector<TextTask> tasks;
  std::vector<int64_t> tokens;
  for (const ReadyText& text : texts) {
    TextTask& task = tasks.emplace_back();
    task.input_ids = text.input_ids.data();
    task.pooler_output = text.pooler_output;
    tokens.push_back(std::ssize(text.input_ids));
  }
  model_.state().text_model.Forward(tasks, workspace_.For(tokens).member(0));
}

}  // namespace siglip
