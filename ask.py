"""`python ask.py "What is 100 + 12?"`: short for `toolgate ask`."""

import sys

from toolgate.cli.main import main

if __name__ == "__main__":
    sys.exit(main(["ask", *sys.argv[1:]]))
