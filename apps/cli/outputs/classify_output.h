// Where `siglip classify` puts the labels of pictures: standard output at once, or a file.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "siglip/write_options.hpp"
#include "siglip/zero_shot_classifier.hpp"

namespace siglip::cli {

class ClassifyOutput {
 public:
  virtual ~ClassifyOutput() = default;

  /// `scores` are those of the labels to be told, the best first.
  virtual void Add(const std::string& path, const std::vector<LabelScore>& scores) = 0;
  /// All is there.
  virtual void Finish() = 0;
};

/// A table for people, or JSON lines. Add throws ExitCode when the reader has gone away, and
/// Error(kIo) when writing fails otherwise.
std::unique_ptr<ClassifyOutput> MakeClassifyStandardOutput(const std::vector<std::string>& labels,
                                                           bool json);

/// A file that appears, whole, when all is done. By ending: .jsonl has a line per picture, .csv a
/// line per picture and label. Throws Error(kInvalidArgument) for another ending.
std::unique_ptr<ClassifyOutput> MakeClassifyFile(const std::vector<std::string>& labels,
                                                 const std::filesystem::path& path,
                                                 const WriteOptions& options);

/// Throws Error(kInvalidArgument) unless MakeClassifyFile writes such files.
void CheckClassifyFile(const std::filesystem::path& path);

}  // namespace siglip::cli
