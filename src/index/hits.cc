#include "index/hits.h"

#include <algorithm>

#include "index/content_hash.h"
#include "index/halves.h"
#include "index/same_picture.h"
#include "index/schema.h"

namespace siglip {

HitReader::HitReader(const Database& database, const Kernels& kernels, int64_t dimensions,
                     const std::vector<std::string>& prefixes)
    : kernels_(kernels),
      dimensions_(static_cast<size_t>(dimensions)),
      prefixes_(prefixes),
      vector_(database.Prepare("SELECT f16 FROM vector WHERE content = ?1")),
      greys_(database.Prepare("SELECT greys FROM content WHERE id = ?1")),
      apart_(database.Prepare("SELECT 1 FROM apart WHERE a = ?1 AND b = ?2")),
      content_(database.Prepare(
          "SELECT hash, format, width, height, taken, taken_offset FROM content WHERE id = ?1")),
      files_(database.Prepare(
          std::string("SELECT ") + kWholePath + " AS whole, kind = '" + kArchiveKind +
          "' AS archived FROM file JOIN root ON root.id = file.root"
          " WHERE content = ?1 AND missing_since IS NULL ORDER BY archived, whole")) {}

bool HitReader::ReadHalves(int64_t id, std::span<uint16_t> halves) {
  const bool found = vector_.Bind(id).Step();
  if (found) CopyHalves(vector_.Blob(0), halves);
  vector_.Reset();
  return found;
}

bool HitReader::Fold(const ScoredContent& content, std::vector<Hit>& hits) {
  const auto same =
      std::ranges::find_if(hits, [&](const Hit& hit) { return AreSame(hit.id, content.id); });
  if (same == hits.end()) return false;
  same->alike.push_back(content.id);
  return true;
}

Hit HitReader::Read(const ScoredContent& content) {
  Hit hit;
  hit.id = content.id;
  hit.score = content.score;
  if (content_.Bind(content.id).Step()) {
    hit.hash = ToHex(ContentHashFromBytes(content_.Blob(0)));
    hit.format = content_.Text(1);
    hit.width = content_.Integer(2);
    hit.height = content_.Integer(3);
    if (const auto taken = content_.IntegerIfAny(4)) {
      hit.taken.emplace().local_seconds = *taken;
      if (const auto offset = content_.IntegerIfAny(5)) {
        hit.taken->offset_minutes = static_cast<int>(*offset);
      }
    }
  }
  content_.Reset();
  files_.Bind(content.id);
  while (files_.Step()) {
    std::string path = files_.Text(0);
    if (!HasPrefix(path)) continue;
    if (hit.path.empty()) {
      hit.path = std::move(path);
      hit.archived = files_.Integer(1) != 0;
    } else {
      hit.copies.push_back(std::move(path));
    }
  }
  files_.Reset();
  return hit;
}

bool HitReader::HasPrefix(const std::string& path) const {
  return std::ranges::any_of(prefixes_,
                             [&](const std::string& prefix) { return path.starts_with(prefix); });
}

const HitReader::Look& HitReader::LookAt(int64_t id) {
  const auto [at, is_new] = looks_.try_emplace(id);
  Look& look = at->second;
  if (!is_new) return look;
  look.halves.resize(dimensions_);
  ReadHalves(id, look.halves);
  if (greys_.Bind(id).Step()) {
    const auto greys = greys_.Blob(0);
    look.greys.assign(greys.begin(), greys.end());
  }
  greys_.Reset();
  return look;
}

bool HitReader::AreSame(int64_t a, int64_t b) {
  const Look& first = LookAt(a);
  const Look& second = LookAt(b);
  if (!GreysAgree(first.greys, second.greys)) return false;
  const std::vector<float> values = FloatsOf(std::as_bytes(std::span(first.halves)));
  float score = 0;
  kernels_.dot_halves(values.data(), dimensions_, second.halves.data(), dimensions_, 1, &score);
  if (score < kSamePictureScore) return false;
  const bool apart = apart_.Bind(std::min(a, b), std::max(a, b)).Step();
  apart_.Reset();
  return !apart;
}

}  // namespace siglip
