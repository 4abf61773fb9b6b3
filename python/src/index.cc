// Indexes of pictures: searched, listed, and changed.
#include "siglip/index.hpp"

#include <nanobind/nanobind.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/shared_ptr.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/unique_ptr.h>
#include <nanobind/stl/vector.h>
#include <unistd.h>

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "arrays.h"
#include "common/dates.h"
#include "index_archive.h"
#include "index_files.h"
#include "index_update.h"
#include "parts.h"
#include "runtime.h"
#include "siglip/embedder.hpp"
#include "text.h"

namespace siglip::python {

namespace nb = nanobind;
using namespace nb::literals;

namespace {

/// Hashes of fewer bytes take less time than another thread may keep Python's lock.
constexpr size_t kManyBytes = size_t{1} << 20;

nb::bytes HashOf(const void* data, size_t size) {
  ContentHash hash;
  {
    std::optional<nb::gil_scoped_release> release;
    if (size >= kManyBytes) release.emplace();
    hash = HashContent({static_cast<const std::byte*>(data), size});
  }
  return nb::bytes(hash.data(), hash.size());
}

/// A connection to a database belongs to the process that made it: a child of fork() may neither
/// use nor close it.
class OpenedIndex {
 public:
  OpenedIndex(std::filesystem::path folder, std::shared_ptr<const Runtime> runtime)
      : folder_(std::move(folder)),
        runtime_(std::move(runtime)),
        index_(std::make_unique<Index>(folder_, runtime_)) {}
  OpenedIndex(const OpenedIndex&) = delete;
  OpenedIndex& operator=(const OpenedIndex&) = delete;
  ~OpenedIndex() {
    if (!is_of_this_process()) (void)index_.release();
  }

  bool is_of_this_process() const { return process_ == ::getpid(); }
  const Index& index() const { return *index_; }
  std::unique_ptr<IndexFiles> Files() const {
    return std::make_unique<IndexFiles>(folder_, runtime_);
  }

 private:
  const pid_t process_ = ::getpid();
  const std::filesystem::path folder_;
  const std::shared_ptr<const Runtime> runtime_;
  std::unique_ptr<const Index> index_;
};

std::unique_ptr<OpenedIndex> OpenIndex(nb::handle folder, const SharedRuntime& runtime) {
  const std::string path = PathOf(folder);
  const nb::gil_scoped_release release;
  return std::make_unique<OpenedIndex>(path, runtime.runtime);
}

nb::object SpaceOf(const OpenedIndex& self) {
  std::optional<IndexSpace> space;
  {
    const nb::gil_scoped_release release;
    space = self.index().space();
  }
  if (!space) return nb::none();
  return nb::make_tuple(ToStr(space->model), space->fingerprint.ToJson(), space->logit_scale,
                        space->logit_bias);
}

void CheckFits(const OpenedIndex& self, const Embedder& embedder, bool pictures, bool texts) {
  const auto content = pictures && texts ? EmbeddingContent::kPicturesAndTexts
                       : pictures        ? EmbeddingContent::kPictures
                                         : EmbeddingContent::kTexts;
  const nb::gil_scoped_release release;
  self.index().CheckFits(embedder, content);
}

/// The fields of siglip::Hit in their order; the time as seconds on the camera's clock and its
/// offset in minutes.
nb::tuple FieldsOf(const Hit& hit) {
  nb::list copies;
  for (const std::string& copy : hit.copies) copies.append(ToStr(copy));
  nb::object taken = nb::none();
  if (hit.taken) taken = nb::make_tuple(hit.taken->local_seconds, hit.taken->offset_minutes);
  return nb::make_tuple(hit.id, hit.hash, ToStr(hit.path), copies, hit.score, hit.standout,
                        hit.probability, hit.format, hit.width, hit.height, taken, hit.alike,
                        hit.archived);
}

nb::tuple Search(const OpenedIndex& self,
                 const std::vector<std::tuple<FloatArray, double, bool>>& parts, int64_t top,
                 nb::handle under, std::optional<int64_t> after, std::optional<int64_t> before,
                 const std::string& format, int64_t min_width, std::optional<float> min_score,
                 bool fold) {
  std::vector<QueryPart> query;
  for (const auto& [vector, weight, is_text] : parts) {
    query.push_back({.vector = {vector.data(), vector.data() + vector.size()},
                     .weight = weight,
                     .is_text = is_text});
  }
  const SearchOptions options = {.top = top,
                                 .filter = {.under = under.is_none() ? "" : PathOf(under),
                                            .after = after,
                                            .before = before,
                                            .format = format,
                                            .min_width = min_width},
                                 .min_score = min_score,
                                 .fold = fold};
  SearchResult result;
  {
    const nb::gil_scoped_release release;
    result = self.index().Search(query, options);
  }
  nb::list hits;
  for (const Hit& hit : result.hits) hits.append(FieldsOf(hit));
  return nb::make_tuple(result.total, result.mean, result.deviation, hits);
}

nb::tuple StatusOf(const OpenedIndex& self) {
  IndexStatus status;
  {
    const nb::gil_scoped_release release;
    status = self.index().status();
  }
  nb::list folders;
  for (const IndexedFolder& folder : status.folders) {
    folders.append(nb::make_tuple(ToStr(folder.path), folder.files, folder.missing,
                                  folder.unreadable, folder.is_archive));
  }
  return nb::make_tuple(folders, status.contents, status.undecodable, status.bytes);
}

/// The fields of siglip::DuplicateFile in their order.
nb::tuple FieldsOf(const DuplicateFile& file) {
  return nb::make_tuple(ToStr(file.path), file.content, file.bytes, file.mtime_ns, file.width,
                        file.height, file.score, file.archived);
}

nb::list FindDuplicates(const OpenedIndex& self, const std::string& kind,
                        std::optional<float> threshold) {
  const DuplicateOptions options = {.kind = ParseDuplicateKind(kind), .threshold = threshold};
  std::vector<DuplicateGroup> groups;
  {
    const nb::gil_scoped_release release;
    groups = self.index().FindDuplicates(options);
  }
  nb::list lists;
  for (const DuplicateGroup& group : groups) {
    nb::list files;
    for (const DuplicateFile& file : group.files) files.append(FieldsOf(file));
    lists.append(files);
  }
  return lists;
}

nb::list Verify(const OpenedIndex& self) {
  std::vector<std::string> found;
  {
    const nb::gil_scoped_release release;
    found = self.index().Verify();
  }
  nb::list lines;
  for (const std::string& line : found) lines.append(ToStr(line));
  return lines;
}

nb::tuple UpdateFolder(nb::handle index, const std::shared_ptr<Embedder>& embedder,
                       nb::handle model, nb::handle folder, bool checksum, bool retry,
                       bool follow_links, const nb::list& exclude, const nb::object& progress,
                       const nb::object& failed, const nb::object& passed_over) {
  UpdateOptions options;
  options.checksum = checksum;
  options.retry = retry;
  options.walk.follow_links = follow_links;
  for (const nb::handle pattern : exclude) options.walk.exclude.push_back(PathOf(pattern));
  return ToTuple(UpdateIndex(PathOf(index), embedder, PathOf(model), PathOf(folder), options,
                             {.progress = progress, .failed = failed, .passed_over = passed_over}));
}

void AddChanges(nb::module_& module) {
  module.def("update_index", &UpdateFolder, "index"_a, "embedder"_a, "model"_a, "folder"_a,
             "checksum"_a, "retry"_a, "follow_links"_a, "exclude"_a, "progress"_a.none(),
             "failed"_a.none(), "passed_over"_a.none());
  module.def(
      "prune_index",
      [](nb::handle index, int64_t seconds) {
        const std::string path = PathOf(index);
        const nb::gil_scoped_release release;
        return IndexWriter(path).Prune(seconds);
      },
      "index"_a, "seconds"_a);
  module.def(
      "remove_from_index",
      [](nb::handle index, nb::handle folder) {
        const std::string path = PathOf(index);
        const std::string removed = PathOf(folder);
        const nb::gil_scoped_release release;
        IndexWriter(path).Remove(removed);
      },
      "index"_a, "folder"_a);
}

}  // namespace

void AddIndex(nb::module_& module) {
  nb::class_<OpenedIndex>(module, "Index")
      .def(nb::new_(&OpenIndex), "folder"_a, "runtime"_a)
      .def_prop_ro("is_of_this_process", &OpenedIndex::is_of_this_process)
      .def_prop_ro("space", &SpaceOf)
      .def("check_fits", &CheckFits, "embedder"_a, "pictures"_a, "texts"_a)
      .def("search", &Search, "parts"_a, "top"_a, "under"_a.none(), "after"_a.none(),
           "before"_a.none(), "format"_a, "min_width"_a, "min_score"_a.none(), "fold"_a)
      .def("duplicates", &FindDuplicates, "kind"_a, "threshold"_a.none())
      .def("status", &StatusOf)
      .def("verify", &Verify)
      .def("files", [](const OpenedIndex& self) {
        const nb::gil_scoped_release release;
        return self.Files();
      });
  nb::class_<IndexFiles>(module, "IndexFiles")
      .def("__iter__", [](nb::handle self) { return self; })
      .def("__next__", &IndexFiles::Next);
  AddChanges(module);
  AddIndexArchive(module);
  module.def(
      "content_hash", [](const nb::bytes& data) { return HashOf(data.data(), data.size()); },
      "data"_a);
  module.def(
      "content_hash", [](const AnyArray& data) { return HashOf(data.data(), data.nbytes()); },
      "data"_a);
  module.def("default_index_folder", [] { return ToStr(DefaultIndexFolder().string()); });
  module.def("parse_date", &apps::ParseDate, "text"_a);
}

}  // namespace siglip::python
