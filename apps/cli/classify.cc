// siglip classify: which of the labels given in words fit each picture.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <atomic>
#include <cerrno>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <utility>
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
#include "siglip/zero_shot_classifier.h"
#include "text.h"
#include "texts.h"

namespace siglip::cli {
namespace {

struct ClassifyArguments {
  std::string model;  // folder or name
  std::vector<std::string> paths;
  std::string labels;  // with commas between them
  std::string labels_file;
  std::vector<std::string> templates;
  size_t top = 5;
  EngineOptions engine;
  PreprocessArguments preprocess;
  bool json = false;
};

std::string Trimmed(std::string_view text) {
  const size_t begin = text.find_first_not_of(' ');
  if (begin == std::string_view::npos) return {};
  return std::string(text.substr(begin, text.find_last_not_of(' ') + 1 - begin));
}

std::vector<std::string> SplitLabels(const std::string& text) {
  std::vector<std::string> labels;
  for (size_t begin = 0; begin <= text.size();) {
    const size_t end = std::min(text.find(',', begin), text.size());
    labels.push_back(Trimmed(std::string_view(text).substr(begin, end - begin)));
    if (labels.back().empty()) throw CLI::ValidationError("--labels", "there is an empty label");
    begin = end + 1;
  }
  return labels;
}

std::vector<std::string> ReadLabels(const ClassifyArguments& arguments) {
  if (arguments.labels.empty() && arguments.labels_file.empty()) {
    throw CLI::RequiredError("--labels or --labels-file");
  }
  if (arguments.labels_file.empty()) return SplitLabels(arguments.labels);
  std::vector<std::string> labels = ReadLines(arguments.labels_file);
  if (labels.empty()) {
    throw Error(ErrorCode::kInvalidArgument, arguments.labels_file + ": there are no labels",
                "one per line");
  }
  return labels;
}

void CheckTemplates(const std::vector<std::string>& templates) {
  for (const std::string& text : templates) {
    if (text.find("{}") != std::string::npos) continue;
    throw CLI::ValidationError("--template", "\"" + text + "\" has no {} for the label");
  }
}

/// In percent: "97.31", "<0.01".
std::string Percent(float probability) {
  const double percent = 100.0 * probability;
  return percent < 0.005 ? "<0.01" : FormatNumber(percent, 2);
}

void PrintText(const std::string& path, const std::vector<std::string>& labels,
               const std::vector<LabelScore>& scores) {
  constexpr size_t kNumberColumns = 8;
  std::string text = Printable(path) + "\n";
  for (const LabelScore& score : scores) {
    const std::string percent = Percent(score.probability);
    text += std::string(kNumberColumns - percent.size(), ' ') + percent + " %  " +
            Printable(labels[score.label]) + "\n";
  }
  std::cout << text;
}

void PrintJson(const std::string& path, const std::vector<std::string>& labels,
               const std::vector<LabelScore>& scores) {
  std::string line = "{\"path\":" + JsonQuoted(path);
  if (!IsUtf8(path)) line += ",\"path_base64\":\"" + Base64(path) + "\"";
  line += ",\"labels\":[";
  const char* separator = "";
  for (const LabelScore& score : scores) {
    line += std::exchange(separator, ",") + ("{\"label\":" + JsonQuoted(labels[score.label]));
    line += ",\"probability\":" + nlohmann::json(score.probability).dump();
    line += ",\"logit\":" + nlohmann::json(score.logit).dump() + "}";
  }
  std::cout << line << "]}\n";
}

void Classify(ClassifyArguments arguments) {
  const std::atomic<bool>& stop = CatchInterrupts();
  CheckTemplates(arguments.templates);
  if (arguments.templates.empty()) arguments.templates = {ZeroShotClassifier::kTemplate};
  const std::vector<std::string> labels = ReadLabels(arguments);
  arguments.engine.preprocess = arguments.preprocess.mode;
  arguments.engine.decode = arguments.preprocess.decode;
  const Engine engine = Engine::FromPretrained(ResolveModel(arguments.model), arguments.engine);
  const ZeroShotClassifier classifier(engine, labels, arguments.templates);

  uint64_t classified = 0;
  std::atomic<uint64_t> failed = 0;
  const auto report = [&](const Error& error) {
    std::cerr << "siglip: " + Printable(error.what()) + "\n";
    ++failed;
  };
  Inputs inputs(arguments.paths, stop, report);
  const auto take_result = [&](const EmbedResult& result) {
    if (result.error) return report(*result.error);
    std::vector<LabelScore> scores = classifier(result.embedding);
    scores.resize(std::min(scores.size(), arguments.top));
    (arguments.json ? PrintJson : PrintText)(result.path, labels, scores);
    if (!std::cout.flush()) {
      if (errno == EPIPE) throw ExitCode{kNothingDone};  // as `| head` does: no reason to complain
      throw Error(ErrorCode::kIo, "standard output cannot be written");
    }
    ++classified;
  };
  engine.EmbedFiles([&] { return inputs.Next(); }, take_result, &stop);
  if (stop) throw ExitCode{kInterrupted};
  if (classified == 0 && failed == 0) {
    std::cerr << "siglip: there are no pictures among the inputs\n";
  }
  if (classified == 0) throw ExitCode{kNothingDone};
  if (failed > 0) throw ExitCode{kSomeFailed};
}

}  // namespace

void AddClassify(CLI::App& app) {
  auto arguments = std::make_shared<ClassifyArguments>();
  CLI::App* command =
      app.add_subcommand("classify", "Tell which of the labels you give fit pictures");
  AddModelOption(*command, arguments->model);
  CLI::Option* labels =
      command->add_option("--labels", arguments->labels, "Labels with commas between them")
          ->type_name("A,B,...");
  command
      ->add_option("--labels-file", arguments->labels_file,
                   "Labels, one per line; - for standard input")
      ->type_name("FILE")
      ->excludes(labels);
  command
      ->add_option("--template", arguments->templates,
                   "Text around a label, which takes the place of {}; several are averaged. "
                   "Default: " +
                       std::string(ZeroShotClassifier::kTemplate))
      ->type_name("TEXT")
      ->allow_extra_args(false);  // each time one, so that a picture may follow
  command->add_option("PATH", arguments->paths, kPathHelp)->required();
  command->add_option("--top", arguments->top, "Labels shown for each picture, the best first")
      ->type_name("N")
      ->check(WholeNumber(1, 1 << 30))
      ->capture_default_str();
  AddJsonOption(*command, arguments->json);
  AddThreadsOption(*command, arguments->engine.runtime.threads);
  AddPrecisionOption(*command, arguments->engine.precision);
  AddPreprocessOptions(*command, arguments->preprocess);
  AddMaxNumPatchesOption(*command, arguments->engine.max_num_patches);
  command->footer(
      "Every label is judged on its own (sigmoid): probabilities of a picture need not add up to "
      "100 %, and all may be low where no label fits.\n"
      "Example:\n  siglip classify --model siglip-base-patch16-224 --labels \"a cat,a dog\" "
      "photos/");
  command->callback([arguments] { Classify(*arguments); });
}

}  // namespace siglip::cli
