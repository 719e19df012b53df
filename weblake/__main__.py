"""``python -m weblake``: the command line where it is not installed as a program."""

import sys

from weblake.main import main

if __name__ == "__main__":
    sys.exit(main())
