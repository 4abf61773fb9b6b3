// SiglipVisionTransformer.
#include "model/siglip_vision.h"

#include <algorithm>
#include <vector>

#include "model/matrix_rows.h"
#include "model/output_tensors.h"
#include "model/sequence_schedule.h"

namespace siglip {
namespace {

LayerContext WithPatches(LayerContext context, const VisionTowerPlan& plan) {
  if (plan.resolution == Resolution::kFixed) {
    context.patch_values = plan.config.patch_values();
  }
  return context;
}

/// Makes room for what `options` ask for, filled with zeros.
void MakeRoom(const SiglipEncoderConfig& config, int64_t batch, int64_t tokens, bool has_head,
              const VisionForwardOptions& options, VisionOutput& output) {
  const Shape states = {batch, tokens, config.hidden_size};
  const Shape maps = {batch, config.num_attention_heads, tokens, tokens};
  const auto layers = static_cast<size_t>(config.num_hidden_layers);
  MakeRoomFor(output.last_hidden_state, "last_hidden_state", states);
  if (has_head) {
    if (!output.pooler_output) output.pooler_output.emplace();
    MakeRoomFor(*output.pooler_output, "pooler_output", {batch, config.hidden_size});
  } else {
    output.pooler_output.reset();
  }
  MakeRoomFor(output.hidden_states, "hidden_states", options.output_hidden_states ? layers + 1 : 0,
              states);
  MakeRoomFor(output.attentions, "attentions", options.output_attentions ? layers : 0, maps);
}

}  // namespace

SiglipVisionTransformer::SiglipVisionTransformer(const LayerSource& source,
                                                 const VisionTowerPlan& plan)
    : plan_(plan),
      context_(WithPatches(source.context, plan)),
      embeddings_(source / "embeddings", plan),
      encoder_(source / "encoder"),
      post_layernorm_(source / "post_layernorm", plan.config.hidden_size) {
  if (plan.has_head()) head_.emplace(source / "head");
}

VisionOutput SiglipVisionTransformer::operator()(const VisionInputsView& inputs,
                                                 const VisionForwardOptions& options,
                                                 VisionOutput output) const {
  const auto [pictures, tokens] = CheckInputs(plan_, inputs, options.interpolate_pos_encoding);
  const int64_t hidden = plan_.config.hidden_size;
  MakeRoom(plan_.config, std::ssize(pictures), tokens, has_head(), options, output);
  std::vector<PictureTask> tasks;
  std::vector<int64_t> lengths;
  for (int64_t i = 0; i < std::ssize(pictures); ++i) {
    const PicturePixels& picture = pictures[static_cast<size_t>(i)];
    const int64_t own = picture.grid.tokens();
    PictureTask& task = tasks.emplace_back();
    task.pixels = picture;
    task.positions = embeddings_.PositionEmbedding(picture.grid);
    task.last_hidden_state = DenseRows(PlaceOf(output.last_hidden_state, i), 0, own, hidden);
    if (output.pooler_output) task.pooler_output = PlaceOf(*output.pooler_output, i);
    for (Tensor& states : output.hidden_states) task.hidden_states.push_back(PlaceOf(states, i));
    for (Tensor& maps : output.attentions) {
      task.attentions.push_back({PlaceOf(maps, i), tokens * tokens, tokens});
    }
    lengths.push_back(own);
  }
  ForEachGroup(context_, lengths, [&](std::span<const int64_t> group, Workspace& workspace) {
    std::vector<PictureTask> of_group;
    for (const int64_t i : group) of_group.push_back(tasks[static_cast<size_t>(i)]);
    Forward(of_group, workspace);
  });
  return output;
}

void SiglipVisionTransformer::Forward(std::span<const PictureTask> pictures,
                                      Workspace& workspace) const {
  for (size_t i = 0; i < pictures.size(); ++i) {
    Sequence& sequence = workspace.sequences[i];
    sequence.hidden_states = pictures[i].hidden_states;
    sequence.attentions = pictures[i].attentions;
    // hidden_states = self.embeddings(pixel_values)                             [N, D]
    embeddings_.Forward(pictures[i].pixels, pictures[i].positions->matrix(), sequence, workspace);
  }
  // last_hidden_state = self.encoder(inputs_embeds=hidden_states)               [N, D]
  encoder_.Forward(workspace);
  const auto last_hidden_state = [&](size_t i) {
    const Sequence& sequence = workspace.sequences[i];
    if (pictures[i].last_hidden_state.data != nullptr) return pictures[i].last_hidden_state;
    return workspace.hidden_states.Rows(sequence.begin, sequence.end);  // in place
  };
  // last_hidden_state = self.post_layernorm(last_hidden_state)                  [N, D]
  for (size_t i = 0; i < pictures.size(); ++i) {
    const Sequence& sequence = workspace.sequences[i];
    const int64_t begin = std::max(workspace.begin, sequence.begin);
    const int64_t end = std::min(workspace.end, sequence.end);
    if (begin >= end) continue;
    post_layernorm_.Forward(
        workspace.hidden_states.Rows(begin, end),
        last_hidden_state(i).Rows(begin - sequence.begin, end - sequence.begin));
  }
  // pooler_output = self.head(last_hidden_state) if self.use_head else None     [D]
  if (!head_) return;
  workspace.barrier->Wait();  // the head looks at all rows
  if (workspace.rank != 0) return;
  std::vector<PoolingTask> to_pool;
  for (size_t i = 0; i < pictures.size(); ++i) {
    if (pictures[i].pooler_output == nullptr) continue;
    to_pool.push_back({last_hidden_state(i), pictures[i].pooler_output});
  }
  if (!to_pool.empty()) head_->Forward(to_pool);
}

}  // namespace siglip
