// siglip embed: pictures and texts to embeddings, on standard output or in a file.
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <atomic>
#include <filesystem>
#include <memory>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "commands/commands.h"
#include "commands/embedder_arguments.h"
#include "commands/options.h"
#include "commands/picture_run.h"
#include "commands/settings.h"
#include "inputs/inputs.h"
#include "inputs/texts.h"
#include "output/embedding_output.h"
#include "output/output_format.h"
#include "outputs/standard_output.h"
#include "siglip/embedder.hpp"
#include "siglip/error.hpp"
#include "siglip/hub.hpp"
#include "terminal/exit_codes.h"
#include "terminal/format.h"
#include "terminal/interrupt.h"
#include "terminal/progress_bar.h"

namespace siglip::cli {
namespace {

struct EmbedArguments {
  std::filesystem::path output;  // empty: standard output
  PathArguments inputs;
  TextArguments texts;
  EmbedderArguments embedder;
  EmbedOptions embed;
  ReportArguments report;
  bool resume = false;
};

/// What became of the texts.
struct TextTally {
  uint64_t all = 0;       // embedded, by this run or an earlier one
  uint64_t embedded = 0;  // of these, by this run
  double seconds = 0;
};

std::vector<std::filesystem::path> OutputsOf(const EmbedArguments& arguments) {
  if (arguments.output.empty()) return {};
  return OutputFiles(arguments.output);
}

/// Before anything is loaded.
void CheckArguments(const EmbedArguments& arguments) {
  CheckInputs(arguments.inputs.paths, arguments.texts);
  if (!arguments.texts.empty() && arguments.embed.output == Output::kTokens) {
    throw CLI::ValidationError("--tokens", "is for pictures only, not for texts");
  }
  const ReportArguments& report = arguments.report;
  if (arguments.output.empty()) {
    if (arguments.resume) throw CLI::ValidationError("--resume", "needs --output");
    if (report.force && report.failed.empty()) {
      throw CLI::ValidationError("--force", "needs --output or --failed");
    }
    return CheckOutputFiles(report, {});
  }
  try {
    const OutputFormat format = OutputFormatOf(arguments.output);
    if (format == OutputFormat::kCsv && arguments.embed.output == Output::kTokens) {
      throw CLI::ValidationError("--tokens", "does not fit into CSV, which has a vector per row");
    }
  } catch (const Error& error) {
    throw CLI::ValidationError("--output", error.what());
  }
  CheckFailuresApart(report, {JournalPath(arguments.output)});
  // An interrupted run may have put files in place; whether they are its own will show.
  std::error_code ignored;
  const bool goes_on =
      arguments.resume && std::filesystem::exists(JournalPath(arguments.output), ignored);
  CheckOutputFiles(report, OutputsOf(arguments), goes_on);
}

std::unique_ptr<EmbeddingOutput> MakeOutput(const EmbedArguments& arguments,
                                            const Embedder& embedder) {
  const EmbeddingKind kind = {.pictures = !arguments.inputs.paths.empty(),
                              .texts = !arguments.texts.empty(),
                              .options = arguments.embed};
  const Shape shape = kind.ShapeOf(embedder);
  if (arguments.output.empty()) return MakeStandardOutput(shape);
  const Journal::Start start = arguments.resume         ? Journal::Start::kResume
                               : arguments.report.force ? Journal::Start::kReplace
                                                        : Journal::Start::kNew;
  return MakeFileOutput(arguments.output, start, DescribeSettings(embedder, kind), shape,
                        {.replace = arguments.report.force, .stop = &CatchInterrupts()});
}

/// Enough to keep all threads busy, few enough that an interruption is noticed soon.
constexpr size_t kTextsAtOnce = 64;

/// Their rows come first, named so that no picture is taken for one of them. Stops early when
/// interrupted.
void EmbedTexts(const Embedder& embedder, const std::vector<std::string>& texts,
                const EmbedOptions& options, bool with_bar, EmbeddingOutput& output,
                TextTally& tally) {
  ProgressBar progress(with_bar, ProgressBar::Unit::kTexts);
  progress.SetTotal(texts.size());
  std::vector<std::string> wanted;
  const auto embed_wanted = [&] {
    const Tensor embeddings = embedder.EmbedTexts(wanted, options);
    const auto width = static_cast<size_t>(embeddings.dim(1));
    for (size_t i = 0; i < wanted.size(); ++i) {
      output.Add(RowType::kText, "text:" + wanted[i],
                 embeddings.floats().subspan(i * width, width));
      ++tally.all;
      ++tally.embedded;
      progress.Advance();
    }
    wanted.clear();
    tally.seconds = progress.Seconds();
  };
  for (const std::string& text : texts) {
    if (Interrupted()) return;
    if (output.Reuse(RowType::kText, "text:" + text)) {
      ++tally.all;
      progress.Skip();
      continue;
    }
    wanted.push_back(text);
    if (wanted.size() == kTextsAtOnce) embed_wanted();
  }
  if (!wanted.empty()) embed_wanted();
}

/// False when interrupted.
bool Finish(EmbeddingOutput& output) {
  try {
    output.Finish();
    return true;
  } catch (const Error& error) {
    if (error.code() != ErrorCode::kCancelled) throw;
    return false;
  }
}

std::string SummaryOfTexts(const TextTally& tally) {
  std::string text = std::to_string(tally.all) + (tally.all == 1 ? " text" : " texts");
  if (tally.embedded == 0) return text;
  const double rate = static_cast<double>(tally.embedded) / tally.seconds;
  return text + ", " + FormatNumber(rate, 1) + " texts/s";
}

void PrintSummary(const EmbedArguments& arguments, const TextTally& texts, bool complete,
                  PictureRun& pictures) {
  if (texts.all > 0) pictures.Print("siglip: " + SummaryOfTexts(texts));
  if (!arguments.inputs.paths.empty()) pictures.Print("siglip: " + pictures.Summary("embedded"));
  if (complete) return;
  pictures.Print(arguments.output.empty()
                     ? "siglip: interrupted"
                     : "siglip: interrupted; the same command with --resume goes on from here");
}

void Embed(const EmbedArguments& arguments) {
  CheckArguments(arguments);
  const std::vector<std::string> texts = arguments.texts.Read();
  const std::filesystem::path model = ResolveModel(arguments.embedder.model);
  CheckInputsAreKept(arguments.report, OutputsOf(arguments),
                     FilesOf(arguments.inputs, arguments.texts, model));
  const bool with_pictures = !arguments.inputs.paths.empty();
  const Embedder embedder = OpenEmbedder(model, arguments.embedder,
                                         {.pictures = with_pictures,
                                          .texts = !arguments.texts.empty(),
                                          .output = arguments.embed.output});

  const std::atomic<bool>& stop = CatchInterrupts();
  const bool rows_on_terminal = arguments.output.empty() && ::isatty(STDOUT_FILENO) != 0;
  const bool with_bar = WantsProgressBar(arguments.report.quiet) && !rows_on_terminal;
  const auto output = MakeOutput(arguments, embedder);
  TextTally tally;
  EmbedTexts(embedder, texts, arguments.embed, with_bar, *output, tally);
  PictureRun run(arguments.inputs, arguments.report, OutputsOf(arguments), with_bar);
  if (with_pictures) {
    run.Embed(
        embedder, arguments.embed,
        [&](const EmbedResult& result) {
          if (result.error) return output->Skip();
          output->Add(RowType::kPicture, result.name, result.embedding.floats());
        },
        [&](const std::string& path) { return output->Reuse(RowType::kPicture, path); });
  }
  bool complete = with_pictures ? run.complete() : !stop;
  const uint64_t rows = tally.all + run.embedded() + run.reused();
  if (complete) complete = Finish(*output);
  if (complete) {
    run.Finish();
    if (rows + run.failed() == 0) {
      run.Print(std::string("siglip: there are no ") + (with_pictures ? "pictures" : "texts") +
                " among the inputs");
    }
  }
  if (!arguments.report.quiet) PrintSummary(arguments, tally, complete, run);
  if (!complete) ThrowIfInterrupted();
  if (rows == 0) throw ExitCode{kNothingDone};
  if (run.failed() > 0) throw ExitCode{kSomeFailed};
}

}  // namespace

void AddEmbed(CLI::App& app) {
  auto arguments = std::make_shared<EmbedArguments>();
  CLI::App* command = app.add_subcommand("embed", "Turn pictures and texts into embeddings");
  AddModelOption(*command, arguments->embedder.model);
  AddOutputOption(*command, arguments->output,
                  "File to write, by ending: .npy (names beside it in FILE.names.txt), .npz, "
                  ".safetensors, .jsonl or .csv. Default: JSON lines on standard output");
  AddPathOptions(*command, arguments->inputs);
  AddTextOptions(*command, arguments->texts);
  command->add_flag("--normalize", arguments->embed.normalize,
                    "Divide every embedding by its L2 norm");
  command->add_flag_callback(
      "--tokens", [arguments] { arguments->embed.output = Output::kTokens; },
      "The vectors of all patches, [N, D], instead of the pooled one, [D]");
  command
      ->add_option("--batch", arguments->embed.in_flight,
                   "Pictures in flight at once, which bounds memory; 0: four per thread. Never "
                   "changes a result")
      ->type_name("N")
      ->check(InRange(0, 1 << 20))
      ->capture_default_str();
  AddEmbedderOptions(*command, arguments->embedder);
  command->add_flag("--resume", arguments->resume,
                    "Go on with an interrupted run, whose embeddings are in FILE.partial");
  AddReportOptions(*command, arguments->report);
  command->footer(
      "Rows are in the order of the input; folders are walked in the byte order of paths, without "
      "hidden files. A picture that cannot be read is reported and has no row. Rows of texts come "
      "first; their names are the texts with text: before them.\n"
      "Examples:\n"
      "  siglip embed --model siglip-base-patch16-224 --output photos.npz photos/\n"
      "  find . -name '*.jpg' -print0 | siglip embed --model siglip-base-patch16-224 -0 - > "
      "photos.jsonl");
  command->callback([arguments] { Embed(*arguments); });
}

}  // namespace siglip::cli
