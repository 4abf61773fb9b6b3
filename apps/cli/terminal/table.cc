#include "terminal/table.h"

#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <iomanip>
#include <iostream>
#include <numeric>

#include "terminal/terminal.h"

namespace siglip::cli {
namespace {

constexpr size_t kGap = 2;

void PrintByColumns(const std::vector<size_t>& widths, const TableRow& row) {
  for (size_t i = 0; i < row.size(); ++i) {
    std::cout << std::setw(static_cast<int>(widths[i])) << row[i];
  }
  std::cout << "\n";
}

void PrintByLines(const TableRow& headings, const TableRow& row) {
  for (size_t i = 0; i < row.size(); ++i) {
    if (!row[i].empty()) std::cout << headings[i] << ": " << row[i] << "\n";
  }
}

}  // namespace

void PrintTable(const TableRow& headings, const std::vector<TableRow>& rows) {
  std::vector<size_t> widths;
  for (size_t i = 0; i < headings.size(); ++i) {
    size_t width = headings[i].size();
    for (const TableRow& row : rows) width = std::max(width, row[i].size());
    widths.push_back(kGap + width);
  }
  if (std::accumulate(widths.begin(), widths.end(), size_t{0}) <= TerminalColumns(STDOUT_FILENO)) {
    PrintByColumns(widths, headings);
    for (const TableRow& row : rows) PrintByColumns(widths, row);
    return;
  }
  for (const TableRow& row : rows) {
    if (&row != &rows.front()) std::cout << "\n";
    PrintByLines(headings, row);
  }
}

}  // namespace siglip::cli
