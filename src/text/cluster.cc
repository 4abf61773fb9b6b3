// See cluster.h. Source: Unicode Standard Annex 29, rules GB3 to GB5 and GB9 to GB9b.
#include "text/cluster.h"

#include "text/cleaning_tables.h"
#include "text/unicode_text.h"

namespace siglip {

size_t ClusterSize(std::string_view text) {
  if (text.starts_with("\r\n")) return 2;
  Utf8Character last = FirstCharacter(text);
  size_t end = last.size;
  if (IsIn(ControlCharacters(), last.character)) return end;
  while (end < text.size()) {
    const Utf8Character next = FirstCharacter(text.substr(end));
    const bool joins =
        IsIn(ExtendingCharacters(), next.character) ||
        (IsIn(PrependedCharacters(), last.character) && !IsIn(ControlCharacters(), next.character));
    if (!joins) break;
    end += next.size;
    last = next;
  }
  return end;
}

}  // namespace siglip
