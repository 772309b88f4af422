"""Where the command `skycap` begins. What needs no command line is answered before it is imported."""

from __future__ import annotations

import sys


def main() -> int:
    """Run the command of this process's arguments; its exit status."""
    if sys.argv[1:] in (["--version"], ["-V"]):
        from skycap.core.version import VERSION

        print(f"skycap {VERSION}")
        return 0
    from skycap.core.cli.app import run

    return run(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
