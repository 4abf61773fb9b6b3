// All products of AmxCases by the tiles of AMX, without an operating system. Writes a line of a
// table for each type to the serial port and ends the emulator.
#include <immintrin.h>

#include "kernels/amx_cases.h"
#include "kernels/amx_hashes.h"

extern "C" {

void* memcpy(void* to, const void* from, size_t size) {
  void* const begin = to;
  asm volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(size) : : "memory");
  return begin;
}

void* memset(void* to, int value, size_t size) {
  void* const begin = to;
  asm volatile("rep stosb" : "+D"(to), "+c"(size) : "a"(value) : "memory");
  return begin;
}

void Main();
}

namespace siglip {
namespace {

#include "kernels/isa/amx_tile.h"
#include "kernels/isa/amx_tile_registers.h"

void WriteByte(uint16_t port, char value) {
  asm volatile("outb %0, %1" : : "a"(value), "Nd"(port));
}

constexpr uint16_t kSerialPort = 0x3F8;

/// Until the serial port has room for a byte (0x20), or has sent all of them (0x40).
void WaitFor(uint8_t state) {
  uint8_t status = 0;
  do {
    asm volatile("inb %1, %0" : "=a"(status) : "Nd"((uint16_t)(kSerialPort + 5)));
  } while ((status & state) == 0);
}

void Write(const char* text) {
  for (; *text != '\0'; ++text) {
    WaitFor(0x20);
    WriteByte(kSerialPort, *text);
  }
}

void WriteHexadecimal(uint32_t number) {
  char text[9] = {};
  for (int i = 7; i >= 0; --i, number >>= 4U) text[i] = "0123456789abcdef"[number & 0xFU];
  Write(text);
}

void WriteDecimal(int number) {
  if (number >= 10) WriteDecimal(number / 10);
  const char digit[2] = {(char)('0' + number % 10), '\0'};
  Write(digit);
}

void Check(const AmxHash& expected) {
  const bool is_bytes = expected.type == OperandType::kInt8;
  AmxCases cases(expected.type, expected.panel_bits);
  const GemmTile tile = is_bytes ? GemmTileOf<HardwareTiles, OperandType::kInt8>
                                 : GemmTileOf<HardwareTiles, OperandType::kBFloat16>;
  const int wrong = cases.CountWrongOfAll(tile);
  Write(is_bytes ? "| int8 | " : "| bf16 | ");
  WriteHexadecimal(expected.panel_bits);
  Write(" | ");
  WriteDecimal(wrong);
  Write(" | ");
  WriteHexadecimal(cases.hash());
  Write(cases.hash() == expected.hash ? " | equal |\n" : " | DIFFERENT |\n");
}

}  // namespace
}  // namespace siglip

void Main() {
  siglip::WriteByte(siglip::kSerialPort + 3, 3);  // eight bits at once
  for (const siglip::AmxHash& expected : siglip::kAmxHashes) siglip::Check(expected);
  siglip::WaitFor(0x40);
  for (const char* word = "Shutdown"; *word != '\0'; ++word) siglip::WriteByte(0x8900, *word);
}
