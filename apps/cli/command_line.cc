#include "command_line.h"

#include <fcntl.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <exception>
#include <filesystem>
#include <iostream>
#include <memory>
#include <new>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "commands/bulk.h"
#include "commands/commands.h"
#include "siglip/error.hpp"
#include "siglip/runtime.hpp"
#include "terminal/exit_codes.h"
#include "terminal/fault.h"
#include "terminal/help_formatter.h"
#include "terminal/interrupt.h"
#include "terminal/standard_streams.h"
#include "terminal/suggestion.h"
#include "terminal/text.h"

namespace siglip::cli {
namespace {

/// A standard stream that the caller closed would otherwise lend its number to the next file
/// opened, and output meant for the terminal would end up in it. Opened the wrong way round, each
/// still fails when used.
void OccupyStandardStreams() {
  for (int stream = 0; stream <= 2; ++stream) {
    if (::fcntl(stream, F_GETFD) >= 0) continue;
    const int opened = ::open("/dev/null", stream == 0 ? O_WRONLY : O_RDONLY);
    if (opened >= 0 && opened != stream) ::close(opened);
  }
}

std::string VersionLine() {
  const auto runtime = Runtime::Create({.threads = 1, .instruction_set = {}});
  return "siglip " + std::string(Version()) + " (" + std::string(runtime->instruction_set()) + ")";
}

void Describe(CLI::App& app, const std::shared_ptr<HttpTransport>& transport) {
  app.name("siglip");
  app.formatter(std::make_shared<HelpFormatter>());
  app.require_subcommand(0, 1);
  app.set_version_flag("--version,-V", VersionLine, "Print version and instruction set, and exit");
  AddEmbed(app);
  AddClassify(app);
  AddCompare(app);
  AddIndex(app);
  AddSearch(app);
  AddDuplicates(app);
#ifdef SIGLIP_SERVER
  AddServe(app);
#endif
  AddBulk(app);
  AddInspect(app);
  AddInit(app);
  AddConvert(app);
  AddRun(app);
  AddPreprocess(app);
  AddTokenize(app);
  AddBench(app);
  AddPull(app, transport);
  AddHelp(app);
  AddCompletion(app);
  for (CLI::App* command : app.get_subcommands({})) command->group("Commands");
  app.footer(
      "siglip help COMMAND explains a command.\n"
      "In the environment, SIGLIP_MODEL is the model where --model is not given, and SIGLIP_ISA "
      "forces an instruction set.\n"
      "Exit status: 0 all done, 1 nothing done, 2 wrong usage, 3 some inputs failed, "
      "130 interrupted (Ctrl-C), 143 terminated; these two are how siglip serve ends with 0.");
}

/// CLI11 takes a word in brackets for a list and cuts it at its commas, but files and texts may
/// well be called "[a, b]". A zero byte behind the bracket, which no word of a command line holds,
/// keeps them whole; every option takes it off again.
std::vector<std::string> GuardBrackets(CLI::App& app, std::vector<std::string> words) {
  for (std::string& word : words) {
    if (word.starts_with('[') && word.ends_with(']')) word += '\0';
  }
  const auto unguard = [](std::string word) {
    if (word.ends_with('\0')) word.pop_back();
    return word;
  };
  for (CLI::App* command : app.get_subcommands({})) {
    for (CLI::Option* option : command->get_options()) option->transform(unguard);
  }
  return words;
}

/// CLI11 answers --help before it finds out that there is no such command.
void CheckCommand(const CLI::App& app, const std::vector<std::string>& words) {
  const std::optional<std::string> word = CommandWord(words);
  if (!word || std::ranges::count(CommandNames(app), *word) > 0) return;
  throw CLI::ValidationError("there is no command \"" + *word + "\"");
}

/// What CLI11 says, and what it cannot know: that the model may come from elsewhere.
std::string Complaint(const CLI::Error& error) {
  const std::string text = error.what();
  const bool model = text == "--model is required" || text == "MODEL is required";
  return model ? text + ", unless SIGLIP_MODEL in the environment names one" : text;
}

int ReportUsage(const CLI::App& app, const CLI::Error& error,
                const std::vector<std::string>& words) {
  // Help and version come as errors without a failure.
  if (error.get_exit_code() == 0) return app.exit(error, std::cout, std::cerr);
  std::cerr << "siglip: " << Printable(Complaint(error)) << "\n";
  const std::string suggestion = SuggestCorrection(app, words);
  if (!suggestion.empty()) std::cerr << suggestion << "\n";
  const auto chosen = app.get_subcommands();
  if (chosen.empty()) {
    std::cerr << "Commands: " << CLI::detail::join(CommandNames(app), ", ") << "\n";
  }
  std::cerr << "See siglip " << (chosen.empty() ? "" : chosen.front()->get_name() + " ")
            << "--help.\n";
  return kUsage;
}

int Run(const std::vector<std::string>& words, const std::shared_ptr<HttpTransport>& transport) {
  CLI::App app("SigLIP: embeddings of pictures and texts");
  int status = kSuccess;
  try {
    Describe(app, transport);
    if (words.empty()) throw CLI::CallForHelp();
    if (words.front() == kBulk) RunBulk({words.begin() + 1, words.end()});
    CheckCommand(app, words);
    std::vector<std::string> guarded = GuardBrackets(app, words);
    std::ranges::reverse(guarded);  // as parse() wants them
    app.parse(std::move(guarded));
    // As with "--", behind which no word is a command.
    if (app.get_subcommands().empty()) throw CLI::RequiredError("A command");
  } catch (const CLI::Error& error) {
    status = ReportUsage(app, error, words);
  }
  std::cout.flush();
  return status;
}

/// What a command throws, as a message and an exit status.
int RunGuarded(const std::vector<std::string>& words,
               const std::shared_ptr<HttpTransport>& transport) {
  const StandardStreams streams;
  try {
    return Run(words, transport);
  } catch (const ExitCode& code) {
    return code.value;
  } catch (const Error& error) {
    if (error.code() == ErrorCode::kCancelled) {
      std::cerr << "siglip: interrupted\n";
      return InterruptStatus();
    }
    std::cerr << "siglip: " << Printable(error.what()) << "\n";
  } catch (const std::bad_alloc&) {
    std::cerr << "siglip: out of memory\n";
  } catch (const std::filesystem::filesystem_error& error) {
    std::cerr << "siglip: " << Printable(error.path1().string()) << ": " << error.code().message()
              << "\n";
  } catch (const std::system_error& error) {
    std::cerr << "siglip: " << error.code().message() << "\n";
  } catch (const std::exception& exception) {
    std::cerr << "siglip: internal error: " << Printable(exception.what()) << "\n";
  }
  return kNothingDone;
}

}  // namespace

int RunCommandLine(const std::vector<std::string>& words,
                   const std::shared_ptr<HttpTransport>& transport) {
  OccupyStandardStreams();
  ReportFaults();
  ExitOnInterrupt();
  return RunGuarded(words, transport);
}

}  // namespace siglip::cli
