"""python -m siglip.bulk"""

import sys

from .command_line import program

sys.exit(program())
