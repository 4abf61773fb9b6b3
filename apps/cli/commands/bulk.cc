// siglip bulk: hands its words to siglip-bulk.
#include "commands/bulk.h"

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <optional>
#include <string_view>
#include <system_error>

#include "commands/commands.h"
#include "siglip/error.hpp"

namespace siglip::cli {
namespace {

constexpr const char* kProgram = "siglip-bulk";

bool IsProgram(const std::filesystem::path& path) {
  std::error_code ignored;
  return std::filesystem::is_regular_file(path, ignored) && ::access(path.c_str(), X_OK) == 0;
}

/// Beside this program, else where a shell would look for it.
std::optional<std::filesystem::path> FindProgram() {
  std::error_code error;
  const std::filesystem::path self = std::filesystem::read_symlink("/proc/self/exe", error);
  if (!error && IsProgram(self.parent_path() / kProgram)) return self.parent_path() / kProgram;
  const char* const variable = std::getenv("PATH");
  if (variable == nullptr) return std::nullopt;
  for (const std::string& folder : CLI::detail::split(variable, ':')) {
    const std::filesystem::path path = std::filesystem::path(folder) / kProgram;
    if (IsProgram(path)) return path;
  }
  return std::nullopt;
}

}  // namespace

void RunBulk(const std::vector<std::string>& words) {
  const auto program = FindProgram();
  if (!program) {
    throw Error(ErrorCode::kNotFound,
                "there is no program siglip-bulk beside this one or on the path, which siglip bulk "
                "runs",
                "it is a part of the Python package: pip install \"siglip[bulk]\"");
  }
  std::vector<std::string> arguments = {program->string()};
  arguments.insert(arguments.end(), words.begin(), words.end());
  std::vector<char*> pointers;
  for (std::string& argument : arguments) pointers.push_back(argument.data());
  pointers.push_back(nullptr);
  ::execv(program->c_str(), pointers.data());
  throw Error(ErrorCode::kIo, program->string() + ": cannot be run: " + std::strerror(errno));
}

void AddBulk(CLI::App& app) {
  CLI::App* command =
      app.add_subcommand(kBulk, "Embed millions of pictures, in shards, on many computers or one");
  command->set_help_flag();  // it is the other program's
  command->add_option("WORDS", "What siglip-bulk is to do")->expected(-1);
  command->footer(
      "Runs the program siglip-bulk, a part of the Python package: pip install "
      "\"siglip[bulk]\". siglip bulk --help tells what it does.\n"
      "Example:\n"
      "  siglip bulk --help");
}

}  // namespace siglip::cli
