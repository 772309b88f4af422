from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import skycap.core.chunking
import skycap.core.crypto


def test_no_module_here_imports_a_heavy_package_with_itself() -> None:
    packages = [skycap.core.crypto, skycap.core.chunking]
    modules = [
        f"{package.__name__}.{path.stem}"
        for package in packages
        for path in Path(next(iter(package.__path__))).glob("[!_]*.py")
    ]
    assert len(modules) > 10
    script = (
        f"import sys, {', '.join(modules)}\n"
        "heavy = {'cryptography', 'blake3', 'pyfastcdc', 'awscrt'} & set(sys.modules)\n"
        "sys.exit(f'imported early: {heavy}' if heavy else 0)"
    )
    subprocess.run([sys.executable, "-c", script], check=True)
