// VisionModel, SiglipVisionModel and Siglip2VisionModel.
#include "siglip/transformers/vision_model.hpp"

#include <utility>

#include "configuration/architecture.h"
#include "configuration/new_config.h"
#include "configuration/random_weights.h"
#include "configuration/save_checkpoint.h"
#include "configuration/siglip_config.h"
#include "kernels/compute_runtime.h"
#include "model/packed_linear.h"
#include "model/sequence_schedule.h"
#include "model/vision_model_state.h"

namespace siglip {
namespace {

std::shared_ptr<const VisionModel::State> Load(const Checkpoint& checkpoint,
                                               const AnyVisionConfig& config,
                                               std::shared_ptr<const Runtime> runtime,
                                               PrecisionChoice choice) {
  if (!runtime) runtime = Runtime::Create();
  const Precision precision =
      ResolvePrecision(checkpoint, choice, ComputeRuntime::From(*runtime).kernels());
  return std::make_shared<const VisionModel::State>(
      config, OpenWeights(checkpoint, VisionTensors(config)), std::move(runtime), precision);
}

template <class Config>
std::shared_ptr<const VisionModel::State> NewRandom(const Config& config, uint64_t seed,
                                                    std::shared_ptr<const Runtime> runtime,
                                                    PrecisionChoice choice) {
  const Config complete = WithHeadDecided(config);
  if (!runtime) runtime = Runtime::Create();
  const Precision precision = ResolvePrecision(choice, ComputeRuntime::From(*runtime).kernels());
  return std::make_shared<const VisionModel::State>(complete, RandomVisionWeights(complete, seed),
                                                    std::move(runtime), precision);
}

template <class Config>
void SaveRandomTower(const Config& config, uint64_t seed, const std::filesystem::path& folder,
                     const WriteOptions& options, const std::string& preprocessor_json) {
  const Config complete = WithHeadDecided(config);
  SaveVisionCheckpoint(*RandomVisionWeights(complete, seed), complete, folder, options,
                       preprocessor_json);
}

}  // namespace

VisionModel::State::State(AnyVisionConfig any, std::shared_ptr<const WeightSource> source,
                          std::shared_ptr<const Runtime> runtime, Precision precision)
    : config(std::move(any)),
      weights(std::move(source)),
      vision_model(
          LayerSource{*weights, "vision_model",
                      LayerContext{VisionTowerPlan(config).config, std::move(runtime), precision}},
          VisionTowerPlan(config)) {}

VisionModel LoadVisionModel(const Checkpoint& checkpoint,
                            const std::shared_ptr<const Runtime>& runtime,
                            PrecisionChoice precision) {
  return VisionModel(Load(checkpoint, LoadAnyVisionConfig(checkpoint), runtime, precision));
}

VisionModel VisionModel::Open(const std::filesystem::path& folder,
                              std::shared_ptr<const Runtime> runtime, PrecisionChoice precision) {
  return LoadVisionModel(Checkpoint::Open(folder), runtime, precision);
}

VisionOutput VisionModel::operator()(const VisionInputsView& inputs,
                                     const VisionForwardOptions& options, VisionOutput into) const {
  return state_->vision_model(inputs, options, std::move(into));
}

void VisionModel::SavePretrained(const std::filesystem::path& folder) const {
  SaveVisionCheckpoint(*state_->weights, state_->config, folder);
}

Resolution VisionModel::resolution() const { return state_->vision_model.plan().resolution; }

const SiglipVisionTowerConfig& VisionModel::config() const {
  return state_->vision_model.plan().config;
}

std::string VisionModel::config_json() const {
  return std::visit([](const auto& config) { return config.ToJson(); }, state_->config);
}

int64_t VisionModel::image_size() const { return state_->vision_model.plan().image_size; }

bool VisionModel::has_head() const { return state_->vision_model.has_head(); }

const std::shared_ptr<const Runtime>& VisionModel::runtime() const {
  return state_->vision_model.context().runtime;
}

Precision VisionModel::precision() const { return state_->vision_model.context().precision; }

int64_t VisionModel::weight_bytes() const {
  AnyVisionConfig config = state_->config;
  std::visit([&](auto& either) { either.vision_use_head = has_head(); }, config);
  return VisionArchitecture(config).weight_bytes().in(precision());
}

int64_t VisionModel::passes(int64_t pictures, int64_t tokens) const {
  return CountPasses(state_->vision_model.context(), pictures, tokens);
}

SiglipVisionModel SiglipVisionModel::FromPretrained(const std::filesystem::path& folder,
                                                    std::shared_ptr<const Runtime> runtime,
                                                    PrecisionChoice precision) {
  const Checkpoint checkpoint = Checkpoint::Open(folder);
  return SiglipVisionModel(
      Load(checkpoint, LoadVisionConfig(checkpoint), std::move(runtime), precision));
}

SiglipVisionModel::SiglipVisionModel(const SiglipVisionConfig& config, uint64_t seed,
                                     std::shared_ptr<const Runtime> runtime,
                                     PrecisionChoice precision)
    : VisionModel(NewRandom(config, seed, std::move(runtime), precision)) {}

void SiglipVisionModel::SaveRandom(const SiglipVisionConfig& config, uint64_t seed,
                                   const std::filesystem::path& folder, const WriteOptions& options,
                                   const std::string& preprocessor_json) {
  SaveRandomTower(config, seed, folder, options, preprocessor_json);
}

const SiglipVisionConfig& SiglipVisionModel::config() const {
  return std::get<SiglipVisionConfig>(state().config);
}

Siglip2VisionModel Siglip2VisionModel::FromPretrained(const std::filesystem::path& folder,
                                                      std::shared_ptr<const Runtime> runtime,
                                                      PrecisionChoice precision) {
  const Checkpoint checkpoint = Checkpoint::Open(folder);
  return Siglip2VisionModel(
      Load(checkpoint, LoadSiglip2VisionConfig(checkpoint), std::move(runtime), precision));
}

Siglip2VisionModel::Siglip2VisionModel(const Siglip2VisionConfig& config, uint64_t seed,
                                       std::shared_ptr<const Runtime> runtime,
                                       PrecisionChoice precision)
    : VisionModel(NewRandom(config, seed, std::move(runtime), precision)) {}

void Siglip2VisionModel::SaveRandom(const Siglip2VisionConfig& config, uint64_t seed,
                                    const std::filesystem::path& folder,
                                    const WriteOptions& options,
                                    const std::string& preprocessor_json) {
  SaveRandomTower(config, seed, folder, options, preprocessor_json);
}

const Siglip2VisionConfig& Siglip2VisionModel::config() const {
  return std::get<Siglip2VisionConfig>(state().config);
}

}  // namespace siglip
