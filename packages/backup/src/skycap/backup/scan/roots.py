"""The sources of a backup: absolute paths in the order of a scan, from a command line or a list in a file."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from typing import IO

from skycap.backup.scan.names import in_order
from skycap.core.errors import NotFound, UsageError
from skycap.core.paths import printable

_BLOCK = 1 << 16
# What is below a directory comes right after it: so a slash sorts before all that names are made of.
_SLASH = ord("/")
_SLASH_FIRST = bytes([0, *range(2, _SLASH + 1), 1, *range(_SLASH + 1, 256)])
_SLASH_BACK = bytes([0, _SLASH, *range(1, _SLASH), *range(_SLASH + 1, 256)])


def absolute(path: bytes, *, folder: bytes | None = None) -> bytes:
    """An absolute path of what `path` names, without `.`, doubled slashes, or one at the end.

    `..` is taken back where no link can change what it means, else the system is asked. Raises UsageError for
    an empty path and one with a NUL.
    """
    if not path or b"\0" in path:
        raise UsageError("a source needs a path", hint='Name the folder, "." for this one.')
    if os.name == "nt":
        return os.path.abspath(path).replace(b"\\", b"/").rstrip(b"/")
    whole = path if path.startswith(b"/") else (folder if folder is not None else os.getcwdb()) + b"/" + path
    parts = [part for part in whole.split(b"/") if part not in {b"", b"."}]
    if b".." in parts:
        last = parts.pop() if parts[-1] != b".." else b""
        real = os.path.realpath(b"/" + b"/".join(parts))
        return (real.rstrip(b"/") + b"/" + last) if last else real.rstrip(b"/")
    return b"".join(b"/" + part for part in parts)


def in_scan_order(paths: Iterable[bytes]) -> Iterator[bytes]:
    """Absolute paths, sorted as a scan comes by them, without those at or below another of them."""
    kept: bytes | None = None
    for key in in_order(path.translate(_SLASH_FIRST) for path in paths):
        path = key.translate(_SLASH_BACK)
        if kept is None or not (path == kept or path.startswith(kept + b"/")):
            kept = path
            yield path


def read_list(name: str, *, nul: bool = False) -> Iterator[bytes]:
    """The paths in a file, one a line, taken as they stand; `-` is standard input.

    With `nul`, they end with a NUL character, as `find -print0` writes them. Raises NotFound, UsageError.
    """
    if name == "-":
        yield from _split(sys.stdin.buffer, b"\0" if nul else b"\n")
        return
    try:
        file = open(name, "rb")  # noqa: SIM115 - closed below, so that only its opening is in this try
    except FileNotFoundError as error:
        raise NotFound(
            "no such list of files", where=printable(name), hint="--files-from names it."
        ) from error
    except OSError as error:
        raise UsageError(
            f"the list of files cannot be read ({error.strerror})", where=printable(name)
        ) from error
    with file:
        yield from _split(file, b"\0" if nul else b"\n")


def _split(file: IO[bytes], end: bytes) -> Iterator[bytes]:
    rest = b""
    while block := file.read(_BLOCK):
        *whole, rest = (rest + block).split(end)
        yield from filter(None, whole)
    if rest:
        yield rest
