#include "server/api/picture_text.h"

#include <algorithm>
#include <utility>

#include "server/api/api_error.h"

namespace siglip::server {
namespace {

constexpr std::string_view kScheme = "data:";
// What stands before the comma of a data URI is a few words.
constexpr size_t kMaxHead = 256;
constexpr size_t kMaxShown = 60;

char Lower(char character) {
  return character >= 'A' && character <= 'Z' ? static_cast<char>(character | 0x20) : character;
}

bool BeginsWith(std::string_view text, std::string_view lower_case) {
  return text.size() >= lower_case.size() &&
         std::equal(lower_case.begin(), lower_case.end(), text.begin(),
                    [](char expected, char found) { return expected == Lower(found); });
}

bool EndsWith(std::string_view text, std::string_view lower_case) {
  return text.size() >= lower_case.size() &&
         BeginsWith(text.substr(text.size() - lower_case.size()), lower_case);
}

/// Whether it rather is the address of a picture than base64 that was damaged.
bool IsAddress(std::string_view text) {
  return text.find("://") != text.npos || BeginsWith(text, "file:") || BeginsWith(text, "blob:") ||
         BeginsWith(text, "//");
}

/// Or a path: none of these characters is a digit of base64.
bool IsPath(std::string_view text) { return text.find_first_of(".\\~") != text.npos; }

/// What is wrong with the text before the comma of a data URI; nothing where all is right.
std::string ProblemOfHead(std::string_view head) {
  if (!BeginsWith(head, "data:image/")) {
    return "expected a data URI of a picture, data:image/...;base64,..., found one of another type";
  }
  if (!EndsWith(head, ";base64")) {
    return "expected a data URI in base64, data:image/...;base64,..., found one that is "
           "percent-encoded";
  }
  return {};
}

}  // namespace

bool IsPictureUri(std::string_view text) { return BeginsWith(text, "data:image/"); }

bool PictureText::Append(std::string_view piece) {
  shown_ += piece.substr(0, kMaxShown - shown_.size());
  if (state_ == State::kHead) {
    AppendToHead(piece);
  } else if (state_ == State::kData) {
    AppendToData(piece);
  }
  return state_ != State::kRefused || shown_.size() < kMaxShown;
}

void PictureText::AppendToHead(std::string_view piece) {
  const std::string earlier = head_;
  const size_t comma = piece.find(',');
  const std::string_view part = piece.substr(0, comma);
  head_ += part.substr(0, kMaxHead - head_.size());
  const bool is_whole = comma != piece.npos;
  if (!is_whole && head_.size() < kScheme.size()) return;
  if (!BeginsWith(head_, kScheme)) {
    if (!bare_) return Refuse("expected a data URI, data:image/...;base64,...");
    state_ = State::kData;
    AppendToData(earlier);
    return AppendToData(piece);
  }
  if (head_.size() == kMaxHead) {
    return Refuse("expected a comma in a data URI, within " + std::to_string(kMaxHead) + " bytes");
  }
  if (!is_whole) return;
  const std::string problem = ProblemOfHead(head_);
  if (!problem.empty()) return Refuse(problem);
  state_ = State::kData;
  AppendToData(piece.substr(comma + 1));
}

void PictureText::AppendToData(std::string_view piece) {
  if (state_ == State::kData && !decoder_.Append(piece)) Refuse(decoder_.problem());
}

void PictureText::Refuse(std::string problem) {
  problem_ = std::move(problem);
  state_ = State::kRefused;
}

std::string PictureText::Finish(const std::string& param) && {
  if (state_ == State::kHead) {
    if (BeginsWith(head_, kScheme)) {
      Refuse("expected a comma in a data URI");
    } else if (bare_) {
      state_ = State::kData;
      AppendToData(head_);
    } else {
      Refuse("expected a data URI, data:image/...;base64,...");
    }
  }
  if (state_ == State::kData && !decoder_.Finish()) Refuse(decoder_.problem());
  if (state_ == State::kRefused)
    throw ApiError(400, "invalid_argument", param + ": " + Problem(), param);
  std::string bytes = std::move(decoder_).Take();
  if (bytes.empty()) {
    throw ApiError(400, "invalid_argument", param + ": expected a picture, found an empty one",
                   param);
  }
  return bytes;
}

std::string PictureText::Problem() const {
  const std::string expected =
      bare_ ? "expected the picture itself, as data:image/...;base64,... or as base64"
            : "expected the picture itself, as data:image/...;base64,...";
  const std::string found = ", found \"" + shown_ + (shown_.size() == kMaxShown ? "...\"" : "\"");
  const bool is_uri = BeginsWith(shown_, kScheme);
  if (!is_uri && IsAddress(shown_)) {
    return expected + found + ": nothing in a request is ever fetched, send what is there";
  }
  if (!is_uri && bare_ && IsPath(shown_)) {
    return expected + found + ": no file is ever opened for a request, send its bytes";
  }
  return problem_ + found;
}

}  // namespace siglip::server
