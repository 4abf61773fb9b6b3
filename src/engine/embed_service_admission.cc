#include "engine/embed_service_admission.h"

#include <algorithm>

namespace siglip {
namespace {

using Seconds = EmbedServiceAdmission::Seconds;

// Clients do not wait longer, whatever they are told.
constexpr std::chrono::seconds kLongest{60};

EmbedServiceAdmission::Clock::duration Rounded(Seconds seconds) {
  // No more than an hour: estimates must not overflow a clock.
  return std::chrono::duration_cast<EmbedServiceAdmission::Clock::duration>(
      std::min(seconds, Seconds(3600)));
}

}  // namespace

std::chrono::seconds EmbedServiceAdmission::Book(Clock::time_point now, Seconds ahead,
                                                 Seconds own) {
  const Seconds early = max_wait_ / 2;
  const Clock::time_point turn = std::max(now + Rounded(ahead), line_ends_);
  // A place beyond the longest time that can be told would be nobody's.
  line_ends_ = std::min(turn + Rounded(own), now + Rounded(kLongest + early));
  const auto wait = std::chrono::ceil<std::chrono::seconds>(turn - now - Rounded(early));
  return std::clamp(wait, std::chrono::seconds(1), kLongest);
}

}  // namespace siglip
