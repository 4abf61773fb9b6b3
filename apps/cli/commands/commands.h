// The subcommands. Each function adds one to the program; its callback does the work, throws
// siglip::Error when that fails, CLI::ValidationError for arguments that do not go together, and
// ExitCode to end with another status than success.
#pragma once

#include <CLI/CLI.hpp>
#include <memory>

#include "siglip/http_transport.hpp"

namespace siglip::cli {

void AddEmbed(CLI::App& app);
void AddClassify(CLI::App& app);
void AddCompare(CLI::App& app);
void AddIndex(CLI::App& app);
void AddSearch(CLI::App& app);
void AddDuplicates(CLI::App& app);
void AddServe(CLI::App& app);
void AddBulk(CLI::App& app);
void AddInspect(CLI::App& app);
void AddConvert(CLI::App& app);
void AddInit(CLI::App& app);
void AddRun(CLI::App& app);
void AddPreprocess(CLI::App& app);
void AddTokenize(CLI::App& app);
void AddBench(CLI::App& app);
/// Downloads go through `transport`; null stands for libcurl.
void AddPull(CLI::App& app, const std::shared_ptr<HttpTransport>& transport);
/// These two are about the commands added before them.
void AddHelp(CLI::App& app);
void AddCompletion(CLI::App& app);

}  // namespace siglip::cli
