"""`python -m skycap.internxt.emulator`."""

from __future__ import annotations

import sys

from skycap.internxt.emulator.command import main

if __name__ == "__main__":
    sys.exit(main())
