// siglip as one of the contestants of peers.py: loads a model, then answers commands, one per line
// on standard input, until it ends. bench/peers_worker.py is the same for the others.
//
//   peers_worker MODEL PIXELS THREADS PRECISION
//
// PIXELS holds raw float32 pictures [n, channels, size, size].
//   version       "siglip 0.1.0, avx512"
//   gflop         of one picture, in the full arithmetic
//   peak          GFLOP/s that the machine can do in this precision, measured now
//   rate B        seconds that the first B pictures take
//   embed B FILE  writes their pooled outputs, raw float32; answers "done"
#include <chrono>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <span>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>

#include "siglip/checkpoint.hpp"
#include "siglip/error.hpp"
#include "siglip/runtime.hpp"
#include "siglip/transformers/vision_model.hpp"

namespace siglip {
namespace {

std::streamsize ByteCount(std::span<const float> values) {
  return static_cast<std::streamsize>(values.size_bytes());
}

class Worker {
 public:
  Worker(const std::filesystem::path& model, std::filesystem::path pixels, int threads,
         std::string_view precision)
      : model_(SiglipVisionModel::FromPretrained(
            model, Runtime::Create({.threads = threads, .instruction_set = {}}),
            ParsePrecision(precision))),
        pixels_(std::move(pixels)) {}

  std::string Answer(const std::string& line) const {
    std::istringstream words(line);
    std::ostringstream answer;
    std::string command;
    std::string file;
    int64_t batch = 0;
    words >> command >> batch >> file;
    if (command == "version") {
      answer << "siglip " << Version() << ", " << model_.runtime()->instruction_set();
    } else if (command == "gflop") {
      answer << FlopPerPicture(model_.config(), model_.config().num_patches(), true) * 1e-9;
    } else if (command == "peak") {
      answer << MeasurePeakGflops(*model_.runtime(), model_.precision());
    } else if (command == "rate") {
      answer << SecondsPerBatch(batch);
    } else if (command == "embed") {
      const Tensor pooled = *model_(Pictures(batch)).pooler_output;
      std::ofstream(file, std::ios::binary)
          .write(reinterpret_cast<const char*>(pooled.floats().data()), ByteCount(pooled.floats()));
      answer << "done";
    } else {
      throw Error(ErrorCode::kInvalidArgument, "unknown command: " + line);
    }
    return answer.str();
  }

 private:
  Tensor Pictures(int64_t batch) const {
    const SiglipVisionConfig& config = model_.config();
    Tensor pictures(DType::kF32,
                    {batch, config.num_channels, config.image_size, config.image_size});
    std::ifstream stream(pixels_, std::ios::binary);
    if (!stream.read(reinterpret_cast<char*>(pictures.floats().data()),
                     ByteCount(pictures.floats()))) {
      throw Error(ErrorCode::kIo, pixels_.string() + ": expected " + std::to_string(batch) +
                                      " pictures, found fewer");
    }
    return pictures;
  }

  /// From as many runs as fill a third of a second, after one picture that brings the weights back
  /// near the cores: other contestants ran meanwhile.
  double SecondsPerBatch(int64_t batch) const {
    constexpr double kLongEnough = 0.3;
    const Tensor pictures = Pictures(batch);
    model_(Pictures(1));
    int runs = 0;
    const auto begin = std::chrono::steady_clock::now();
    while (true) {
      model_(pictures);
      ++runs;
      const std::chrono::duration<double> time = std::chrono::steady_clock::now() - begin;
      if (time.count() >= kLongEnough) return time.count() / runs;
    }
  }

  SiglipVisionModel model_;
  std::filesystem::path pixels_;
};

}  // namespace
}  // namespace siglip

int main(int count, char** words) {
  if (count != 5) {
    std::cerr << "usage: peers_worker MODEL PIXELS THREADS PRECISION\n";
    return 2;
  }
  try {
    const siglip::Worker worker(words[1], words[2], std::stoi(words[3]), words[4]);
    for (std::string line; std::getline(std::cin, line);) {
      std::cout << worker.Answer(line) << std::endl;
    }
  } catch (const std::exception& exception) {
    std::cerr << exception.what() << "\n";
    return 1;
  }
}
