// Options that several subcommands have, named and explained in one place.
#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "siglip/image.hpp"
#include "siglip/runtime.hpp"

namespace siglip::cli {

/// --model DIR|NAME: for ResolveModel. Required unless SIGLIP_MODEL in the environment names one.
CLI::Option* AddModelOption(CLI::App& command, std::string& model);
inline constexpr const char* kModelHelp =
    "Checkpoint folder, or a model of the Hugging Face hub that siglip pull has downloaded. "
    "Default: what SIGLIP_MODEL in the environment says";
inline constexpr const char* kModelType = "DIR|NAME";

/// An option whose text `parse` turns into a value; an Error that it throws becomes a usage error.
CLI::Option* AddParsedOption(CLI::App& command, const std::string& name,
                             std::function<void(const std::string&)> parse,
                             const std::string& description);

/// What SIGLIP_MODEL says; empty where it says nothing.
std::string ModelOfEnvironment();

/// --output FILE, -o.
CLI::Option* AddOutputOption(CLI::App& command, std::filesystem::path& output,
                             const std::string& description);

/// --force: files that are there are replaced.
CLI::Option* AddForceOption(CLI::App& command, bool& force);

/// A check that an option's value is a whole number of this range, without its words in the help.
CLI::Validator InRange(int64_t least, int64_t most = std::numeric_limits<int64_t>::max());

/// "1,8": the values that commas separate, each of which passes the check. Throws
/// Error(kInvalidArgument) for one that does not.
std::vector<int64_t> ParseList(const std::string& text, const CLI::Validator& check);

inline constexpr int kMostThreads = 4096;

/// --threads N, for RuntimeOptions::threads; 0: all this process may use.
CLI::Option* AddThreadsOption(CLI::App& command, int& threads);

/// --precision f32|bf16|int8.
CLI::Option* AddPrecisionOption(CLI::App& command, PrecisionChoice& precision);

/// How pictures become pixels.
struct PreprocessArguments {
  std::optional<PreprocessMode> mode;  ///< Absent: that of the model's project.
  DecodeOptions decode;
};

/// --fast-decode, for DecodeOptions::fast.
CLI::Option* AddFastDecodeOption(CLI::App& command, bool& fast);

/// --preprocess MODE, --alpha white|drop, --fast-decode, --max-pixels, --max-file-bytes,
/// --max-memory.
void AddPreprocessOptions(CLI::App& command, PreprocessArguments& arguments);

/// --max-num-patches N, of models with variable resolution; 0: the checkpoint's.
CLI::Option* AddMaxNumPatchesOption(CLI::App& command, int64_t& max_num_patches);

/// --quiet: neither progress nor summary; errors are still reported.
CLI::Option* AddQuietOption(CLI::App& command, bool& quiet);

/// --json: machine-readable output.
CLI::Option* AddJsonOption(CLI::App& command, bool& json);

/// "1500", "256M", "1.5G": a positive count with an optional K, M, G or T, each `thousand` times
/// the one before it. Throws Error(kInvalidArgument).
int64_t ParseSize(const std::string& text, int64_t thousand);

}  // namespace siglip::cli
