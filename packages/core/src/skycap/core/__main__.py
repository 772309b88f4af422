"""Where the command `skycap` begins. What needs no command line is answered before it is imported."""

from __future__ import annotations

import sys


def main() -> int:
    """Run the command of this process's arguments; its exit status."""
    if sys.argv[1:] in (["--version"], ["-V"]):
        from skycap.core.version import VERSION

        print(f"skycap {VERSION}")
        return 0
    import gc

    from skycap.core.cli.app import run

    # Entries by the hundred thousand come and go, and none of them is in a cycle: look for those less often.
    gc.set_threshold(50_000)
    return run(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
