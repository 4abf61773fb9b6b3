#include "outputs/classify_output.h"

#include <iostream>
#include <nlohmann/json.hpp>
#include <utility>

#include "output/csv.h"
#include "output/output_file.h"
#include "output/text.h"
#include "output/text_file.h"
#include "siglip/error.hpp"
#include "siglip/zero_shot_classifier.hpp"
#include "terminal/format.h"
#include "terminal/text.h"

namespace siglip::cli {
namespace {

/// In percent: "97.31", "<0.01".
std::string PercentNumber(float probability) {
  const double percent = 100.0 * probability;
  return percent < 0.005 ? "<0.01" : FormatNumber(percent, 2);
}

using Labels = std::vector<std::string>;
using LabelScores = std::vector<LabelScore>;
using Format = std::string (*)(const std::string& path, const Labels&, const LabelScores&);

std::string Table(const std::string& path, const Labels& labels, const LabelScores& scores) {
  constexpr size_t kNumberColumns = 8;
  std::string text = Printable(path) + "\n";
  for (const LabelScore& score : scores) {
    const std::string percent = PercentNumber(score.probability);
    text += std::string(kNumberColumns - percent.size(), ' ') + percent + " %  " +
            Printable(labels[score.label]) + "\n";
  }
  return text;
}

std::string JsonLine(const std::string& path, const Labels& labels, const LabelScores& scores) {
  std::string line = "{" + JsonPath(path) + ",\"labels\":[";
  const char* separator = "";
  for (const LabelScore& score : scores) {
    line += std::exchange(separator, ",") + ("{\"label\":" + JsonQuoted(labels[score.label]));
    line += ",\"probability\":" + nlohmann::json(score.probability).dump();
    line += ",\"logit\":" + nlohmann::json(score.logit).dump() + "}";
  }
  return line + "]}\n";
}

constexpr const char* kCsvHeader = "path,label,probability,logit\n";

std::string CsvLines(const std::string& path, const Labels& labels, const LabelScores& scores) {
  std::string lines;
  for (const LabelScore& score : scores) {
    lines += CsvField(path) + "," + CsvField(labels[score.label]) + "," +
             ExactNumber(score.probability) + "," + ExactNumber(score.logit) + "\n";
  }
  return lines;
}

class StandardClassifyOutput : public ClassifyOutput {
 public:
  StandardClassifyOutput(const Labels& labels, Format format) : labels_(labels), format_(format) {}

  void Add(const std::string& path, const LabelScores& scores) override {
    std::cout << format_(path, labels_, scores);
    std::cout.flush();
  }

  void Finish() override {}

 private:
  const Labels& labels_;
  const Format format_;
};

class FileOutput : public ClassifyOutput {
 public:
  FileOutput(const Labels& labels, Format format, const std::filesystem::path& path,
             const WriteOptions& options)
      : labels_(labels), format_(format), file_(path, options) {
    if (format == CsvLines) file_.Write(kCsvHeader);
  }

  void Add(const std::string& path, const LabelScores& scores) override {
    file_.Write(format_(path, labels_, scores));
  }

  void Finish() override { file_.Commit(); }

 private:
  const Labels& labels_;
  const Format format_;
  TextFile file_;
};

Format FormatOf(const std::filesystem::path& path) {
  const std::string ending = EndingOf(path);
  if (ending == ".jsonl") return JsonLine;
  if (ending == ".csv") return CsvLines;
  throw Error(ErrorCode::kInvalidArgument,
              "cannot tell the format of \"" + path.string() + "\" by its ending",
              "known: .jsonl, .csv");
}

}  // namespace

std::unique_ptr<ClassifyOutput> MakeClassifyStandardOutput(const Labels& labels, bool json) {
  return std::make_unique<StandardClassifyOutput>(labels, json ? JsonLine : Table);
}

std::unique_ptr<ClassifyOutput> MakeClassifyFile(const Labels& labels,
                                                 const std::filesystem::path& path,
                                                 const WriteOptions& options) {
  return std::make_unique<FileOutput>(labels, FormatOf(path), path, options);
}

void CheckClassifyFile(const std::filesystem::path& path) { FormatOf(path); }

}  // namespace siglip::cli
