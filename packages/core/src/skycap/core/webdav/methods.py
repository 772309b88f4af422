"""The methods of HTTP and WebDAV that are answered here, by what they are for."""

from __future__ import annotations

from typing import Final

OPTIONS: Final = "OPTIONS"
GET: Final = "GET"
HEAD: Final = "HEAD"
PROPFIND: Final = "PROPFIND"
PUT: Final = "PUT"
MKCOL: Final = "MKCOL"
DELETE: Final = "DELETE"
COPY: Final = "COPY"
MOVE: Final = "MOVE"
PROPPATCH: Final = "PROPPATCH"
LOCK: Final = "LOCK"
UNLOCK: Final = "UNLOCK"

READING: Final = (OPTIONS, GET, HEAD, PROPFIND)
LOCKING: Final = (LOCK, UNLOCK)
CHANGING: Final = (PUT, MKCOL, DELETE, COPY, MOVE, PROPPATCH, *LOCKING)
ALL: Final = (*READING, *CHANGING)
