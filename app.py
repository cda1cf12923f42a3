"""The door: `python app.py` serves the studio; `python app.py --help` lists what the terminal can do."""

import sys

from studio.terminal.main import main

if __name__ == "__main__":
    sys.exit(main())
