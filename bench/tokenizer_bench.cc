// Texts per second, one core: short captions and a megabyte in one piece, by tokenizer.
// $SIGLIP_BENCH_TOKENIZER, a folder, adds one; vocabularies of full size miss the caches more.
#include <benchmark/benchmark.h>

#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "siglip/transformers/tokenizer.hpp"

namespace {

const std::vector<std::string> kCaptions = {
    "a photo of a cat",
    "two dogs playing with a red ball on the beach",
    "A black and white photograph of an old railway station.",
    "a plate of pasta with tomato sauce and basil",
    "Menschen auf einem Platz in München, abends",
    "aerial view of a city at night, long exposure",
    "a child in a yellow raincoat jumping into a puddle",
    "крупный план цветка с каплями росы",
};

void BM_Captions(benchmark::State& state, const siglip::Tokenizer& tokenizer) {
  std::vector<int64_t> row(static_cast<size_t>(tokenizer.max_length()));
  size_t next = 0;
  for (auto _ : state) {
    tokenizer.Tokenize(kCaptions[next++ % kCaptions.size()], row);
    benchmark::DoNotOptimize(row.data());
  }
  state.SetItemsProcessed(state.iterations());
}

void BM_Megabyte(benchmark::State& state, const siglip::Tokenizer& tokenizer) {
  std::vector<int64_t> row(static_cast<size_t>(tokenizer.max_length()));
  std::string text;
  while (text.size() < (size_t{1} << 20)) {
    for (const std::string& caption : kCaptions) text += caption + " ";
  }
  for (auto _ : state) {
    tokenizer.Tokenize(text, row);
    benchmark::DoNotOptimize(row.data());
  }
  state.SetBytesProcessed(state.iterations() * static_cast<int64_t>(text.size()));
}

void BM_Load(benchmark::State& state, const std::string& folder) {
  for (auto _ : state) benchmark::DoNotOptimize(siglip::Tokenizer::FromPretrained(folder));
}

}  // namespace

int main(int count, char** arguments) {
  std::vector<std::string> folders = {SIGLIP_SOURCE_DIR "/tests/golden/text/gemma",
                                      SIGLIP_SOURCE_DIR "/tests/golden/text/sentencepiece"};
  if (const char* folder = std::getenv("SIGLIP_BENCH_TOKENIZER")) folders.emplace_back(folder);
  std::vector<std::unique_ptr<siglip::Tokenizer>> tokenizers;
  for (const std::string& folder : folders) {
    const siglip::Tokenizer& tokenizer =
        *tokenizers.emplace_back(siglip::Tokenizer::FromPretrained(folder));
    const std::string name =
        std::string(tokenizer.name()) + "/" + std::to_string(tokenizer.vocab_size()) + "/";
    benchmark::RegisterBenchmark((name + "captions").c_str(),
                                 [&](benchmark::State& state) { BM_Captions(state, tokenizer); });
    benchmark::RegisterBenchmark((name + "megabyte").c_str(), [&](benchmark::State& state) {
      BM_Megabyte(state, tokenizer);
    })->Unit(benchmark::kMillisecond);
    benchmark::RegisterBenchmark((name + "load").c_str(), [folder](benchmark::State& state) {
      BM_Load(state, folder);
    })->Unit(benchmark::kMillisecond);
  }
  benchmark::Initialize(&count, arguments);
  benchmark::RunSpecifiedBenchmarks();
}
