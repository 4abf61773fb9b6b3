// What all products of AmxCases hash to, in software, on AMX and in Bochs.
#pragma once

#include <stdint.h>

#include "kernels/kernels.h"

namespace siglip {

struct AmxHash {
  OperandType type;
  uint32_t panel_bits;  // see AmxCases
  uint32_t hash;
};
inline constexpr AmxHash kAmxHashes[] = {
    {OperandType::kBFloat16, 0xFFFFFFFFU, 0x2210E9DAU},
    {OperandType::kInt8, 0xFFFFFFFFU, 0x25568D64U},
    {OperandType::kInt8, 0x7F7F7F7FU, 0x98B8DFDBU},  // Bochs takes signed bytes for unsigned ones
};

}  // namespace siglip
