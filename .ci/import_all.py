"""Import a package and every module in it: `python .ci/import_all.py skycap.core`.

What only a plugin author or a server needs comes with an extra, and may be missing.
"""

from __future__ import annotations

import importlib
import pkgutil
import sys

EXTRAS = ("skycap.core.testing",)


def main(name: str) -> int:
    """The number of modules that cannot be imported."""
    package = importlib.import_module(name)
    names = [name, *(found.name for found in pkgutil.walk_packages(package.__path__, f"{name}."))]
    wanted = [one for one in names if not one.startswith(EXTRAS) and not one.endswith(".__main__")]
    for one in wanted:
        importlib.import_module(one)
    print(f"{name}: {len(wanted)} modules")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
