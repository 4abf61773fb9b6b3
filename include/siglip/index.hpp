// Folders of pictures, kept in an index: found by words or by pictures, and which of them are
// alike. Archives beside them are of pictures that were embedded elsewhere and are not here.
//
//   siglip::IndexWriter writer(folder);                      // siglip index
//   writer.Update(model, "google/siglip2-base-patch16-224", "/home/me/pictures");
//   siglip::Index index(folder);                             // siglip search
//   auto found = index.Search({{.vector = words, .is_text = true}}, {.top = 20});
//
// An index is one SQLite database, index.sqlite, and scan.i8, which is derived from it. What is
// committed outlives whatever happens to the process or the machine. One process changes an index
// at a time; any number search it meanwhile, each in one committed state.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "siglip/embedder.hpp"
#include "siglip/error.hpp"
#include "siglip/export.hpp"
#include "siglip/fingerprint.hpp"
#include "siglip/folder_walker.hpp"
#include "siglip/picture_details.hpp"
#include "siglip/runtime.hpp"

namespace siglip {

/// Where this user's index lies unless a caller says otherwise: $XDG_DATA_HOME/siglip/index, else
/// ~/.local/share/siglip/index. Throws Error(kNotFound) where neither is known.
SIGLIP_EXPORT std::filesystem::path DefaultIndexFolder();

/// What tells whether two files have the same bytes: XXH3 of 128 bits in its canonical form, the
/// most significant byte first. Elsewhere it is written as 32 hexadecimal digits.
using ContentHash = std::array<uint8_t, 16>;

/// By this an index knows the bytes of a file.
SIGLIP_EXPORT ContentHash HashContent(std::span<const std::byte> bytes);

/// In which space the vectors of an index lie.
struct IndexSpace {
  std::string model;        ///< As it was named when the index was made.
  Fingerprint fingerprint;  ///< Of its embeddings.
  /// As SiglipLogits has them; absent where the model compares no texts.
  std::optional<double> logit_scale;
  std::optional<double> logit_bias;
};

struct UpdateOptions {
  /// Read all files. Otherwise one whose size and time of change are the known ones counts as
  /// unchanged, unless it was changed within two seconds of having been read.
  bool checksum = false;
  /// Try again what could not be decoded. Done anyway by another version or with other limits.
  bool retry = false;
  /// Links are not followed by default, unlike elsewhere. SidecarFolders are always excluded.
  FolderWalkOptions walk = {.follow_links = false};
};

/// One picture of an archive.
struct ArchivedPicture {
  std::string path;  ///< In its archive: bytes other than zero, one at least.
  ContentHash hash = {};
  std::string format;  ///< As in PictureDetails; empty where it is not known.
  int64_t width = 0;   ///< In pixels, upright, as the height; 0 where it is not known.
  int64_t height = 0;
  int64_t bytes = 0;
  std::span<const float> vector;  ///< [D], finite, of any norm above 0.
};

/// What became of the files of a folder so far.
struct UpdateCounts {
  uint64_t unchanged = 0;       ///< Not read.
  uint64_t embedded = 0;        ///< Of a content that was new.
  uint64_t known = 0;           ///< Read, but the content was known: copied, moved, touched.
  uint64_t failed = 0;          ///< Cannot be read or decoded, and were reported.
  uint64_t failed_earlier = 0;  ///< Unchanged, and could not be decoded then.
  uint64_t changing = 0;        ///< Changed while they were read: for the next update.
  uint64_t missing = 0;         ///< No longer there; of these, counted when the folder is done.
  uint64_t passed_over = 0;     ///< No pictures, hidden, excluded; files and folders.
};

/// What an update tells while it is on its way. Called by several threads, one at a time.
struct UpdateListener {
  std::function<void(const UpdateCounts& counts)> progress = {};
  std::function<void(const std::string& path, const Error& error)> failed = {};
  std::function<void(const std::string& path, const std::string& reason)> passed_over = {};
  /// All that was done before outlives whatever comes; so many contents there are by now.
  std::function<void(uint64_t contents)> committed = {};
};

/// Names of folders that other programs put beside pictures: "@eaDir", ...
SIGLIP_EXPORT const std::vector<std::string>& SidecarFolders();

/// Changes an index. One at a time, for one thread.
class SIGLIP_EXPORT IndexWriter {
 public:
  /// Opens the index in a folder, or begins one there. Throws Error(kIo) while another process
  /// changes it, saying which; kUnsupported for a folder on a network, or a newer version of the
  /// index; kMalformedFile.
  explicit IndexWriter(const std::filesystem::path& folder);
  IndexWriter(IndexWriter&&) noexcept;
  ~IndexWriter();

  /// Absent as long as nothing was indexed.
  std::optional<IndexSpace> space() const;
  /// The folders that were indexed, in byte order.
  std::vector<std::string> folders() const;
  /// The same of archives.
  std::vector<std::string> archives() const;

  /// Brings the index up to date with a folder and all below it, which becomes one of the index's.
  /// `model` is what the embedder's is called. Commits what is done every 256 pictures or 2
  /// seconds, and when `*stop` becomes true, with which it ends. Files that were not seen are
  /// marked as missing at the end.
  ///
  /// Throws Error: kMismatch where the index holds embeddings of another kind (see
  /// FingerprintRelation::kComparable), naming both; kUnsupported for a model without a pooling
  /// head; kInvalidArgument for a folder inside another of the index's, or around one; kNotFound
  /// where the folder, or a disk mounted below it, is missing or empty but more than 100 files were
  /// known there: then nothing is marked.
  UpdateCounts Update(const Embedder& embedder, const std::string& model,
                      const std::filesystem::path& folder, const UpdateOptions& options = {},
                      const UpdateListener& listener = {}, const std::atomic<bool>* stop = nullptr);

  /// Adds pictures of an archive, which becomes one of the index's, all of them or, whatever
  /// happens, none. One whose path the archive has already takes its place. `archive` is a name,
  /// such as "s3://bucket/out", not looked for; slashes at its end do not count. Vectors are
  /// divided by their norms. What no originals tell, the time and brightness of pictures, is not
  /// known of a content until a folder has it, too. An empty index takes this space, whose
  /// fingerprint is that of texts also where these are to be looked for.
  ///
  /// Throws Error, having changed nothing: kMismatch where the index holds embeddings of another
  /// kind, naming both; kInvalidArgument, naming the picture, for one that is not as
  /// ArchivedPicture says, and for an archive that is called like a folder of the index.
  void AddArchive(const std::string& archive, const IndexSpace& space,
                  std::span<const ArchivedPicture> pictures);

  /// Forgets files that have been missing for at least so many seconds, and contents that no file
  /// has had for as long. Returns how many files.
  uint64_t Prune(int64_t seconds = 0);
  /// Forgets a folder or an archive of the index and everything that only it has. Throws
  /// Error(kNotFound) naming those there are.
  void Remove(const std::filesystem::path& folder);

  /// Puts this index in the place of another, at once, and removes that with its folder. What was
  /// noted about contents there that are also here is taken over.
  void Replace(IndexWriter other) &&;

  /// Two contents, by their ids, are not duplicates, whatever their scores: neither represents a
  /// group with the other in it, nor is one folded into the other. Remembered as long as the index
  /// has both. Throws Error: kNotFound for an id of no content, kInvalidArgument for the same
  /// twice.
  void SetApart(int64_t a, int64_t b);

 private:
  struct SIGLIP_HIDDEN Parts;
  std::unique_ptr<Parts> parts_;
};

// --- searching

/// Which contents may be found. All that is set must hold.
struct SearchFilter {
  /// A folder: only files in it or below it. Need not be one of the index's. Or what archives call
  /// one, as "s3://bucket/out/2024".
  std::filesystem::path under = {};
  /// By the clock where the picture was taken, in seconds since 1970 on it: not before, and before.
  /// What does not tell its time passes neither.
  std::optional<int64_t> after = {};
  std::optional<int64_t> before = {};
  std::string format = {};  ///< "jpeg", "png", ..., see PictureDetails.
  int64_t min_width = 0;

  bool operator==(const SearchFilter&) const = default;
};

/// Words or a picture to look for, or one of several that are to be combined.
struct QueryPart {
  std::vector<float> vector;  ///< [D], of any norm.
  /// How much it counts beside others; negative: rather not this.
  double weight = 1;
  bool is_text = false;
};

struct SearchOptions {
  int64_t top = 20;  ///< Hits to show; those folded into them do not count.
  SearchFilter filter = {};
  std::optional<float> min_score = {};
  /// Whether what shows the same picture as a hit before it is folded into that.
  bool fold = true;
};

/// One content, wherever it is.
struct Hit {
  int64_t id = 0;
  std::string hash;  ///< ContentHash as 32 hexadecimal digits.
  /// Of its files that are there and pass the filter the first in byte order, and the others; those
  /// of folders come before those of archives, which begin with the name of the archive.
  std::string path;
  std::vector<std::string> copies;
  float score = 0;  ///< The cosine, or that with the combined query.
  /// (score - mean) / deviation, see SearchResult.
  std::optional<double> standout;
  /// Of a lone text whose weight is not negative: the model's own judgement, which is often low.
  std::optional<double> probability;
  std::string format;
  int64_t width = 0;
  int64_t height = 0;
  std::optional<TimeTaken> taken;
  std::vector<int64_t> alike;  ///< Contents folded into this hit, in the order of their scores.
  bool archived = false;  ///< Whether the first of its files is of an archive, and so not here.
};

struct SearchResult {
  int64_t total = 0;  ///< Contents that pass the filter.
  /// Of the query's scores over a sample of the index: all vectors up to 4,096, else those with the
  /// smallest content hashes. Absent below 100 vectors or where all are alike. Filters don't
  /// change it.
  std::optional<double> mean;
  std::optional<double> deviation;
  std::vector<Hit> hits;  ///< By descending score, ties by id.
};

/// A folder of an index, or an archive.
struct IndexedFolder {
  std::string path;        ///< Of an archive its name.
  int64_t files = 0;       ///< That are there.
  int64_t missing = 0;     ///< And that are not.
  int64_t unreadable = 0;  ///< That could not be read last time.
  bool is_archive = false;
};

struct IndexStatus {
  /// 32 hexadecimal digits that tell this index from any other; empty as long as nothing was
  /// indexed.
  std::string id;
  std::optional<IndexSpace> space;
  std::vector<IndexedFolder> folders;
  int64_t contents = 0;     ///< Distinct ones, with a file that is there.
  int64_t undecodable = 0;  ///< Of these, how many have no vector.
  int64_t bytes = 0;        ///< On the disk.
};

/// A file that is there and has a vector.
struct IndexedFile {
  std::string path;
  int64_t content = 0;
  std::vector<float> vector;  ///< [D], of norm 1 within the rounding of binary16.
};

/// A file that is there, as it was when it was read.
struct ContentFile {
  std::string folder;  ///< One of the index's.
  std::string path;    ///< In it.
  int64_t bytes = 0;
  int64_t mtime_ns = 0;   ///< When it was changed, since 1970; 0 of an archive.
  bool archived = false;  ///< It is of an archive, whose name the folder is, and so not here.
};

/// What is known of one content.
struct IndexedContent {
  int64_t id = 0;
  std::string hash;    ///< As in Hit.
  std::string format;  ///< As in PictureDetails; empty where the content cannot be decoded.
  int64_t width = 0;   ///< In pixels, upright, as the height.
  int64_t height = 0;
  std::vector<ContentFile> files;  ///< In byte order of their whole paths.
};

// --- duplicates

enum class DuplicateKind {
  kSameBytes,  ///< Files with the same bytes, by their hashes.
  /// And pictures in another size, quality or format: by their cosine, and by brightness that rises
  /// and falls at the same places, which is not known of contents that only archives have.
  kSamePicture,
  kSimilar,  ///< And whatever has a high cosine: cropped, mirrored, or taken a second later.
};
/// "same-bytes", "same-picture" or "similar". Throws Error(kInvalidArgument) listing them.
SIGLIP_EXPORT DuplicateKind ParseDuplicateKind(std::string_view name);
SIGLIP_EXPORT std::string_view ToString(DuplicateKind kind);

struct DuplicateOptions {
  DuplicateKind kind = DuplicateKind::kSamePicture;
  /// The least cosine with the representative, above 0 and at most 1; 0.96 unless given, for
  /// kSimilar 0.90. The same bytes have none.
  std::optional<float> threshold = std::nullopt;
};

/// As it was when it was indexed.
struct DuplicateFile {
  std::string path;
  int64_t content = 0;  ///< The same for the same bytes.
  int64_t bytes = 0;
  int64_t mtime_ns = 0;  ///< When it was changed, since 1970; 0 of an archive.
  int64_t width = 0;     ///< In pixels, upright, as the height; 0 where it cannot be decoded.
  int64_t height = 0;
  float score = 1;        ///< The cosine with the representative; 1 for its copies.
  bool archived = false;  ///< It is of an archive, and so not here.
};

/// Two files or more. The first is the representative: most pixels, then most bytes, rather of a
/// folder than of an archive, changed earliest, first in byte order. The others are its copies, and
/// then contents in the same order.
struct DuplicateGroup {
  std::vector<DuplicateFile> files;
};

/// Reads an index, also while it is being changed: every call sees one committed state. Safe to use
/// from several threads, which take turns.
class SIGLIP_EXPORT Index {
 public:
  /// Searches run on the runtime's threads; null: one of its own, on all CPUs. Throws Error:
  /// kNotFound where there is no index, kUnsupported for one of a newer version, kMalformedFile.
  explicit Index(const std::filesystem::path& folder,
                 std::shared_ptr<const Runtime> runtime = nullptr);
  Index(Index&&) noexcept;
  ~Index();

  std::optional<IndexSpace> space() const;
  IndexStatus status() const;

  /// Throws Error(kMismatch) naming what differs where embeddings of this embedder cannot be looked
  /// up here, see FingerprintRelation::kComparableAsQuery; kNotFound for an empty index.
  void CheckFits(const Embedder& embedder, EmbeddingContent content) const;

  /// Exact: hits, scores and order are those of a full comparison with all vectors, with the same
  /// bits on every CPU. A lone part is searched as it is, of its weight only the sign counts: where
  /// that is negative the vector is turned around, and what is least like it comes first. Of
  /// several, each is divided by the deviation of its scores over the sample, multiplied by its
  /// weight, and all are added up.
  ///
  /// Throws Error(kInvalidArgument) for no parts, vectors that are not finite or of norm 0 and
  /// parts that cannot be combined; kMismatch for another D; kNotFound for an empty index.
  SearchResult Search(const std::vector<QueryPart>& parts, const SearchOptions& options = {}) const;

  /// Every file that is there and has a vector, in byte order of their paths, until `visit` returns
  /// false.
  void ForEachFile(const std::function<bool(const IndexedFile&)>& visit) const;

  /// That of a content, [D]; contents never change. Throws Error(kNotFound) where there is none.
  std::vector<float> Vector(int64_t content) const;

  /// Nothing for an id that no content has.
  std::optional<IndexedContent> Content(int64_t id) const;
  /// Whether a content with this hash is known, also one whose files are gone.
  bool HasContent(std::string_view hash) const;

  /// Files that are there and are duplicates of another. Contents are visited in the order of their
  /// representatives; one that is in no group yet takes all that are in none and alike to it into
  /// its own, so that every file is alike to its representative: there are no chains. All pairs are
  /// compared, exactly, with the same groups on every CPU. Memory: a byte per number of each
  /// vector, and the groups.
  ///
  /// Throws Error(kInvalidArgument) for a threshold out of range, or one that has no meaning;
  /// kNotFound for an empty index.
  std::vector<DuplicateGroup> FindDuplicates(const DuplicateOptions& options = {}) const;

  /// The content that a file of the index had when it was last read, by its path, which begins with
  /// the name of the archive where it is of one; nothing for what the index does not know.
  std::optional<int64_t> ContentOf(const std::filesystem::path& file) const;

  /// Looks at everything: the database's own check, that vectors are finite and of norm 1, that the
  /// scan file says the same. Returns what is wrong, a line each.
  std::vector<std::string> Verify() const;

 private:
  struct SIGLIP_HIDDEN Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace siglip
