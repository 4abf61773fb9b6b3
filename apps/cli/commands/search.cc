// siglip search: the pictures of an index that fit words or other pictures best.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>
#include <chrono>
#include <filesystem>
#include <iostream>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "commands/commands.h"
#include "commands/index_arguments.h"
#include "commands/options.h"
#include "commands/search_embeddings.h"
#include "commands/settings.h"
#include "common/dates.h"
#include "common/search_json.h"
#include "output/output_file.h"
#include "outputs/contact_sheet.h"
#include "outputs/search_output.h"
#include "siglip/embedder.hpp"
#include "siglip/error.hpp"
#include "siglip/index.hpp"
#include "terminal/exit_codes.h"

namespace siglip::cli {
namespace {

constexpr double kWeightOfNot = -0.5;

/// Words or a picture file, as they stand on the command line.
struct Part {
  enum class Kind { kWords, kImage, kNot };

  Kind kind = Kind::kWords;
  std::string text;
  double weight = 1;

  bool is_text() const { return kind != Kind::kImage; }
};

struct SearchArguments {
  std::vector<std::string> words;
  std::vector<std::string> images;
  std::vector<std::string> nots;
  std::vector<double> weights;
  std::filesystem::path index;
  std::filesystem::path embeddings;  // a file in place of the index
  IndexEmbedderArguments embedder;
  SearchOptions options;
  std::filesystem::path html;
  bool json = false;
  bool paths_only = false;
  bool null = false;
  bool all = false;
  bool force = false;
};

/// In the order in which they were given, since a weight belongs to the part before it.
std::vector<Part> PartsOf(const CLI::App& command) {
  const std::map<std::string, Part::Kind> kinds = {
      {"WORDS", Part::Kind::kWords}, {"--image", Part::Kind::kImage}, {"--not", Part::Kind::kNot}};
  std::vector<Part> parts;
  std::map<const CLI::Option*, size_t> taken;
  for (const CLI::Option* const option : command.parse_order()) {
    const std::string name = option->get_name();
    if (name != "--weight" && !kinds.contains(name)) continue;
    const std::string value = option->reduced_results().at(taken[option]++);
    if (name == "--weight") {
      if (parts.empty()) throw CLI::ValidationError("--weight", "follows what it is the weight of");
      std::from_chars(value.data(), value.data() + value.size(), parts.back().weight);
    } else {
      const Part::Kind kind = kinds.at(name);
      parts.push_back({kind, value, kind == Part::Kind::kNot ? kWeightOfNot : 1});
    }
  }
  return parts;
}

std::vector<QueryPart> Embed(const Embedder& embedder, const std::vector<Part>& parts) {
  std::vector<QueryPart> query;
  for (const Part& part : parts) {
    const Tensor embedding = part.is_text()
                                 ? embedder.EmbedTexts({part.text}, {.normalize = true})
                                 : embedder.Embed({Picture::File(part.text)}, {.normalize = true});
    const auto vector = embedding.floats();
    query.push_back({.vector = {vector.begin(), vector.end()},
                     .weight = part.weight,
                     .is_text = part.is_text()});
  }
  return query;
}

/// What a person would call the search.
std::string TitleOf(const std::vector<Part>& parts) {
  std::string title;
  for (const Part& part : parts) {
    title += title.empty() ? "" : " + ";
    title += (part.kind == Part::Kind::kNot ? "not " : "") + part.text;
  }
  return title;
}

void CheckArguments(const SearchArguments& arguments, const std::vector<Part>& parts) {
  if (parts.empty()) {
    throw CLI::ValidationError("WORDS", "are required, or --image FILE or --not TEXT");
  }
  if (arguments.null && !arguments.paths_only) {
    throw CLI::ValidationError("--null", "needs --paths-only");
  }
  if (!arguments.html.empty()) CheckOutputFile(arguments.html, arguments.force);
  if (!arguments.embeddings.empty()) CheckEmbeddingsArguments(arguments.embedder);
}

void Print(const SearchArguments& arguments, const SearchResult& result, double milliseconds) {
  if (arguments.paths_only) {
    for (const Hit& hit : result.hits) std::cout << hit.path << (arguments.null ? '\0' : '\n');
  } else {
    std::cout << (arguments.json ? apps::SearchJson(result, milliseconds) : SearchTable(result));
  }
}

/// `searched` is an Index or an EmbeddingSearch.
template <class Searched>
void SearchIn(const Searched& searched, const Embedder& embedder, const std::vector<Part>& parts,
              const SearchArguments& arguments) {
  const std::vector<QueryPart> query = Embed(embedder, parts);
  const auto begin = std::chrono::steady_clock::now();
  const SearchResult result = searched.Search(query, arguments.options);
  const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - begin;
  if (!arguments.html.empty()) {
    WriteContactSheet(arguments.html, TitleOf(parts), result, {.replace = arguments.force});
  }
  Print(arguments, result, took.count());
  std::cout.flush();  // also where the exit status is not 0
  if (result.hits.empty()) throw ExitCode{kNothingDone};
}

void Search(const SearchArguments& arguments) {
  const std::vector<Part> parts = PartsOf(*arguments.embedder.command);
  CheckArguments(arguments, parts);
  const bool texts = std::ranges::any_of(parts, &Part::is_text);
  const bool pictures = !std::ranges::all_of(parts, &Part::is_text);
  const EmbedderUse use = {.pictures = pictures, .texts = texts};
  if (!arguments.embeddings.empty()) {
    const SearchedEmbeddings opened = OpenEmbeddings(arguments.embeddings, arguments.embedder, use);
    return SearchIn(opened.search, opened.embedder, parts, arguments);
  }
  const Index opened(IndexFolder(arguments.index));
  const Embedder embedder = OpenIndexEmbedder(arguments.embedder, opened.space(), use);
  const EmbeddingKind kind = {.pictures = pictures, .texts = texts, .options = {}};
  opened.CheckFits(embedder, kind.content());
  SearchIn(opened, embedder, parts, arguments);
}

void AddFilterOptions(CLI::App& command, SearchFilter& filter) {
  command.add_option("--under", filter.under, "Only pictures in this folder and below it")
      ->type_name("FOLDER")
      ->group("Filters");
  const auto date = [&](const std::string& name, std::optional<int64_t>& value, const char* words) {
    AddParsedOption(
        command, name, [&value](const std::string& text) { value = apps::ParseDate(text); }, words)
        ->type_name("DATE")
        ->group("Filters");
  };
  date("--after", filter.after,
       "Only pictures taken at this date or later: 2024, 2024-05, "
       "2024-05-17 or 2024-05-17T09:30:00, by the camera's clock");
  date("--before", filter.before, "Only pictures taken before this date");
  command.add_option("--format", filter.format, "Only pictures of this format")
      ->type_name("jpeg|png|...")
      ->check(CLI::IsMember({"jpeg", "png", "webp", "gif", "bmp", "tiff", "pnm", "avif", "heic"}))
      ->group("Filters");
  command.add_option("--min-width", filter.min_width, "Only pictures at least so wide")
      ->type_name("PIXELS")
      ->check(InRange(0))
      ->group("Filters");
}

void AddPartOptions(CLI::App& command, SearchArguments& arguments) {
  command.add_option("WORDS", arguments.words, "What to look for: \"two red circles\"");
  command.add_option("--image", arguments.images, "A picture to look for what is like it")
      ->type_name("FILE")
      ->allow_extra_args(false);
  command
      .add_option("--not", arguments.nots,
                  "Rather not this; weighs -0.5. Alone it finds what is least like it")
      ->type_name("TEXT")
      ->allow_extra_args(false);
  command
      .add_option("--weight", arguments.weights,
                  "How much the words or picture before it count beside the others; 1 by default")
      ->type_name("N")
      ->allow_extra_args(false);
}

}  // namespace

void AddSearch(CLI::App& app) {
  auto arguments = std::make_shared<SearchArguments>();
  CLI::App* command =
      app.add_subcommand("search", "Find pictures of an index by words or by other pictures");
  AddPartOptions(*command, *arguments);
  command->add_option("--top", arguments->options.top, "Most hits to show")
      ->type_name("N")
      ->check(InRange(1))
      ->capture_default_str();
  command->add_option("--min-score", arguments->options.min_score, "Only hits with this score")
      ->type_name("X");
  command->add_flag_callback(
      "--all", [arguments] { arguments->options.fold = false; },
      "Do not fold pictures that are the same into one hit");
  AddFilterOptions(*command, arguments->options.filter);
  AddIndexOption(*command, arguments->index);
  command
      ->add_option("--embeddings", arguments->embeddings,
                   "A file that siglip embed wrote, in place of an index; needs --model")
      ->type_name("FILE");
  AddJsonOption(*command, arguments->json);
  command->add_flag("--paths-only", arguments->paths_only, "Print paths and nothing else");
  command->add_flag("--null,-0", arguments->null, "With --paths-only: a NUL behind each path");
  command
      ->add_option("--html", arguments->html, "File to write: a page with thumbnails of the hits")
      ->type_name("FILE");
  AddForceOption(*command, arguments->force);
  AddIndexEmbedderOptions(*command, arguments->embedder);
  command->footer(
      "score is the cosine; standout is how far that is above the scores of the other pictures, in "
      "standard deviations; probability is the model's own judgement, which is often low. All "
      "pictures are compared, none is missed.\n"
      "Examples:\n"
      "  siglip search \"a dog on a beach\"\n"
      "  siglip search --image cat.jpg --not \"a drawing\" --top 5\n"
      "  siglip search --embeddings photos.npz --model siglip-base-patch16-224 \"a receipt\"\n"
      "  siglip search \"a receipt\" --after 2024 --paths-only -0 | xargs -0 ls -l");
  command->callback([arguments] { Search(*arguments); });
}

}  // namespace siglip::cli
