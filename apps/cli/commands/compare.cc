// siglip compare: how alike pictures and texts are, as the cosines of their embeddings.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <filesystem>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "commands/commands.h"
#include "commands/embedder_arguments.h"
#include "commands/options.h"
#include "commands/picture_run.h"
#include "inputs/inputs.h"
#include "inputs/texts.h"
#include "siglip/embedder.hpp"
#include "siglip/error.hpp"
#include "siglip/hub.hpp"
#include "terminal/exit_codes.h"
#include "terminal/format.h"
#include "terminal/interrupt.h"
#include "terminal/text.h"

namespace siglip::cli {
namespace {

struct CompareArguments {
  PathArguments inputs;
  TextArguments texts;
  EmbedderArguments embedder;
  ReportArguments report;
  bool json = false;
};

/// A picture or a text.
struct Item {
  std::string name;
  std::vector<float> embedding;
};

double Dot(const std::vector<float>& left, const std::vector<float>& right) {
  double sum = 0;
  for (size_t i = 0; i < left.size(); ++i) sum += static_cast<double>(left[i]) * right[i];
  return sum;
}

/// The matrix of all cosines, row by row: of many items the whole would take more memory than their
/// embeddings, and a reader who has seen enough should not wait for the rest.
class Cosines {
 public:
  explicit Cosines(const std::vector<Item>& items) : items_(items) {
    for (const Item& item : items) norms_.push_back(std::sqrt(Dot(item.embedding, item.embedding)));
  }

  std::vector<double> Row(size_t i) const {
    std::vector<double> row;
    for (size_t j = 0; j < items_.size(); ++j) {
      // Normalised already, but only as exactly as f32 can.
      const double cosine = Dot(items_[i].embedding, items_[j].embedding) / (norms_[i] * norms_[j]);
      row.push_back(i == j ? 1.0 : std::clamp(cosine, -1.0, 1.0));
    }
    return row;
  }

 private:
  const std::vector<Item>& items_;
  std::vector<double> norms_;
};

/// Names may be long, so columns go by the numbers of rows.
void PrintTable(const std::vector<Item>& items) {
  constexpr size_t kCellColumns = 8;
  const size_t number_columns = std::to_string(items.size()).size();
  size_t name_columns = 0;
  for (const Item& item : items) {
    name_columns = std::max(name_columns, Columns(Printable(item.name)));
  }
  std::cout << std::string(number_columns + 1 + name_columns, ' ');
  for (size_t j = 1; j <= items.size(); ++j) {
    std::cout << PadLeft(std::to_string(j), kCellColumns);
  }
  std::cout << "\n";
  const Cosines cosines(items);
  for (size_t i = 0; i < items.size(); ++i) {
    const std::string name = Printable(items[i].name);
    std::cout << PadLeft(std::to_string(i + 1), number_columns) << " " << name
              << std::string(name_columns - Columns(name), ' ');
    for (const double cosine : cosines.Row(i)) {
      std::cout << PadLeft(FormatNumber(cosine, 4), kCellColumns);
    }
    std::cout << "\n";
  }
}

std::string Dumped(const nlohmann::json& value) {
  return value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

/// The first `pictures` items are pictures, the others texts.
void PrintJson(const std::vector<Item>& items, size_t pictures) {
  nlohmann::json paths = nlohmann::json::array();
  nlohmann::json texts = nlohmann::json::array();
  for (size_t i = 0; i < items.size(); ++i) {
    (i < pictures ? paths : texts).push_back(items[i].name);
  }
  std::cout << "{\"paths\":" << Dumped(paths) << ",\"texts\":" << Dumped(texts) << ",\"cosines\":[";
  const Cosines cosines(items);
  for (size_t i = 0; i < items.size(); ++i) {
    std::cout << (i == 0 ? "" : ",") << Dumped(cosines.Row(i));
  }
  std::cout << "]}\n";
}

void AddTexts(const Embedder& embedder, const std::vector<std::string>& texts,
              std::vector<Item>& items) {
  if (texts.empty()) return;
  const Tensor embeddings = embedder.EmbedTexts(texts, {.normalize = true});
  const auto width = static_cast<size_t>(embeddings.dim(1));
  for (size_t i = 0; i < texts.size(); ++i) {
    const auto row = embeddings.floats().subspan(i * width, width);
    items.push_back({texts[i], {row.begin(), row.end()}});
  }
}

/// Adds the pictures to `items`; returns how many failed.
uint64_t AddPictures(const Embedder& embedder, const CompareArguments& arguments,
                     std::vector<Item>& items) {
  PictureRun run(arguments.inputs, arguments.report, {}, WantsProgressBar(arguments.report.quiet));
  const auto add = [&](EmbedResult result) {
    if (result.error) return;
    const auto row = std::as_const(result.embedding).floats();
    items.push_back({std::move(result.name), {row.begin(), row.end()}});
  };
  if (!arguments.inputs.paths.empty()) run.Embed(embedder, {.normalize = true}, add);
  if (!run.complete()) ThrowIfInterrupted();
  run.Finish();
  ExitOnInterrupt();  // what follows has nothing to lose
  return run.failed();
}

void Compare(const CompareArguments& arguments) {
  CheckInputs(arguments.inputs.paths, arguments.texts);
  if (arguments.report.force && arguments.report.failed.empty()) {
    throw CLI::ValidationError("--force", "needs --failed");
  }
  CheckOutputFiles(arguments.report, {});
  const std::vector<std::string> texts = arguments.texts.Read();
  const std::filesystem::path model = ResolveModel(arguments.embedder.model);
  CheckInputsAreKept(arguments.report, {}, FilesOf(arguments.inputs, arguments.texts, model));
  const Embedder embedder = OpenEmbedder(
      model, arguments.embedder,
      {.pictures = !arguments.inputs.paths.empty(), .texts = !arguments.texts.empty()});

  std::vector<Item> items;
  const uint64_t failed = AddPictures(embedder, arguments, items);
  const size_t pictures = items.size();
  AddTexts(embedder, texts, items);
  if (items.empty()) {
    std::cerr << "siglip: nothing to compare\n";
    throw ExitCode{kNothingDone};
  }
  arguments.json ? PrintJson(items, pictures) : PrintTable(items);
  if (failed > 0) throw ExitCode{kSomeFailed};
}

}  // namespace

void AddCompare(CLI::App& app) {
  auto arguments = std::make_shared<CompareArguments>();
  CLI::App* command = app.add_subcommand(
      "compare", "Print how alike pictures and texts are: cosines of their embeddings");
  AddModelOption(*command, arguments->embedder.model);
  AddPathOptions(*command, arguments->inputs);
  AddTextOptions(*command, arguments->texts);
  AddJsonOption(*command, arguments->json);
  AddEmbedderOptions(*command, arguments->embedder);
  AddReportOptions(*command, arguments->report);
  command->footer(
      "Example:\n  siglip compare --model siglip-base-patch16-224 cat.jpg dog.jpg --text 'a cat'");
  command->callback([arguments] { Compare(*arguments); });
}

}  // namespace siglip::cli
