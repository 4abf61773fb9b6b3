// siglip duplicates: which pictures of an index are there more than once.
#include <CLI/CLI.hpp>
#include <filesystem>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "commands/commands.h"
#include "commands/index_arguments.h"
#include "commands/options.h"
#include "commands/spare_files.h"
#include "outputs/duplicates_output.h"
#include "siglip/error.hpp"
#include "siglip/index.hpp"
#include "terminal/text.h"

namespace siglip::cli {
namespace {

struct DuplicatesArguments {
  std::filesystem::path index;
  DuplicateOptions options;
  std::vector<std::string> apart;
  bool json = false;
  bool print0 = false;
};

int64_t ContentOf(const Index& index, const std::string& path) {
  if (const std::optional<int64_t> content = index.ContentOf(path)) return *content;
  throw Error(ErrorCode::kNotFound, path + ": is not in the index",
              "if it is in one of its folders: siglip index");
}

void SetApart(const std::filesystem::path& folder, const std::vector<std::string>& files) {
  const Index index(folder);
  const int64_t a = ContentOf(index, files[0]);
  const int64_t b = ContentOf(index, files[1]);
  if (a == b) {
    throw Error(ErrorCode::kInvalidArgument,
                files[0] + " and " + files[1] + ": have the same bytes, and are not apart");
  }
  IndexWriter(folder).SetApart(a, b);
}

void PrintSpare(const std::vector<DuplicateGroup>& groups, DuplicateKind kind) {
  SpareFiles spare(
      kind, [](const std::string& path) { std::cout << path << '\0'; },
      [](const std::string& path, const std::string& reason) {
        std::cerr << "siglip: " << Printable(path) << ": " << Printable(reason) << "\n";
      });
  for (const DuplicateGroup& group : groups) spare.Add(group);
}

void Duplicates(const DuplicatesArguments& arguments) {
  const std::filesystem::path folder = IndexFolder(arguments.index);
  if (!arguments.apart.empty()) return SetApart(folder, arguments.apart);
  const DuplicateOptions& options = arguments.options;
  if (options.threshold && options.kind == DuplicateKind::kSameBytes) {
    throw CLI::ValidationError("--threshold", "the same bytes have none");
  }
  const std::vector<DuplicateGroup> groups = Index(folder).FindDuplicates(options);
  if (arguments.print0) {
    PrintSpare(groups, options.kind);
  } else if (arguments.json) {
    for (const DuplicateGroup& group : groups) std::cout << DuplicatesJson(group, options.kind);
  } else {
    std::cout << DuplicatesText(groups);
  }
}

}  // namespace

void AddDuplicates(CLI::App& app) {
  auto arguments = std::make_shared<DuplicatesArguments>();
  CLI::App* command =
      app.add_subcommand("duplicates", "Find pictures of an index that are there more than once");
  CLI::Option* const kind = AddParsedOption(
      *command, "--kind",
      [arguments](const std::string& text) { arguments->options.kind = ParseDuplicateKind(text); },
      "What counts as one: same-bytes; same-picture, also in another size, quality or format (the "
      "default); or similar, also cropped, mirrored or taken a moment later");
  kind->type_name("same-bytes|same-picture|similar");
  command
      ->add_option("--threshold", arguments->options.threshold,
                   "Least cosine with the first of a group, above 0 and at most 1. Default: 0.96 "
                   "for same-picture, 0.90 for similar")
      ->type_name("X");
  CLI::Option* const json = AddJsonOption(*command, arguments->json);
  CLI::Option* const print0 = command->add_flag(
      "--print0", arguments->print0,
      "Print all files but the first of each group and nothing else, a NUL behind each. Only those "
      "that are as they were indexed, are no other name of a file before them and, for same-bytes, "
      "have the same bytes now");
  print0->needs(kind)->excludes(json);
  CLI::Option* const apart = command->add_option(
      "--apart", arguments->apart, "Remember that these two files are not duplicates");
  apart->type_name("FILE FILE")->expected(2);
  for (CLI::Option* const option : {kind, json, print0}) apart->excludes(option);
  AddIndexOption(*command, arguments->index);
  command->footer(
      "The first of a group has the most pixels, then the most bytes, and is the oldest. Every "
      "other is alike to it, so there are no chains. Nothing is ever deleted.\n"
      "Examples:\n"
      "  siglip duplicates\n"
      "  siglip duplicates --kind similar --threshold 0.93 --json\n"
      "  siglip duplicates --kind same-bytes --print0 | xargs -0 -r ls");
  command->callback([arguments] { Duplicates(*arguments); });
}

}  // namespace siglip::cli
