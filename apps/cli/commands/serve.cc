// siglip serve: embeddings and search over HTTP, and a page.
#include "server/serve.h"

#include <CLI/CLI.hpp>
#include <chrono>
#include <filesystem>
#include <iostream>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "commands/commands.h"
#include "commands/index_arguments.h"
#include "commands/options.h"
#include "common/thumbnail_cache.h"
#include "siglip/embedder.hpp"
#include "siglip/error.hpp"
#include "siglip/index.hpp"
#include "terminal/exit_codes.h"
#include "terminal/hangup.h"
#include "terminal/interrupt.h"
#include "terminal/text.h"

namespace siglip::cli {
namespace {

constexpr int64_t kBinaryThousand = 1024;
constexpr int64_t kMostPort = 65535;
constexpr int64_t kMostConnections = 100'000;
// Of a stranger's picture: enough for photographs.
constexpr int64_t kMaxPixels = 50'000'000;
constexpr int64_t kMaxDecodeMemory = int64_t{128} << 20;
constexpr double kMaxDecodeSeconds = 10;

struct ServeArguments {
  std::filesystem::path index;
  IndexEmbedderArguments embedder;
  server::ServeOptions options;
  std::filesystem::path api_keys;
  std::vector<std::string> aliases;
  int port = 8080;
  int64_t max_connections = 256;
  int64_t queue = 4096;
  int64_t memory = int64_t{256} << 20;
};

std::optional<IndexSpace> SpaceOf(const std::filesystem::path& index) {
  return index.empty() ? std::nullopt : Index(index).space();
}

/// What clients call the model: the last part of its path, or its name on the hub.
std::string ServedName(const std::string& model) {
  std::error_code ignored;
  if (!std::filesystem::exists(model, ignored)) return model;
  const std::filesystem::path path = std::filesystem::absolute(model).lexically_normal();
  return (path.has_filename() ? path : path.parent_path()).filename().string();
}

void RunServe(ServeArguments& arguments) {
  server::ServeOptions& options = arguments.options;
  if (options.watch && arguments.index.empty()) {
    throw CLI::ValidationError("--watch", "needs --index DIR");
  }
  if (arguments.embedder.embedder.model.empty() && arguments.index.empty() &&
      ModelOfEnvironment().empty()) {
    throw CLI::ValidationError("--model", "is required, or --index DIR, which knows its model");
  }
  if (!arguments.index.empty()) {
    arguments.index = std::filesystem::absolute(arguments.index).lexically_normal();
    options.service.index = arguments.index;
    options.service.thumbnails = apps::DefaultThumbnailFolder();
  }
  const std::optional<IndexSpace> space = SpaceOf(arguments.index);
  options.recorded_model = RecordedModel(arguments.embedder, space);
  const std::string& given = arguments.embedder.embedder.model;
  options.service.given_model = given.empty() ? options.recorded_model : given;
  options.service.model_names = {ServedName(options.recorded_model)};
  options.service.model_names.insert(options.service.model_names.end(), arguments.aliases.begin(),
                                     arguments.aliases.end());
  if (!arguments.api_keys.empty()) options.api_keys = arguments.api_keys;
  options.http.port = static_cast<uint16_t>(arguments.port);
  options.http.max_connections = static_cast<size_t>(arguments.max_connections);
  options.http.budget = server::MemoryBudget(static_cast<uint64_t>(arguments.memory));
  options.service.embed.queue = static_cast<size_t>(arguments.queue);
  // The embedder itself has those of siglip index, which --watch is to equal.
  DecodeLimits& limits = arguments.embedder.embedder.preprocess.decode.limits;
  limits.max_seconds = kMaxDecodeSeconds;
  options.service.embed.limits = std::exchange(limits, {});
  options.service.decode = *options.service.embed.limits;

  std::mutex saying;
  const server::ServeSignals signals = {
      .stop = Interrupted(), .reload = CatchHangup(), .say = [&](std::string_view line) {
        const std::lock_guard lock(saying);
        // In one piece, since lines of the log come between pieces.
        std::cerr << "siglip: " + Printable(line) + "\n" << std::flush;
      }};
  const auto load = [&] {
    Embedder embedder = OpenIndexEmbedder(arguments.embedder, space, {.pictures = true});
    CatchInterrupts();  // which end a command at once as long as it loads
    return embedder;
  };
  if (!server::Serve(options, signals, load)) throw ExitCode{kNothingDone};
}

/// How much a client may ask of the service.
void AddLimitOptions(CLI::App& command, const std::shared_ptr<ServeArguments>& arguments) {
  const auto add_size = [&](const std::string& name, const std::string& standard,
                            const std::string& help, auto set) {
    AddParsedOption(
        command, name, [set](const std::string& text) { set(ParseSize(text, kBinaryThousand)); },
        help)
        ->type_name("BYTES")
        ->default_str(standard);
  };
  add_size("--max-body", "20M", "Largest body of a request", [arguments](int64_t bytes) {
    arguments->options.http.max_body_bytes = static_cast<uint64_t>(bytes);
  });
  add_size("--max-buffered", "256M", "What bodies, results and replies may take together",
           [arguments](int64_t bytes) { arguments->memory = bytes; });
  command.remove_option(command.get_option("--max-memory"));
  add_size("--max-decode-memory", "128M",
           "Memory for one picture, decoded and on the way; each thread has one at a time",
           [arguments](int64_t bytes) {
             arguments->embedder.embedder.preprocess.decode.limits.max_memory_bytes = bytes;
           });
  command.add_option("--max-connections", arguments->max_connections, "Open at the same time")
      ->check(InRange(1, kMostConnections))
      ->capture_default_str();
  command
      .add_option("--queue", arguments->queue,
                  "Pictures and texts that may wait; more is refused with 429")
      ->check(InRange(1, kMostConnections))
      ->capture_default_str();
  AddParsedOption(
      command, "--max-wait",
      [arguments](const std::string& text) {
        arguments->options.service.embed.max_wait = std::chrono::seconds(ParseAge(text));
      },
      "Refuse with 429 what would have to wait longer")
      ->type_name("AGE")
      ->default_str("10s");
  AddParsedOption(
      command, "--drain",
      [arguments](const std::string& text) {
        arguments->options.drain = std::chrono::seconds(ParseAge(text));
      },
      "At the end (Ctrl-C, SIGTERM) finish what was accepted, within this time")
      ->type_name("AGE")
      ->default_str("30s");
}

/// An error in an origin, or "": what is not written as browsers write it would never fit.
std::string FaultOfOrigin(const std::string& text) {
  constexpr std::string_view kCharacters = "abcdefghijklmnopqrstuvwxyz0123456789.-:[]_";
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (text.starts_with(scheme) && text.size() > scheme.size() &&
        text.find_first_not_of(kCharacters, scheme.size()) == std::string::npos) {
      return {};
    }
  }
  return "expected an origin such as https://example.org, in small letters and without a path, "
         "found '" +
         text + "'";
}

/// Who may ask.
void AddAccessOptions(CLI::App& command, const std::shared_ptr<ServeArguments>& arguments) {
  command
      .add_option("--address", arguments->options.http.address,
                  "Address to listen at. Others than those of this computer need --api-keys or "
                  "--no-auth")
      ->capture_default_str();
  command.add_option("--port", arguments->port, "Port; 0: any that is free")
      ->check(InRange(0, kMostPort))
      ->capture_default_str();
  command
      .add_option("--api-keys", arguments->api_keys,
                  "File with a key of at least 16 bytes a line, which others may not read. Read "
                  "again on SIGHUP")
      ->type_name("FILE");
  command
      .add_flag("--no-auth", arguments->options.no_auth,
                "Let everybody in who can reach the address")
      ->excludes("--api-keys");
  const auto add_list = [&](const std::string& name, std::vector<std::string>& list,
                            const std::string& type, const std::string& help) {
    return command.add_option(name, list, help + ". May be given several times")
        ->type_name(type)
        ->allow_extra_args(false);
  };
  add_list("--allowed-host", arguments->options.access.allowed_hosts, "NAME",
           "A name, besides IP addresses and localhost, by which the service may be called");
  add_list("--cors-origin", arguments->options.access.cors_origins, "ORIGIN",
           "A site whose pages may ask, such as https://example.org")
      ->check(FaultOfOrigin);
}

}  // namespace

void AddServe(CLI::App& app) {
  auto arguments = std::make_shared<ServeArguments>();
  DecodeLimits& limits = arguments->embedder.embedder.preprocess.decode.limits;
  limits.max_pixels = kMaxPixels;
  limits.max_memory_bytes = kMaxDecodeMemory;
  CLI::App* command = app.add_subcommand(
      "serve", "Embeddings and search over HTTP, as OpenAI's clients ask, and a page to search");
  AddIndexEmbedderOptions(*command, arguments->embedder);
  command
      ->add_option("--index", arguments->index,
                   "Folder of the index to search, and to show pictures from. Without it there are "
                   "embeddings only")
      ->type_name("DIR");
  command
      ->add_option("--alias", arguments->aliases,
                   "Another name by which requests may call the model. May be given several times")
      ->type_name("NAME")
      ->allow_extra_args(false);
  AddAccessOptions(*command, arguments);
  CLI::Option* const watch =
      command->add_flag("--watch", arguments->options.watch,
                        "Keep the index up to date: its folders are watched for changes");
  AddParsedOption(
      *command, "--rescan",
      [arguments](const std::string& text) {
        arguments->options.rescan = std::chrono::seconds(ParseAge(text));
      },
      "With --watch: also look at all files as often as this, such as 1h")
      ->type_name("AGE")
      ->needs(watch);
  AddLimitOptions(*command, arguments);
  command->footer(
      "One line of JSON for every request goes to standard error. At the end (Ctrl-C, SIGTERM) "
      "what "
      "was accepted is finished, and the exit status is 0, not 130 or 143.\n"
      "Examples:\n"
      "  siglip serve --model google/siglip2-base-patch16-224\n"
      "  siglip serve --index ~/.local/share/siglip/index --watch\n"
      "  siglip serve --model DIR --address 0.0.0.0 --api-keys keys.txt");
  command->callback([arguments] { RunServe(*arguments); });
}

}  // namespace siglip::cli
