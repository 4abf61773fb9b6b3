"""python -m siglip.bulk"""

import sys

from .command_line import program

if __name__ == "__main__":
    sys.exit(program())
