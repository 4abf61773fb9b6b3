#include "siglip/picture_details.hpp"

#include <chrono>
#include <cstdio>
#include <cstdlib>

namespace siglip {

std::optional<int64_t> TimeTaken::utc_seconds() const {
  if (!offset_minutes) return std::nullopt;
  return local_seconds - int64_t{60} * *offset_minutes;
}

std::string TimeTaken::ToString() const {
  using std::chrono::days;
  using std::chrono::sys_seconds;
  const sys_seconds time{std::chrono::seconds(local_seconds)};
  const auto day = std::chrono::floor<days>(time);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(time - day);
  char text[64];
  int length = std::snprintf(
      text, sizeof text, "%04d-%02u-%02uT%02d:%02d:%02d", static_cast<int>(date.year()),
      static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
      static_cast<int>(clock.hours().count()), static_cast<int>(clock.minutes().count()),
      static_cast<int>(clock.seconds().count()));
  std::string written(text, static_cast<size_t>(length));
  if (offset_minutes) {
    const int minutes = std::abs(*offset_minutes);
    length = std::snprintf(text, sizeof text, "%c%02d:%02d", *offset_minutes < 0 ? '-' : '+',
                           minutes / 60, minutes % 60);
    written.append(text, static_cast<size_t>(length));
  }
  return written;
}

}  // namespace siglip
