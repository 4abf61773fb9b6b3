#include "command_line.h"

int main(int count, char** arguments) {
  return siglip::cli::RunCommandLine({arguments + (count > 0), arguments + count});
}
