"""Which heads of requests are answered at all: those that no two readers can understand differently.

A proxy in front that sees another end of a request than we do lets one client speak for the next. So both
servers refuse what RFC 9112 forbids or leaves open: two lengths, a length beside chunks, folded lines, names
with a space before the colon, control characters, codings that are none of ours.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

HEAD_MAX = 1 << 16
"""Bytes of the first line and the headers together."""
HEADERS_MAX = 200
CHUNK_LINE_MAX = 1 << 12
"""Bytes of a line between two chunks, or of a trailer."""
TRAILERS_MAX = 100
_LINE = re.compile(rb"([!#$%&'*+\-.^_`|~0-9A-Za-z]+):[ \t]*([^\x00-\x08\x0a-\x1f\x7f]*?)[ \t]*")
_FIRST = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Z]+ [^\x00-\x20\x7f]+ HTTP/[0-9]\.[0-9]")
_LENGTH = re.compile(rb"[0-9]{1,18}")
_CHUNK = re.compile(rb"([0-9a-fA-F]{1,15})[ \t]*(?:;[^\r]*)?")
_HTTP_1_1 = b"1.1"
_ONCE = frozenset(
    {
        b"authorization",
        b"content-length",
        b"content-range",
        b"content-type",
        b"depth",
        b"destination",
        b"host",
        b"if",
        b"if-modified-since",
        b"if-range",
        b"if-unmodified-since",
        b"lock-token",
        b"overwrite",
        b"range",
        b"timeout",
        b"transfer-encoding",
        b"x-expected-entity-length",
        b"x-oc-mtime",
    }
)
"""Headers whose values are no lists, or lists that nobody sends in pieces."""


def first_line(line: bytes) -> bytes:
    """The version, `1.1`, of a request by its first line; `ValueError` where it is none."""
    if _FIRST.fullmatch(line) is None:
        raise ValueError("the first line is no request")
    version = line[-3:]
    if not version.startswith(b"1."):
        raise ValueError("this version of HTTP is not spoken here")
    return version


def headers(lines: Iterable[bytes]) -> dict[bytes, bytes]:
    """The headers by their names in small letters, from lines without their ends.

    `ValueError` says what is wrong. Names with an underscore are left out: WSGI could not tell them from
    those with a hyphen.
    """
    found: dict[bytes, list[bytes]] = {}
    for count, line in enumerate(lines, 1):
        if count > HEADERS_MAX:
            raise ValueError(f"more than {HEADERS_MAX} headers")
        match = _LINE.fullmatch(line)
        if match is None:
            raise ValueError("a header is folded" if line[:1] in b" \t" else "a header is none")
        name = match[1].lower()
        if b"_" not in name:
            found.setdefault(name, []).append(match[2])
    for name in _ONCE & found.keys():
        if len(found[name]) > 1:
            raise ValueError(f"{name.decode().title()} is there twice")
    return {name: b", ".join(values) for name, values in found.items()}


def require_one_meaning(version: bytes, found: Mapping[bytes, bytes]) -> None:
    """`ValueError` where it is not plain for whom a request is, or where its body ends."""
    if version == _HTTP_1_1 and not found.get(b"host"):
        raise ValueError("the header Host is missing")
    length, coding = found.get(b"content-length"), found.get(b"transfer-encoding")
    if length is not None and _LENGTH.fullmatch(length) is None:
        raise ValueError("Content-Length is not a number")
    if coding is None:
        return
    if length is not None:
        raise ValueError("Content-Length and Transfer-Encoding exclude each other")
    if version != _HTTP_1_1:
        raise ValueError("HTTP/1.0 knows no Transfer-Encoding")
    if coding.lower() != b"chunked":
        raise NotImplementedError("of codings only `chunked` is understood")


def chunk_size(line: bytes) -> int:
    """How many bytes a chunk has, by the line before it, without its end; `ValueError` where it is none."""
    found = _CHUNK.fullmatch(line)
    if found is None:
        raise ValueError("the size of a chunk is none" if line else "the connection ended between two chunks")
    return int(found[1], 16)
