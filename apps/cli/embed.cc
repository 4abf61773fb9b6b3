// siglip embed: pictures and texts to embeddings, on standard output or in a file.
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <atomic>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "commands.h"
#include "embedding_output.h"
#include "exit_codes.h"
#include "format.h"
#include "inputs.h"
#include "interrupt.h"
#include "options.h"
#include "output_file.h"
#include "output_format.h"
#include "progress_bar.h"
#include "settings.h"
#include "siglip/engine.h"
#include "siglip/error.h"
#include "siglip/hub.h"
#include "texts.h"

namespace siglip::cli {
namespace {

struct EmbedArguments {
  std::string model;             // folder or name
  std::filesystem::path output;  // empty: standard output
  std::vector<std::string> paths;
  TextArguments texts;
  EngineOptions engine;
  PreprocessArguments preprocess;
  bool force = false;
  bool resume = false;
  bool quiet = false;
};

/// What became of the inputs. Folders that cannot be read fail in the source's thread, pictures in
/// the sink's.
struct Tally {
  uint64_t texts = 0;      // embedded, by this run or an earlier one
  uint64_t new_texts = 0;  // of these, by this run
  double text_seconds = 0;
  uint64_t embedded = 0;  // pictures
  uint64_t reused = 0;    // pictures embedded by an earlier run
  std::atomic<uint64_t> failed = 0;
  bool complete = false;  // the inputs came to their end

  uint64_t rows() const { return texts + embedded + reused; }
};

/// Counts the inputs while work on them has begun, so that the bar knows how far it is.
class BackgroundCount {
 public:
  BackgroundCount(const std::vector<std::string>& paths, ProgressBar& progress)
      : thread_([this, &paths, &progress] {
          const uint64_t count = CountInputs(paths, stop_);
          if (!stop_) progress.SetTotal(count);
        }) {}
  ~BackgroundCount() {
    stop_ = true;
    thread_.join();
  }

 private:
  std::atomic<bool> stop_ = false;
  std::thread thread_;
};

/// Before anything is loaded.
void CheckArguments(const EmbedArguments& arguments) {
  CheckAnyInput(arguments.paths, arguments.texts);
  if (!arguments.texts.empty() && arguments.engine.tokens) {
    throw CLI::ValidationError("--tokens", "is for pictures only, not for texts");
  }
  if (arguments.output.empty()) {
    if (!arguments.resume && !arguments.force) return;
    throw CLI::ValidationError(arguments.resume ? "--resume" : "--force", "needs --output");
  }
  try {
    OutputFormatOf(arguments.output);
  } catch (const Error& error) {
    throw CLI::ValidationError("--output", error.what());
  }
  // An interrupted run may have put files in place; whether they are its own will show.
  std::error_code ignored;
  const bool goes_on =
      arguments.resume && std::filesystem::exists(JournalPath(arguments.output), ignored);
  for (const std::filesystem::path& file : OutputFiles(arguments.output)) {
    CheckOutputFile(file, arguments.force || goes_on);
  }
}

void CheckInputsAreKept(const EmbedArguments& arguments, const std::filesystem::path& model) {
  if (arguments.output.empty()) return;
  InputFiles inputs;
  inputs.AddWords(arguments.paths);
  for (const std::string& file : arguments.texts.files) inputs.Add(file);
  inputs.AddCheckpoint(model);
  for (const std::filesystem::path& file : OutputFiles(arguments.output)) inputs.CheckOutput(file);
}

std::unique_ptr<EmbeddingOutput> MakeOutput(const EmbedArguments& arguments, const Engine& engine) {
  if (arguments.output.empty()) return MakeStandardOutput(engine.embedding_shape());
  const Journal::Start start = arguments.resume  ? Journal::Start::kResume
                               : arguments.force ? Journal::Start::kReplace
                                                 : Journal::Start::kNew;
  return MakeFileOutput(arguments.output, start, DescribeSettings(engine, !arguments.texts.empty()),
                        engine.embedding_shape(),
                        {.replace = arguments.force, .stop = &CatchInterrupts()});
}

/// Enough to keep all threads busy, few enough that an interruption is noticed soon.
constexpr size_t kTextsAtOnce = 256;

/// Their rows come first, named so that no picture is taken for one of them. Stops early when
/// interrupted.
void EmbedTexts(const Engine& engine, const std::vector<std::string>& texts, bool with_bar,
                EmbeddingOutput& output, Tally& tally) {
  const std::atomic<bool>& stop = CatchInterrupts();
  ProgressBar progress(with_bar, ProgressBar::Unit::kTexts);
  progress.SetTotal(texts.size());
  std::vector<std::string> wanted;
  const auto embed_wanted = [&] {
    const Tensor embeddings = engine.EmbedTexts(wanted);
    const auto width = static_cast<size_t>(embeddings.dim(1));
    for (size_t i = 0; i < wanted.size(); ++i) {
      EmbedResult result;
      result.path = "text:" + wanted[i];
      result.embedding = Tensor(DType::kF32, {embeddings.dim(1)});
      std::ranges::copy(embeddings.floats().subspan(i * width, width),
                        result.embedding.floats().begin());
      output.Add(RowType::kText, result);
      ++tally.texts;
      ++tally.new_texts;
      progress.Advance();
    }
    wanted.clear();
    tally.text_seconds = progress.Seconds();
  };
  for (const std::string& text : texts) {
    if (stop) return;
    if (output.Reuse(RowType::kText, "text:" + text)) {
      ++tally.texts;
      progress.Skip();
      continue;
    }
    wanted.push_back(text);
    if (wanted.size() == kTextsAtOnce) embed_wanted();
  }
  if (!wanted.empty()) embed_wanted();
}

void Run(const Engine& engine, Inputs& inputs, EmbeddingOutput& output, ProgressBar& progress,
         Tally& tally) {
  const std::atomic<bool>& stop = CatchInterrupts();
  const auto next_path = [&]() -> std::optional<std::string> {
    while (std::optional<std::string> path = inputs.Next()) {
      if (!output.Reuse(RowType::kPicture, *path)) return path;
      ++tally.reused;
      progress.Skip();
    }
    tally.complete = !stop;
    return std::nullopt;
  };
  const auto take_result = [&](const EmbedResult& result) {
    if (result.error) {
      progress.Print(std::string("siglip: ") + result.error->what());
      ++tally.failed;
    } else {
      ++tally.embedded;
    }
    output.Add(RowType::kPicture, result);
    progress.Advance();
  };
  engine.EmbedFiles(next_path, take_result, &stop);
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

std::string Rate(uint64_t count, double seconds) {
  return FormatNumber(static_cast<double>(count) / seconds, 1);
}

std::string SummaryOfTexts(const Tally& tally) {
  std::string text = std::to_string(tally.texts) + (tally.texts == 1 ? " text" : " texts");
  if (tally.new_texts == 0) return text;
  return text + ", " + Rate(tally.new_texts, tally.text_seconds) + " texts/s";
}

std::string SummaryOfPictures(const Tally& tally, uint64_t passed_over, double seconds) {
  std::string text = std::to_string(tally.embedded) + " embedded";
  if (tally.reused > 0) text += ", " + std::to_string(tally.reused) + " from the run before";
  text += ", " + std::to_string(tally.failed) + " failed, " + std::to_string(passed_over) +
          " passed over";
  if (tally.embedded == 0) return text;
  return text + ", " + Rate(tally.embedded, seconds) + " pictures/s";
}

void Embed(EmbedArguments arguments) {
  CheckArguments(arguments);
  const std::atomic<bool>& stop = CatchInterrupts();
  const std::vector<std::string> texts = arguments.texts.Read();
  arguments.engine.preprocess = arguments.preprocess.mode;
  arguments.engine.decode = arguments.preprocess.decode;
  arguments.engine.texts_only = arguments.paths.empty();
  const std::filesystem::path model = ResolveModel(arguments.model);
  CheckInputsAreKept(arguments, model);
  const Engine engine = Engine::FromPretrained(model, arguments.engine);

  Tally tally;
  const bool rows_on_terminal = arguments.output.empty() && ::isatty(STDOUT_FILENO) != 0;
  const bool with_bar = WantsProgressBar(arguments.quiet) && !rows_on_terminal;
  const auto output = MakeOutput(arguments, engine);
  EmbedTexts(engine, texts, with_bar, *output, tally);
  ProgressBar progress(with_bar);
  Inputs inputs(arguments.paths, stop, [&](const Error& error) {
    progress.Print(std::string("siglip: ") + error.what());
    ++tally.failed;
  });
  if (arguments.paths.empty()) {
    tally.complete = !stop;
  } else {
    std::optional<BackgroundCount> count;
    if (with_bar && CanReadTwice(arguments.paths)) count.emplace(arguments.paths, progress);
    Run(engine, inputs, *output, progress, tally);
  }
  const double seconds = progress.Seconds();
  if (tally.complete) tally.complete = Finish(*output);

  if (tally.complete && tally.rows() + tally.failed == 0) {
    progress.Print(std::string("siglip: there are no ") +
                   (arguments.paths.empty() ? "texts" : "pictures") + " among the inputs");
  }
  if (!arguments.quiet) {
    if (tally.texts > 0) progress.Print("siglip: " + SummaryOfTexts(tally));
    if (!arguments.paths.empty()) {
      progress.Print("siglip: " + SummaryOfPictures(tally, inputs.passed_over(), seconds));
    }
    if (!tally.complete) {
      progress.Print(arguments.output.empty()
                         ? "siglip: interrupted"
                         : "siglip: interrupted; the same command with --resume goes on from here");
    }
  }
  if (!tally.complete) throw ExitCode{kInterrupted};
  if (tally.rows() == 0) throw ExitCode{kNothingDone};
  if (tally.failed > 0) throw ExitCode{kSomeFailed};
}

}  // namespace

void AddEmbed(CLI::App& app) {
  auto arguments = std::make_shared<EmbedArguments>();
  CLI::App* command = app.add_subcommand("embed", "Turn pictures and texts into embeddings");
  AddModelOption(*command, arguments->model);
  command
      ->add_option("--output", arguments->output,
                   "File to write, by ending: .npy (names beside it in FILE.names.txt), .npz, "
                   ".safetensors or .jsonl. Default: JSON lines on standard output")
      ->type_name("FILE");
  command->add_option("PATH", arguments->paths, kPathHelp);
  AddTextOptions(*command, arguments->texts);
  command->add_flag("--normalize", arguments->engine.normalize,
                    "Divide every embedding by its L2 norm");
  command->add_flag("--tokens", arguments->engine.tokens,
                    "The vectors of all patches, [N, D], instead of the pooled one, [D]");
  command
      ->add_option("--batch", arguments->engine.batch,
                   "Pictures in flight at once, which bounds memory; 0: four per thread. Never "
                   "changes a result")
      ->type_name("N")
      ->check(CLI::Range(0, 1 << 20))
      ->capture_default_str();
  AddThreadsOption(*command, arguments->engine.runtime.threads);
  AddPrecisionOption(*command, arguments->engine.precision);
  AddPreprocessOptions(*command, arguments->preprocess);
  AddMaxNumPatchesOption(*command, arguments->engine.max_num_patches);
  command->add_flag("--force", arguments->force, "Replace the output if it exists");
  command->add_flag("--resume", arguments->resume,
                    "Go on with an interrupted run, whose embeddings are in FILE.partial");
  AddQuietOption(*command, arguments->quiet);
  command->footer(
      "Rows are in the order of the input; folders are walked in the byte order of paths, without "
      "hidden files. A picture that cannot be read is reported and has no row. Rows of texts come "
      "first; their names are the texts with text: before them.\n"
      "Examples:\n"
      "  siglip embed --model siglip-base-patch16-224 --output photos.npz photos/\n"
      "  find . -name '*.jpg' | siglip embed --model siglip-base-patch16-224 - > photos.jsonl");
  command->callback([arguments] { Embed(*arguments); });
}

}  // namespace siglip::cli
