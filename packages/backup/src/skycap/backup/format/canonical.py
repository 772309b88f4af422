"""JSON of which there is one form only, so that it can be signed, and no bit of it is without meaning.

UTF-8, no white space, sorted members, integers within 64 bits, no escapes but those JSON demands.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from typing import Any, NoReturn

from skycap.core.errors import Damaged

_LEAST, _MOST = -(2**63), 2**63 - 1
_PREFIX = "base64:"
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z", re.ASCII)


def dumps(value: Any) -> bytes:
    """The one form. Raises ValueError or TypeError for what it cannot hold."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, sort_keys=True, separators=(",", ":"))
    return text.encode("utf-8")


def loads(data: bytes, what: str) -> dict[str, Any]:
    """The object in `data`. Raises Damaged unless `data` is its one form; `what` names it in the message."""
    try:
        value = json.loads(data.decode("utf-8"), parse_float=_no_float, parse_constant=_no_float)
        same = dumps(value) == data
    except (ValueError, RecursionError):
        same = False
    if not same or not isinstance(value, dict) or not _fits(value):
        raise Damaged(f"{what} is not well-formed: it is not canonical JSON")
    return value


def pack_path(path: bytes) -> str:
    """A path as text, where it is, else in base64 behind a prefix."""
    try:
        text = path.decode("utf-8")
    except UnicodeDecodeError:
        text = _PREFIX
    return _PREFIX + base64.b64encode(path).decode() if text.startswith(_PREFIX) else text


def unpack_path(text: str) -> bytes:
    """The bytes of a path. Raises Damaged for what `pack_path` does not make."""
    try:
        path = (
            base64.b64decode(text[len(_PREFIX) :], validate=True)
            if text.startswith(_PREFIX)
            else text.encode("utf-8")
        )
    except (binascii.Error, UnicodeEncodeError):
        path = None
    if path is None or pack_path(path) != text:
        raise Damaged("a path is not encoded as it should be")
    return path


def is_time(value: object) -> bool:
    """Is it a time in the one form, `2026-11-25T10:00:00.000000000Z`?"""
    return isinstance(value, str) and _TIME.fullmatch(value) is not None


def is_hex(value: object, size: int) -> bool:
    """Is it `size` bytes in lower-case hexadecimal?"""
    return isinstance(value, str) and re.fullmatch(f"[0-9a-f]{{{2 * size}}}", value) is not None


def _no_float(text: str) -> NoReturn:
    raise ValueError(f"{text} is no integer")


def _fits(value: Any) -> bool:
    if isinstance(value, dict):
        return all(map(_fits, value.values()))
    if isinstance(value, list):
        return all(map(_fits, value))
    return not isinstance(value, int) or _LEAST <= value <= _MOST
