// See siglip/safetensors.hpp.
#include "siglip/safetensors.hpp"

#include <functional>
#include <optional>

#include "base/file_kind.h"
#include "base/mapped_file.h"
#include "siglip/error.hpp"
#include "weights/quoted.h"
#include "weights/safetensors_header.h"
#include "weights/safetensors_writer.h"

namespace siglip {

struct SafetensorsFile::Contents {
  std::filesystem::path path;
  MappedFile file;
  SafetensorsHeader header;
  std::vector<std::string> names;
  std::map<std::string, size_t, std::less<>> index_of;  // into header.entries
};

SafetensorsFile SafetensorsFile::Open(const std::filesystem::path& path) {
  MappedFile file = MappedFile::Open(path);
  RefuseForeignFile(file.bytes(), path.string(), "a safetensors file", FileKind::kSafetensors);
  SafetensorsHeader header = ParseSafetensorsHeader(file.bytes(), path.string());
  auto contents =
      std::make_unique<Contents>(Contents{path, std::move(file), std::move(header), {}, {}});
  for (const SafetensorsEntry& entry : contents->header.entries) {
    contents->index_of.emplace(entry.name, contents->names.size());
    contents->names.push_back(entry.name);
  }
  return SafetensorsFile(std::move(contents));
}

SafetensorsFile::SafetensorsFile(std::unique_ptr<Contents> contents)
    : contents_(std::move(contents)) {}
SafetensorsFile::SafetensorsFile(SafetensorsFile&&) noexcept = default;
SafetensorsFile& SafetensorsFile::operator=(SafetensorsFile&&) noexcept = default;
SafetensorsFile::~SafetensorsFile() = default;

const std::filesystem::path& SafetensorsFile::path() const { return contents_->path; }
const std::vector<std::string>& SafetensorsFile::names() const { return contents_->names; }
const std::vector<SafetensorsEntry>& SafetensorsFile::entries() const {
  return contents_->header.entries;
}
const std::map<std::string, std::string>& SafetensorsFile::metadata() const {
  return contents_->header.metadata;
}

bool SafetensorsFile::contains(std::string_view name) const {
  return contents_->index_of.contains(name);
}

TensorView SafetensorsFile::Get(std::string_view name) const {
  const auto found = contents_->index_of.find(name);
  if (found == contents_->index_of.end()) {
    throw Error(ErrorCode::kNotFound, path().string() + ": no tensor " + Quoted(name));
  }
  const SafetensorsEntry& entry = entries()[found->second];
  const std::optional<DType> dtype = FindDType(entry.dtype);
  if (!dtype) {
    throw Error(ErrorCode::kUnsupported, path().string() + ": tensor " + Quoted(name) +
                                             ": cannot read dtype " + entry.dtype);
  }
  return {*dtype, entry.shape,
          contents_->file.bytes().subspan(contents_->header.data_begin + entry.begin,
                                          entry.end - entry.begin)};
}

void SafetensorsFile::ReleasePages(const TensorView& view) const {
  contents_->file.ReleasePages(view.bytes());
}

void WriteSafetensors(const std::filesystem::path& path, const NamedTensors& tensors,
                      const std::map<std::string, std::string>& metadata,
                      const WriteOptions& options) {
  std::vector<SafetensorsEntry> entries;
  for (const auto& [name, view] : tensors) {
    entries.push_back({name, std::string(ToString(view.dtype())), view.shape(), 0, 0});
  }
  SafetensorsWriter writer(path, std::move(entries), metadata, options);
  for (const auto& [name, view] : tensors) writer.Append(name, view.bytes());
  writer.Commit();
}

}  // namespace siglip
