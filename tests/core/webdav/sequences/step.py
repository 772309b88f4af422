"""One request of a recorded client, and what it needs to hear."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Step:
    """A request, written as it goes over the wire, without `Host` and `Content-Length`.

    `{host}` and what earlier steps kept stand in braces. A sequence is a tuple of steps on one connection.
    """

    head: str
    """The method and the target, then a header a line."""
    status: int | tuple[int, ...] = 200
    body: bytes | str | None = None
    """Sent with its length, or in pieces if `Transfer-Encoding: chunked` is said. None: no length at all."""
    needs: dict[str, str] = field(default_factory=dict)
    """Headers of the answer, by name in lower case, and the pattern each matches somewhere."""
    lacks: tuple[str, ...] = ()
    """Headers that would mislead the client."""
    hears: tuple[str, ...] = ()
    """Patterns that the body of the answer matches somewhere."""
    never: tuple[str, ...] = ()
    """Patterns that it does not match."""
    keeps: dict[str, str] = field(default_factory=dict)
    """Names, each with a pattern over the whole answer whose first group is kept under it."""
    junk: bool = False
    """Part of writing what desktops leave beside files: 403, and 404 for a look, where none is wanted."""


LOCK_TOKEN = {"token": r"(?im)^lock-token: <([^>]+)>"}
ETAG = {"etag": r'(?im)^etag: ("[^"]+")'}


def lock_info(owner: str) -> str:
    """The body of LOCK."""
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n<D:lockinfo xmlns:D="DAV:"><D:lockscope><D:exclusive/>'
        f"</D:lockscope><D:locktype><D:write/></D:locktype><D:owner>{owner}</D:owner></D:lockinfo>"
    )


def find(*names: str) -> str:
    """The body of PROPFIND for properties of `DAV:`."""
    asked = "".join(f"<D:{name}/>" for name in names)
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n<D:propfind xmlns:D="DAV:">'
        f"<D:prop>{asked}</D:prop></D:propfind>"
    )
