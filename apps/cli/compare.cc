// siglip compare: how alike pictures are, as the cosines of their embeddings.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <atomic>
#include <cmath>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "commands.h"
#include "exit_codes.h"
#include "format.h"
#include "inputs.h"
#include "interrupt.h"
#include "options.h"
#include "siglip/engine.h"
#include "siglip/error.h"
#include "siglip/hub.h"
#include "text.h"

namespace siglip::cli {
namespace {

struct CompareArguments {
  std::string model;  // folder or name
  std::vector<std::string> paths;
  EngineOptions engine;
  PreprocessArguments preprocess;
  bool json = false;
};

using CosineMatrix = std::vector<std::vector<double>>;

double Dot(const Tensor& left, const Tensor& right) {
  double sum = 0;
  for (size_t i = 0; i < left.floats().size(); ++i) {
    sum += static_cast<double>(left.floats()[i]) * right.floats()[i];
  }
  return sum;
}

CosineMatrix Cosines(const std::vector<EmbedResult>& pictures) {
  CosineMatrix cosines(pictures.size(), std::vector<double>(pictures.size(), 1.0));
  for (size_t i = 0; i < pictures.size(); ++i) {
    const Tensor& left = pictures[i].embedding;
    for (size_t j = 0; j < i; ++j) {
      const Tensor& right = pictures[j].embedding;
      // Normalised already, but only as exactly as f32 can.
      const double cosine = Dot(left, right) / std::sqrt(Dot(left, left) * Dot(right, right));
      cosines[i][j] = cosines[j][i] = std::clamp(cosine, -1.0, 1.0);
    }
  }
  return cosines;
}

size_t Columns(std::string_view text) {
  size_t columns = 0;
  for (; !text.empty(); ++columns) TakeCodePoint(text);
  return columns;
}

std::string PadLeft(const std::string& text, size_t columns) {
  return std::string(columns - std::min(columns, Columns(text)), ' ') + text;
}

/// Names may be long, so columns go by the numbers of rows.
void PrintTable(const std::vector<EmbedResult>& pictures, const CosineMatrix& cosines) {
  constexpr size_t kCellColumns = 8;
  const size_t number_columns = std::to_string(pictures.size()).size();
  size_t name_columns = 0;
  for (const EmbedResult& picture : pictures) {
    name_columns = std::max(name_columns, Columns(Printable(picture.path)));
  }
  std::cout << std::string(number_columns + 1 + name_columns, ' ');
  for (size_t j = 1; j <= pictures.size(); ++j) {
    std::cout << PadLeft(std::to_string(j), kCellColumns);
  }
  std::cout << "\n";
  for (size_t i = 0; i < pictures.size(); ++i) {
    const std::string name = Printable(pictures[i].path);
    std::cout << PadLeft(std::to_string(i + 1), number_columns) << " " << name
              << std::string(name_columns - Columns(name), ' ');
    for (const double cosine : cosines[i]) {
      std::cout << PadLeft(FormatNumber(cosine, 4), kCellColumns);
    }
    std::cout << "\n";
  }
}

void PrintJson(const std::vector<EmbedResult>& pictures, const CosineMatrix& cosines) {
  nlohmann::ordered_json json = {{"paths", nlohmann::json::array()}, {"cosines", cosines}};
  for (const EmbedResult& picture : pictures) json["paths"].push_back(picture.path);
  std::cout << json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) << "\n";
}

void Compare(CompareArguments arguments) {
  const std::atomic<bool>& stop = CatchInterrupts();
  arguments.engine.preprocess = arguments.preprocess.mode;
  arguments.engine.decode = arguments.preprocess.decode;
  arguments.engine.normalize = true;
  const Engine engine = Engine::FromPretrained(ResolveModel(arguments.model), arguments.engine);

  std::vector<EmbedResult> pictures;
  std::atomic<uint64_t> failed = 0;
  const auto report = [&](const Error& error) {
    std::cerr << "siglip: " + Printable(error.what()) + "\n";
    ++failed;
  };
  Inputs inputs(arguments.paths, stop, report);
  engine.EmbedFiles([&] { return inputs.Next(); },
                    [&](EmbedResult result) {
                      if (result.error) return report(*result.error);
                      pictures.push_back(std::move(result));
                    },
                    &stop);
  if (stop) throw ExitCode{kInterrupted};
  if (pictures.empty()) {
    std::cerr << "siglip: no pictures to compare\n";
    throw ExitCode{kNothingDone};
  }
  (arguments.json ? PrintJson : PrintTable)(pictures, Cosines(pictures));
  if (failed > 0) throw ExitCode{kSomeFailed};
}

}  // namespace

void AddCompare(CLI::App& app) {
  auto arguments = std::make_shared<CompareArguments>();
  CLI::App* command =
      app.add_subcommand("compare", "Print how alike pictures are: cosines of their embeddings");
  AddModelOption(*command, arguments->model);
  command->add_option("PATH", arguments->paths, kPathHelp)->required();
  AddJsonOption(*command, arguments->json);
  AddThreadsOption(*command, arguments->engine.runtime.threads);
  AddPrecisionOption(*command, arguments->engine.precision);
  AddPreprocessOptions(*command, arguments->preprocess);
  command->footer("Example:\n  siglip compare --model siglip-base-patch16-224 cat.jpg dog.jpg");
  command->callback([arguments] { Compare(*arguments); });
}

}  // namespace siglip::cli
