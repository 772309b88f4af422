"""Distributions with a plugin, put where Python looks for them."""

from __future__ import annotations

from pathlib import Path


def install(folder: Path, name: str, source: str, *, version: str = "1.0", entry: str | None = None) -> None:
    """Put a distribution with one module into a folder, as pip would."""
    module = name.replace("-", "_")
    info = folder / f"{module}-{version}.dist-info"
    info.mkdir(parents=True)
    (folder / f"{module}.py").write_text(source)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    (info / "entry_points.txt").write_text(
        f"[console_scripts]\nx = y:z\n\n[skycap]\n{entry or module} = {module}\n"
    )
