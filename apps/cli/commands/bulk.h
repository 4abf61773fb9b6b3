// siglip bulk is a program of its own, which the Python package brings.
#pragma once

#include <string>
#include <vector>

namespace siglip::cli {

/// The command whose further words are all that program's.
inline constexpr const char* kBulk = "bulk";

/// Becomes that program, given the words behind the command as they are. Throws Error where it
/// cannot: kNotFound, saying what to install.
[[noreturn]] void RunBulk(const std::vector<std::string>& words);

}  // namespace siglip::cli
