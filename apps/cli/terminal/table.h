// Tables of figures on standard output.
#pragma once

#include <string>
#include <vector>

namespace siglip::cli {

using TableRow = std::vector<std::string>;

/// Cells right-aligned under the headings; where the terminal is too narrow for that, a line
/// "heading: cell" for each that is not empty, and an empty line between rows. All rows have as
/// many cells as there are headings.
void PrintTable(const TableRow& headings, const std::vector<TableRow>& rows);

}  // namespace siglip::cli
