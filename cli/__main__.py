"""`python -m toolgate.cli`: the command, where no script of it is on PATH."""

import sys

from toolgate.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
