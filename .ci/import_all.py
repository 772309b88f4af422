"""Import a package and every module in it: `python .ci/import_all.py skycap.core`.

What only a plugin author or a server needs comes with an extra, and may be missing.
"""

from __future__ import annotations

import importlib
import pkgutil
import sys

EXTRAS = ("skycap.core.testing",)
OF_EXTRA = {
    "skycap.core.webdav.": {"cheroot", "defusedxml", "waitress", "wsgidav"},
    "skycap.internxt.emulator.": {"fastapi", "h11", "jwt", "uvicorn"},
}
"""What an extra brings. Below these names alone a module may be without it, and only for that reason."""


def main(name: str) -> int:
    """The number of modules that cannot be imported."""
    package = importlib.import_module(name)
    names = [name, *(found.name for found in pkgutil.walk_packages(package.__path__, f"{name}."))]
    wanted = [one for one in names if not one.startswith(EXTRAS) and not one.endswith(".__main__")]
    left_out = [one for one in wanted if not imported(one)]
    print(f"{name}: {len(wanted) - len(left_out)} modules", *(f"without {one}" for one in left_out), sep=", ")
    return 0


def imported(name: str) -> bool:
    """Import a module; False if it needs what the extra brings."""
    try:
        importlib.import_module(name)
    except ModuleNotFoundError as error:
        missing = str(error.name).partition(".")[0]
        if any(name.startswith(room) and missing in brought for room, brought in OF_EXTRA.items()):
            return False
        raise
    return True


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
