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

std::chrono::seconds EmbedServiceAdmission::Book(Clock::time_point now, const Refused& refused) {
  const Seconds room = std::max(refused.whole_queue - refused.own, Seconds(0));
  const Seconds early = std::min(max_wait_, room) / 2;
  const Clock::time_point turn = std::max(now + Rounded(refused.ahead), line_ends_);
  const auto wait = std::clamp(std::chrono::ceil<std::chrono::seconds>(turn - now - Rounded(early)),
                               std::chrono::seconds(1), kLongest);
  // Whole seconds can be later than the turn; nor is a place beyond the longest of them anybody's.
  const Clock::time_point begins = std::max(turn, now + wait);
  line_ends_ = std::min(begins + Rounded(refused.own), now + Rounded(kLongest + early));
  return wait;
}

}  // namespace siglip
