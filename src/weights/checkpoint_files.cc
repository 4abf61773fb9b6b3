// See checkpoint_files.h.
#include "weights/checkpoint_files.h"

#include <system_error>
#include <vector>

#include "base/mapped_file.h"
#include "siglip/error.hpp"
#include "weights/packed_file.h"

namespace siglip {

CheckpointFiles::CheckpointFiles(const std::filesystem::path& folder, const WriteOptions& options)
    : folder_(folder), options_(options), obsolete_({folder / kPackedFile}) {
  std::error_code error;
  made_folder_ = std::filesystem::create_directories(folder_, error);
  if (error) throw Error(ErrorCode::kIo, folder_.string() + ": cannot create: " + error.message());
  RemoveAbandonedFiles(folder_);
}

CheckpointFiles::~CheckpointFiles() {
  files_.clear();
  std::error_code is_not_empty;
  if (made_folder_) std::filesystem::remove(folder_, is_not_empty);
}

void CheckpointFiles::Add(const std::string& name, std::string_view content) {
  NewFile(name).Write(content);
}

void CheckpointFiles::CopySideFiles(const std::filesystem::path& from) {
  for (const char* name : {"preprocessor_config.json", "processor_config.json",
                           "tokenizer_config.json", "tokenizer.json", "tokenizer.model",
                           "spiece.model", "special_tokens_map.json", "added_tokens.json"}) {
    CopySideFile(from, name);
  }
}

void CheckpointFiles::CopySideFile(const std::filesystem::path& from, const std::string& name) {
  std::error_code ignored;
  if (std::filesystem::equivalent(from, folder_, ignored)) return;  // it is where it belongs
  if (!std::filesystem::is_regular_file(from / name, ignored)) {
    return Drop(name);
  }
  const MappedFile file = MappedFile::Open(from / name);
  NewFile(name).Write(file.bytes());
}

void CheckpointFiles::Drop(const std::string& name) {
  files_.erase(name);
  obsolete_.insert(folder_ / name);
}

void CheckpointFiles::Commit(const std::string& name, AtomicFile& weights) {
  obsolete_.erase(folder_ / name);
  std::vector<AtomicFile*> files;
  for (auto& [other, file] : files_) files.push_back(&file);
  files.push_back(&weights);
  AtomicFile::CommitTogether(files, std::vector(obsolete_.begin(), obsolete_.end()));
}

AtomicFile& CheckpointFiles::NewFile(const std::string& name) {
  obsolete_.erase(folder_ / name);
  files_.erase(name);
  return files_.try_emplace(name, folder_ / name, options_).first->second;
}

}  // namespace siglip
