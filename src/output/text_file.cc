#include "output/text_file.h"

#include "base/atomic_file.h"

namespace siglip {

TextFile::TextFile(const std::filesystem::path& path, const WriteOptions& options)
    : file_(std::make_unique<AtomicFile>(path, options)) {}

TextFile::~TextFile() = default;

void TextFile::Write(std::string_view text) { file_->Write(text); }

void TextFile::Commit() { file_->Commit(); }

}  // namespace siglip
