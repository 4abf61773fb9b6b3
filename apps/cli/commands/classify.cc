// siglip classify: which of the labels given in words fit each picture.
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "commands/commands.h"
#include "commands/embedder_arguments.h"
#include "commands/options.h"
#include "commands/picture_run.h"
#include "inputs/inputs.h"
#include "inputs/texts.h"
#include "outputs/classify_output.h"
#include "outputs/output_file.h"
#include "siglip/embedder.hpp"
#include "siglip/error.hpp"
#include "siglip/hub.hpp"
#include "siglip/zero_shot_classifier.hpp"
#include "terminal/exit_codes.h"
#include "terminal/interrupt.h"

namespace siglip::cli {
namespace {

struct ClassifyArguments {
  PathArguments inputs;
  std::string labels;  // with commas between them
  std::string labels_file;
  std::vector<std::string> templates;
  std::optional<size_t> top;
  std::optional<double> threshold;
  std::filesystem::path output;  // empty: standard output
  EmbedderArguments embedder;
  ReportArguments report;
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
    const bool is_standard_input = arguments.labels_file == "-";
    throw Error(
        ErrorCode::kInvalidArgument,
        (is_standard_input ? "standard input" : arguments.labels_file) + ": there are no labels",
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

/// What is wrong with it, for CLI11; empty when nothing is.
std::string CheckProbability(const std::string& text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool number = error == std::errc() && end == text.data() + text.size();
  if (number && value >= 0 && value <= 1) return "";
  return "expected a number from 0 to 1, found '" + text + "'";
}

std::vector<std::filesystem::path> OutputsOf(const ClassifyArguments& arguments) {
  if (arguments.output.empty()) return {};
  return {arguments.output};
}

void CheckArguments(const ClassifyArguments& arguments) {
  CheckTemplates(arguments.templates);
  CheckStandardInput(arguments.inputs.paths, {arguments.labels_file});
  if (!arguments.output.empty()) {
    try {
      CheckClassifyFile(arguments.output);
    } catch (const Error& error) {
      throw CLI::ValidationError("--output", error.what());
    }
    if (arguments.json && EndingOf(arguments.output) != ".jsonl") {
      throw CLI::ValidationError("--json",
                                 "is not what --output " + arguments.output.string() + " asks for");
    }
  } else if (arguments.report.force && arguments.report.failed.empty()) {
    throw CLI::ValidationError("--force", "needs --output or --failed");
  }
  CheckOutputFiles(arguments.report, OutputsOf(arguments));
}

/// Of all scores, the best first, those that are asked for.
void CutScores(const ClassifyArguments& arguments, std::vector<LabelScore>& scores) {
  constexpr size_t kTop = 5;
  if (arguments.threshold) {
    std::erase_if(scores, [&](const LabelScore& score) {
      return static_cast<double>(score.probability) < *arguments.threshold;
    });
  }
  const size_t most = arguments.top.value_or(arguments.threshold ? scores.size() : kTop);
  scores.resize(std::min(scores.size(), most));
}

void Classify(ClassifyArguments arguments) {
  CheckArguments(arguments);
  if (arguments.templates.empty()) arguments.templates = {ZeroShotClassifier::kTemplate};
  const std::vector<std::string> labels = ReadLabels(arguments);
  const std::filesystem::path model = ResolveModel(arguments.embedder.model);
  CheckInputsAreKept(arguments.report, OutputsOf(arguments),
                     FilesOf(arguments.inputs, {{}, {arguments.labels_file}}, model));
  const Embedder embedder =
      OpenEmbedder(model, arguments.embedder, {.pictures = true, .texts = true});
  const ZeroShotClassifier classifier(embedder, labels, arguments.templates);

  const bool to_file = !arguments.output.empty();
  const std::unique_ptr<ClassifyOutput> output =
      to_file ? MakeClassifyFile(labels, arguments.output,
                                 {.replace = arguments.report.force, .stop = nullptr})
              : MakeClassifyStandardOutput(labels, arguments.json);
  const bool text_on_terminal = !to_file && ::isatty(STDOUT_FILENO) != 0;
  PictureRun run(arguments.inputs, arguments.report, OutputsOf(arguments),
                 WantsProgressBar(arguments.report.quiet) && !text_on_terminal);
  run.Embed(embedder, {}, [&](const EmbedResult& result) {
    if (result.error) return;
    std::vector<LabelScore> scores = classifier(result.embedding);
    CutScores(arguments, scores);
    output->Add(result.name, scores);
  });
  if (!run.complete()) ThrowIfInterrupted();
  if (run.embedded() > 0) output->Finish();
  run.Finish();
  if (run.embedded() + run.failed() == 0) {
    run.Print("siglip: there are no pictures among the inputs");
  }
  if (to_file && !arguments.report.quiet) run.Print("siglip: " + run.Summary("classified"));
  if (run.embedded() == 0) throw ExitCode{kNothingDone};
  if (run.failed() > 0) throw ExitCode{kSomeFailed};
}

}  // namespace

void AddClassify(CLI::App& app) {
  auto arguments = std::make_shared<ClassifyArguments>();
  CLI::App* command =
      app.add_subcommand("classify", "Tell which of the labels you give fit pictures");
  AddModelOption(*command, arguments->embedder.model);
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
  AddPathOptions(*command, arguments->inputs)->required();
  command
      ->add_option("--top", arguments->top,
                   "Labels told of each picture, the best first. Default: 5, with --threshold all")
      ->type_name("N")
      ->check(InRange(1, 1 << 30));
  command
      ->add_option("--threshold", arguments->threshold,
                   "Only labels of at least this probability, from 0 to 1; there may be none")
      ->type_name("P")
      ->check(CLI::Validator(CheckProbability, ""));
  AddOutputOption(*command, arguments->output,
                  "File to write, by ending: .jsonl (a line per picture, as with --json) or .csv "
                  "(a line per picture and label). Default: standard output");
  AddJsonOption(*command, arguments->json);
  AddEmbedderOptions(*command, arguments->embedder);
  AddReportOptions(*command, arguments->report);
  command->footer(
      "Every label is judged on its own (sigmoid): probabilities of a picture need not add up to "
      "100 %, and all may be low where no label fits.\n"
      "Example:\n  siglip classify --model siglip-base-patch16-224 --labels \"a cat,a dog\" "
      "photos/");
  command->callback([arguments] { Classify(*arguments); });
}

}  // namespace siglip::cli
