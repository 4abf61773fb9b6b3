#include "outputs/contact_sheet.h"

#include <algorithm>
#include <string_view>
#include <vector>

#include "common/search_json.h"
#include "common/thumbnail.h"
#include "output/text.h"
#include "output/text_file.h"
#include "outputs/search_output.h"
#include "siglip/error.hpp"
#include "siglip/image.hpp"
#include "terminal/format.h"
#include "terminal/text.h"

namespace siglip::cli {
namespace {

constexpr int64_t kThumbnailSide = 320;

constexpr std::string_view kStyle = R"(
:root {
  color-scheme: light dark;
  --page: #f6f6f4; --card: #fff; --mat: #ecece8; --line: #e0e0da; --text: #1c1c1a; --quiet: #6a6a64;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #151514; --card: #1f1f1e; --mat: #2a2a28; --line: #353532; --text: #ededea;
    --quiet: #a2a29b;
  }
}
* { box-sizing: border-box; margin: 0; }
body {
  max-width: 90rem; margin: 0 auto; padding: clamp(1rem, 3vw, 2.5rem);
  background: var(--page); color: var(--text);
  font: 0.875rem/1.45 system-ui, sans-serif;
}
h1 { font-size: clamp(1.35rem, 3vw, 2rem); line-height: 1.2; font-weight: 650; overflow-wrap: anywhere; }
h2 {
  display: flex; align-items: center; gap: 1rem; margin: 2.25rem 0 1rem;
  font-size: 0.875rem; font-weight: 500; color: var(--quiet);
}
h2::after { content: ""; flex: 1; border-top: 1px solid var(--line); }
header { margin-bottom: 1.5rem; }
header p, footer, .quiet { color: var(--quiet); }
header p { margin-top: 0.35rem; }
footer { max-width: 44rem; margin-top: 2.5rem; font-size: 0.8125rem; }
ol {
  display: grid; grid-template-columns: repeat(auto-fill, minmax(min(12.5rem, 100%/2 - 1rem), 1fr));
  gap: clamp(0.75rem, 1.5vw, 1.25rem); padding: 0; list-style: none;
}
li {
  display: flex; flex-direction: column; overflow: hidden;
  background: var(--card); border: 1px solid var(--line); border-radius: 0.625rem;
}
.picture {
  display: grid; grid-template: 100% / 100%; place-items: center; aspect-ratio: 1; padding: 0.5rem;
  background: var(--mat); text-align: center; color: var(--quiet); overflow: hidden;
}
.picture img {
  display: block; width: auto; height: auto; max-width: 100%; max-height: 100%;
  border-radius: 0.25rem;
}
.words { display: grid; gap: 0.125rem; padding: 0.625rem 0.75rem 0.75rem; }
.name { font-weight: 600; overflow-wrap: anywhere; }
.facts { display: flex; flex-wrap: wrap; column-gap: 0.75rem; font-variant-numeric: tabular-nums; }
.facts span { white-space: nowrap; }
)";

/// Base64 of SHA-256 of kStyle: no other style is let onto the page. A test compares them.
constexpr std::string_view kStyleHash = "Ys+Qh2pX4K/Ra4rzeH++954E6wDWGCiFgP8byxG8cGg=";

/// Markup in which `text` has no meaning, of characters that can be shown.
std::string Escaped(std::string_view text) {
  std::string escaped;
  for (const char character : Printable(text)) {
    switch (character) {
      case '&': escaped += "&amp;"; break;
      case '<': escaped += "&lt;"; break;
      case '>': escaped += "&gt;"; break;
      case '"': escaped += "&quot;"; break;
      case '\'': escaped += "&#39;"; break;
      default: escaped += character;
    }
  }
  return escaped;
}

/// A number that people read: "1,234,567".
std::string Grouped(int64_t count) {
  std::string digits = std::to_string(count);
  for (size_t at = digits.size(); at > 3;) digits.insert(at -= 3, 1, ',');
  return digits;
}

std::string Pictures(int64_t count) {
  return Grouped(count) + (count == 1 ? " picture" : " pictures");
}

std::string Thumbnail(const Hit& hit) {
  if (hit.archived) return "<p>is in an archive</p>";
  try {
    const apps::Thumbnail thumbnail =
        apps::MakeThumbnail(DecodeImageFile(hit.path), kThumbnailSide);
    return "<img alt=\"\" width=\"" + std::to_string(thumbnail.width) + "\" height=\"" +
           std::to_string(thumbnail.height) + "\" src=\"data:image/jpeg;base64," +
           Base64(thumbnail.jpeg) + "\">";
  } catch (const Error& error) {
    return "<p>can no longer be read: " + Escaped(ToString(error.code())) + "</p>";
  }
}

/// A paragraph of short parts, each kept on one line; nothing where there are none.
std::string Facts(const std::vector<std::string>& parts, const std::string& kind = "") {
  if (parts.empty()) return "";
  std::string text = "<p class=\"facts" + kind + "\">";
  for (const std::string& part : parts) text += "<span>" + Escaped(part) + "</span> ";
  return text + "</p>\n";
}

std::string ScoresText(const Hit& hit) {
  std::vector<std::string> parts = {"score " + FormatNumber(hit.score, 4)};
  if (hit.standout) parts.push_back("standout " + FormatNumber(*hit.standout, 1));
  if (hit.probability) parts.push_back("probability " + Percent(*hit.probability));
  return Facts(parts);
}

std::string Details(const Hit& hit) {
  std::vector<std::string> parts;
  if (hit.width > 0) {
    parts.push_back(std::to_string(hit.width) + " × " + std::to_string(hit.height));
  }
  if (hit.taken) {
    // To the minute, by the camera's clock.
    std::string taken =
        hit.taken->ToString().substr(0, std::string_view("2024-05-17T09:30").size());
    std::ranges::replace(taken, 'T', ' ');
    parts.push_back(taken);
  }
  if (const std::string remarks = Remarks(hit); !remarks.empty()) parts.push_back(remarks);
  return Facts(parts, " quiet");
}

std::string Card(const Hit& hit) {
  const std::string name = hit.path.substr(hit.path.rfind('/') + 1);  // all, where there is none
  return "<li>\n<div class=\"picture\">" + Thumbnail(hit) +
         "</div>\n<div class=\"words\">\n<p class=\"name\" title=\"" + Escaped(hit.path) +
         "\"><bdi>" + Escaped(name) + "</bdi></p>\n" + ScoresText(hit) + Details(hit) +
         "</div>\n</li>\n";
}

std::string Head(const std::string& title, const SearchResult& result) {
  const auto hits = static_cast<int64_t>(result.hits.size());
  const std::string shown = hits == 0 ? "No pictures found" : Pictures(hits) + " shown";
  return "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
         "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; img-src "
         "data:; "
         "style-src 'sha256-" +
         std::string(kStyleHash) +
         "'\">\n<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>" +
         Escaped(title) + "</title>\n<style>" + std::string(kStyle) +
         "</style>\n</head>\n<body>\n<header>\n<h1><bdi>" + Escaped(title) + "</bdi></h1>\n<p>" +
         shown + ", " + Grouped(result.total) + " searched</p>\n</header>\n<main>\n";
}

}  // namespace

void WriteContactSheet(const std::filesystem::path& path, const std::string& title,
                       const SearchResult& result, const WriteOptions& options) {
  TextFile file(path, options);
  file.Write(Head(title, result));
  const auto is_weak = [](const Hit& hit) {
    return hit.standout && *hit.standout < apps::kWeakStandout;
  };
  const auto weak = std::ranges::find_if(result.hits, is_weak);
  const auto write_list = [&](auto begin, auto end) {
    if (begin == end) return;
    file.Write("<ol>\n");
    std::for_each(begin, end, [&](const Hit& hit) { file.Write(Card(hit)); });
    file.Write("</ol>\n");
  };
  write_list(result.hits.begin(), weak);
  if (weak != result.hits.end()) file.Write("<h2>weaker matches</h2>\n");
  write_list(weak, result.hits.end());
  file.Write(
      "</main>\n<footer>score is the cosine; standout is how far that is above the scores of the "
      "other pictures, in standard deviations; probability is the model's own judgement, which is "
      "often low.</footer>\n</body>\n</html>\n");
  file.Commit();
}

}  // namespace siglip::cli
