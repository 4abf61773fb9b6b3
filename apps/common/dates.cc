#include "common/dates.h"

#include <chrono>
#include <cstdio>

#include "siglip/error.hpp"

namespace siglip::apps {
namespace {

/// Digits where the pattern has a 0, and the pattern's own characters elsewhere, up to the end of
/// `text`.
bool Fits(const std::string& text, const std::string& pattern) {
  for (size_t i = 0; i < text.size(); ++i) {
    const bool digit = text[i] >= '0' && text[i] <= '9';
    if (pattern[i] == '0' ? !digit : text[i] != pattern[i]) return false;
  }
  return true;
}

bool IsDate(const std::string& text) {
  switch (text.size()) {
    case 4:
    case 7:
    case 10: return Fits(text, "0000-00-00");
    case 19: return Fits(text, "0000-00-00T00:00:00") || Fits(text, "0000-00-00 00:00:00");
    default: return false;
  }
}

}  // namespace

int64_t ParseDate(const std::string& text) {
  int year = 0;
  int month = 1;
  int day = 1;
  int hour = 0;
  int minute = 0;
  int second = 0;
  if (IsDate(text)) {
    std::sscanf(text.c_str(), "%4d-%2d-%2d%*c%2d:%2d:%2d", &year, &month, &day, &hour, &minute,
                &second);
  }
  const std::chrono::year_month_day date{std::chrono::year(year),
                                         std::chrono::month(static_cast<unsigned>(month)),
                                         std::chrono::day(static_cast<unsigned>(day))};
  if (!IsDate(text) || !date.ok() || hour > 23 || minute > 59 || second > 59) {
    throw Error(
        ErrorCode::kInvalidArgument,
        "expected a date such as 2024, 2024-05, 2024-05-17 or 2024-05-17T09:30:00, found '" + text +
            "'");
  }
  const auto days = std::chrono::sys_days(date).time_since_epoch();
  return std::chrono::seconds(days).count() + hour * 3600 + minute * 60 + second;
}

}  // namespace siglip::apps
