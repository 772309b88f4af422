"""An object's headers as an entry, and metadata as headers.

The client's time is user metadata `mtime`, seconds with a fraction in decimal, as rclone writes it, so that
each reads the other's. Mode and owner stand beside it under names of the same kind, xattrs in one JSON text.

What a store says of an object is not trusted with privileges: the owner, the bits above 0o777 and attributes
that the system heeds are stored, and not reported.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Mapping
from contextlib import suppress
from email.header import decode_header
from email.utils import parsedate_to_datetime
from urllib.parse import quote, unquote

from skycap.core.errors import Unsupported
from skycap.core.storage.entry import Entry, Metadata

PREFIX = "x-amz-meta-"
USER_METADATA_MAX = 2048
_MD5 = re.compile(r'"([0-9a-f]{32})"')
_NUMBERS = {"mode": 8, "uid": 10, "gid": 10}
_MODE_MAX = 0o7777
_GIVEN = 0o777
"""The bits of a mode that a store may decide."""
_PRIVILEGED = ("security.", "trusted.", "system.")
_TIME_END = 2**63
_OWN = {"mtime", "xattrs", "extra", *_NUMBERS}


def metadata_fields(metadata: Metadata | None) -> dict[str, str]:
    """User metadata by name, without a prefix; `Unsupported` where it is more than S3 keeps."""
    if metadata is None:
        return {}
    found: dict[str, str] = {}
    if metadata.mtime_ns is not None:
        found["mtime"] = format_time(metadata.mtime_ns)
    for name, base in _NUMBERS.items():
        if (value := getattr(metadata, name)) is not None:
            found[name] = f"{value:o}" if base == 8 else str(value)
    if metadata.xattrs:
        values = {name: base64.b64encode(value).decode("ascii") for name, value in metadata.xattrs.items()}
        found["xattrs"] = json.dumps(values, separators=(",", ":"), sort_keys=True)
    awkward: dict[str, str] = {}
    for name, value in metadata.extra.items():
        if re.fullmatch(r"[a-z0-9][a-z0-9_-]*", name) and name not in _OWN and _plain(value):
            found[name] = value
        else:
            awkward[name] = value
    if awkward:
        # Header names lose their case, and values what is not ASCII: such pairs travel escaped, together.
        found["extra"] = quote(json.dumps(awkward, separators=(",", ":"), sort_keys=True), safe=' {}":,')
    if (size := sum(len(name) + len(value) for name, value in found.items())) > USER_METADATA_MAX:
        raise Unsupported(
            f"the metadata has {size} bytes, and S3 keeps {USER_METADATA_MAX}",
            hint="Leave extended attributes or extra metadata out.",
        )
    return found


def metadata_headers(metadata: Metadata | None) -> dict[str, str]:
    """The headers of a request that stores an object."""
    headers = {PREFIX + name: value for name, value in metadata_fields(metadata).items()}
    if metadata is not None and metadata.content_type:
        headers["content-type"] = metadata.content_type
    return headers


def metadata_of(headers: Mapping[str, str]) -> Metadata:
    """What the headers of an answer say."""
    user = {name[len(PREFIX) :]: value for name, value in headers.items() if name.startswith(PREFIX)}
    return metadata_from(user, headers.get("content-type"))


def metadata_from(user: dict[str, str], content_type: str | None) -> Metadata:
    """What user metadata without its prefix says; the dictionary is used up."""
    mode = _mode(user.pop("mode", ""))
    user.pop("uid", None)
    user.pop("gid", None)
    mtime_ns = parse_time(user.pop("mtime", ""))
    xattrs = _json(user.pop("xattrs", ""))
    extra = _json(unquote(user.pop("extra", "")))
    return Metadata(
        mtime_ns=mtime_ns,
        mode=mode,
        xattrs=_xattrs(xattrs) or None,
        content_type=content_type,
        extra={**{name: _text(value) for name, value in user.items()}, **extra},
    )


def entry_of(path: str, headers: Mapping[str, str]) -> Entry:
    """The entry that an answer to HEAD or GET describes."""
    metadata = metadata_of(headers)
    etag = headers.get("etag")
    hashes: dict[str, str] = {}
    if etag and not headers.get("x-amz-server-side-encryption", "").startswith("aws:kms"):
        hashes.update(md5_of(etag))
    checksum = headers.get("x-amz-checksum-sha256", "")
    if checksum and "-" not in checksum and headers.get("x-amz-checksum-type") != "COMPOSITE":
        hashes["sha256"] = base64.b64decode(checksum).hex()
    size = headers.get("content-length", "")
    if total := headers.get("content-range", "").rpartition("/")[2]:
        size = total
    return Entry(
        path,
        size=int(size) if size.isdigit() else None,
        mtime_ns=metadata.mtime_ns,
        stored_at_ns=_http_date_ns(headers.get("last-modified", "")),
        version=etag,
        hashes=hashes or None,
        metadata=metadata,
    )


def md5_of(etag: str) -> dict[str, str]:
    """The ETag of an object that came in one piece is its MD5; of parts it is another thing."""
    match = _MD5.fullmatch(etag)
    return {"md5": match.group(1)} if match else {}


def is_etag(version: str) -> bool:
    """Whether a version is named by the ETag of its content, in quotes, and not by a version id."""
    return version.startswith('"')


def format_time(time_ns: int) -> str:
    """Seconds since the epoch in decimal, nine places at most, as many as needed."""
    sign = "-" if time_ns < 0 else ""
    seconds, rest = divmod(abs(time_ns), 1_000_000_000)
    return f"{sign}{seconds}.{rest:09d}".rstrip("0").rstrip(".")


def parse_time(text: str) -> int | None:
    """Nanoseconds since the epoch, or None for what is no time."""
    match = re.fullmatch(r"(-?)(\d{1,12})(?:\.(\d{1,12}))?", text.strip())
    if match is None:
        return None
    sign, seconds, fraction = match.groups()
    value = int(seconds) * 1_000_000_000 + int((fraction or "").ljust(9, "0")[:9])
    return None if value >= _TIME_END else -value if sign else value


def _http_date_ns(text: str) -> int | None:
    try:
        return int(parsedate_to_datetime(text).timestamp()) * 1_000_000_000
    except (ValueError, TypeError, OverflowError):
        return None


def _plain(value: str) -> bool:
    return (
        value != ""
        and value.isascii()
        and value.isprintable()
        and value == value.strip()
        and "=?" not in value
    )


def _text(value: str) -> str:
    # S3 gives back what is not ASCII as RFC 2047 words.
    if "=?" not in value:
        return value
    try:
        words = decode_header(value)
        return "".join(w if isinstance(w, str) else w.decode(c or "ascii") for w, c in words)
    except (ValueError, LookupError):
        return value


def _mode(text: str) -> int | None:
    value = int(text, 8) if re.fullmatch(r"[0-7]{1,8}", text) else _MODE_MAX + 1
    return value & _GIVEN if value <= _MODE_MAX else None


def _xattrs(encoded: Mapping[str, str]) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    for name, value in encoded.items():
        if not name.startswith(_PRIVILEGED):
            with suppress(binascii.Error, ValueError):
                found[name] = base64.b64decode(value)
    return found


def _json(text: str) -> dict[str, str]:
    try:
        found = json.loads(text) if text else {}
    except ValueError:
        return {}
    if not isinstance(found, dict):
        return {}
    return {name: value for name, value in found.items() if isinstance(value, str)}
