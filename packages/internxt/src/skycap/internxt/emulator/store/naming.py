"""What the real server demands of names, and how it orders them."""

from __future__ import annotations

import re


def folder_name_is_good(name: str) -> bool:
    """Not blank, and no slash of either kind."""
    return bool(name.strip()) and not re.search(r"[/\\]", name)


def sort_key(name: str) -> str:
    """Equal order by this is natural order: "file2" before "file10", letters without regard to case."""

    def padded(found: re.Match[str]) -> str:
        digits = found.group().lstrip("0") or "0"
        return f"{len(digits):04}{digits}"

    return re.sub(r"[0-9]+", padded, name.casefold())


def split(name: str) -> tuple[str, str | None]:
    """A whole file name as the look-up by path splits it: at the last dot, unless that comes first."""
    stem, dot, extension = name.rpartition(".")
    return (stem, extension or None) if dot and stem else (name, None)
