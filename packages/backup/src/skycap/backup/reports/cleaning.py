"""Makes a report fit to be kept: nothing secret, nothing that is no text, not too long."""

from __future__ import annotations

import os
from typing import Any

from skycap.backup.format import canonical
from skycap.core.cli.redact import redact
from skycap.core.paths import printable

LIST_CAP = 1_000
TEXT_CAP = 2_000
SIZE_CAP = 1 << 20
_MORE = "…"


def shown_path(path: bytes) -> str:
    """A path as text: one line, what is not UTF-8 as `\\xNN`."""
    return printable(os.fsdecode(path)) or "/"


def clean(value: Any) -> Any:
    """The same, with secrets taken out of each text, and texts cut."""
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, dict):
        return {key: clean(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [clean(one) for one in value]
    if isinstance(value, float):
        return round(value)
    return value


def _text(value: str) -> str:
    # What is cut must not hide the beginning of a secret from what looks for it: so it is cut afterwards.
    found = redact(value).encode("utf-8", "backslashreplace").decode("utf-8")
    return found if len(found) <= TEXT_CAP else found[: TEXT_CAP - 1] + _MORE


def dumps(report: dict[str, Any]) -> bytes:
    """The canonical bytes of a report, as a signature is over them."""
    return canonical.dumps(report)


def fitted(report: dict[str, Any], size: int = SIZE_CAP) -> dict[str, Any]:
    """The report with its longest lists cut until it is at most `size` bytes; their totals stay."""
    while len(dumps(report)) > size:
        longest = max(_long_lists(report), key=lambda found: found[0])
        length, owner, key = longest
        if length <= 1:
            break
        owner[key] = owner[key][: length // 2]
    return report


def _long_lists(report: dict[str, Any]) -> list[tuple[int, dict[str, Any], str]]:
    found = [(0, report, "errors")]
    waiting = [report]
    while waiting:
        one = waiting.pop()
        for key, value in one.items():
            if isinstance(value, dict):
                waiting.append(value)
            elif isinstance(value, list):
                found.append((len(value), one, key))
    return found
