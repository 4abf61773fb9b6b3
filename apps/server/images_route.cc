// GET /v1/images/{id} and /v1/images/{id}/thumbnail
#include <charconv>
#include <span>
#include <utility>

#include "common/thumbnail.h"
#include "server/file_body.h"
#include "server/indexed_file.h"
#include "server/routes.h"
#include "siglip/error.hpp"
#include "siglip/image.hpp"

namespace siglip::server {
namespace {

constexpr std::string_view kForever = "private, max-age=31536000, immutable";

ApiError Unknown() { return {404, "not_found", "the index has no such picture"}; }

/// The content that a request names, by its id and, where it says "?v=", also by its hash: under an
/// address with a hash never another picture is shown.
IndexedContent ContentOf(ServiceParts& parts, const Call& call) {
  RequireIndex(parts);
  const std::string& text = call.argument;
  int64_t id = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), id);
  if (error != std::errc() || end != text.data() + text.size()) throw Unknown();
  std::optional<IndexedContent> content = parts.shown->Current().Content(id);
  const std::string* const hash = call.request.head.resource.Find("v");
  if (!content || (hash != nullptr && *hash != content->hash)) throw Unknown();
  return *std::move(content);
}

std::string MediaType(const std::string& format) {
  if (format.empty()) return "application/octet-stream";
  if (format == "pnm") return "image/x-portable-anymap";
  return "image/" + format;
}

/// What is true of every picture that is shown: nothing in it can be run, whatever it is, and an
/// address with a hash can be kept for ever.
std::vector<HttpField> Fields(const Call& call, const std::string& etag) {
  const bool has_hash = call.request.head.resource.Find("v") != nullptr;
  return {{"content-security-policy", "default-src 'none'; sandbox"},
          {"cross-origin-resource-policy", "same-origin"},
          {"cache-control", std::string(has_hash ? kForever : "private, no-cache")},
          {"etag", etag}};
}

bool IsKnown(const Call& call, const std::string& etag) {
  const std::string* const known = call.request.head.Find("if-none-match");
  return known != nullptr && *known == etag;
}

Reply ImageReply(ServiceParts& parts, const Call& call) {
  const IndexedContent content = ContentOf(parts, call);
  const std::string etag = "\"" + content.hash + "\"";
  if (IsKnown(call, etag)) return {.status = 304, .fields = Fields(call, etag)};
  OpenedFile file = OpenIndexedFile(content);
  Reply reply = {.content_type = MediaType(content.format), .fields = Fields(call, etag)};
  reply.size = file.size();
  reply.source = std::make_shared<FileBody>(std::move(file), parts.files);
  return reply;
}

int64_t SideOf(const Call& call) {
  const std::string* const size = call.request.head.resource.Find("size");
  if (size == nullptr || *size == "320") return 320;
  if (*size == "640") return 640;
  throw ApiError(400, "invalid_argument", "expected 320 or 640", "size");
}

std::string MakeJpeg(ServiceParts& parts, const IndexedContent& content, int64_t side) {
  const OpenedFile file = OpenIndexedFile(content);
  if (file.size() > static_cast<uint64_t>(parts.options.decode.max_file_bytes)) {
    throw ApiError(413, "limit_exceeded", "the file is too large to be shown");
  }
  const Reservation memory = ReserveReply(parts, file.size());
  const std::string bytes = file.Read(0, file.size());
  const Image image =
      DecodeImage(std::as_bytes(std::span(bytes)), {.limits = parts.options.decode}, "picture");
  return apps::MakeThumbnail(image, side).jpeg;
}

/// It counts its files once, so that it is kept as long as the index is the same.
apps::ThumbnailCache& CacheOf(ServiceParts& parts) {
  const std::string& index = parts.shown->id();
  if (!parts.thumbnails || parts.thumbnails->index() != index) {
    parts.thumbnails.emplace(parts.options.thumbnails, index);
  }
  return *parts.thumbnails;
}

Reply ThumbnailReply(ServiceParts& parts, const Call& call) {
  const int64_t side = SideOf(call);
  const IndexedContent content = ContentOf(parts, call);
  const std::string etag = "\"" + content.hash + "-" + std::to_string(side) + "\"";
  if (IsKnown(call, etag)) return {.status = 304, .fields = Fields(call, etag)};
  apps::ThumbnailCache& cache = CacheOf(parts);
  std::optional<std::string> jpeg = cache.Find(content.hash, side);
  if (!jpeg) {
    jpeg = MakeJpeg(parts, content, side);
    try {
      cache.Put(content.hash, side, *jpeg);
    } catch (const Error&) {
      // A full disk costs time only: it is made anew whenever it is asked for.
    }
  }
  Reply reply = {.content_type = "image/jpeg", .fields = Fields(call, etag)};
  reply.memory = ReserveReply(parts, jpeg->size());
  reply.body = *std::move(jpeg);
  return reply;
}

void OnFiles(ServiceParts& parts, const SharedCall& call,
             Reply (*make)(ServiceParts& parts, const Call& call)) {
  parts.files.Post([&parts, call, make] {
    if (call->request.client->gone()) return;
    Answer(*call, [&] {
      try {
        return make(parts, *call);
      } catch (const NotServed& reason) {
        throw ApiError(reason.status, reason.code, reason.message);
      }
    });
  });
}

}  // namespace

void GetImage(ServiceParts& parts, const SharedCall& call) { OnFiles(parts, call, ImageReply); }

void GetThumbnail(ServiceParts& parts, const SharedCall& call) {
  OnFiles(parts, call, ThumbnailReply);
}

}  // namespace siglip::server
