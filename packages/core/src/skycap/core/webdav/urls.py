"""URL paths, and the paths of ours that they mean.

A segment is decoded once, by itself: `%2F` is no separator and cannot be in a name, `%252F` is a name with
the text `%2F`. Bytes that are not UTF-8 travel as surrogate escapes, as in `skycap.core.paths`.
"""

from __future__ import annotations

from urllib.parse import quote, unquote_to_bytes, urlsplit

from skycap.core.errors import PathInvalid
from skycap.core.paths import printable, validate

# One spelling for all hrefs: clients compare them as text.
SAFE = "!$&'()*+,;=:@-._~"
"""What RFC 3986 lets a segment hold unescaped, beside letters and digits."""
_ESCAPED = {code: f"%{code:02X}" for code in range(128) if not chr(code).isalnum() and chr(code) not in SAFE}


def decode(raw: str) -> tuple[str, bool]:
    """The path of ours that a raw URL path means, and whether it ends with a slash.

    `PathInvalid` for what no storage can hold: dot segments, an encoded slash, NUL.
    """
    raw = raw.partition("?")[0]
    if "#" in raw:
        raise PathInvalid("a fragment names nothing on a server", where=printable(raw))
    segments = [part for part in raw.split("/") if part]
    if any("%2f" in part.lower() for part in segments):
        raise PathInvalid("a name cannot hold a slash", where=printable(raw))
    parts = [unquote_to_bytes(part).decode("utf-8", "surrogateescape") for part in segments]
    return validate("/".join(parts)), raw.endswith("/")


def encode(path: str, *, is_dir: bool = False) -> str:
    """The absolute URL path of a path of ours; of a collection with a slash at its end."""
    if not path:
        return "/"
    parts = "/".join(map(encode_name, path.split("/")))
    return f"/{parts}/" if is_dir else f"/{parts}"


def encode_name(name: str) -> str:
    """One part of a URL path."""
    if name.isascii():
        return name.translate(_ESCAPED)
    return quote(name.encode("utf-8", "surrogateescape"), safe=SAFE)


def path_of(url: str) -> tuple[str, str]:
    """The host (lower case, with port; "" where none is named) and the raw path of a URL or absolute path.

    `PathInvalid` where it is neither.
    """
    if url.startswith("/"):
        return "", url
    try:
        parts = urlsplit(url)
    except ValueError as error:
        raise PathInvalid(f"not a URL: {error}", where=printable(url)) from None
    if parts.scheme not in {"http", "https"} or not parts.netloc:
        raise PathInvalid("neither an absolute path nor a URL of this server", where=printable(url))
    return parts.netloc.rpartition("@")[2].lower(), parts.path or "/"
