"""AWS Signature Version 4, for headers and for links.

Source: "Authenticating Requests (AWS Signature Version 4)", Amazon S3 API Reference. botocore holds the same
in a package that takes a quarter of a second to import.
"""

from __future__ import annotations

import hashlib
import hmac
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from urllib.parse import quote

EMPTY_SHA256 = hashlib.sha256(b"").hexdigest()
UNSIGNED = "UNSIGNED-PAYLOAD"
_ALGORITHM = "AWS4-HMAC-SHA256"
_SAFE = "-_.~"


@dataclass(frozen=True, slots=True)
class Keys:
    """What signs a request. `expires_at` is in seconds since the epoch, None if it never does."""

    access_key_id: str
    secret_access_key: str = field(repr=False)
    session_token: str | None = field(default=None, repr=False)
    expires_at: float | None = None


def quote_path(path: str) -> str:
    """The path of a URL in the one form that the signature allows."""
    return quote(path, safe="/" + _SAFE, errors="surrogateescape")


def quote_query(query: Sequence[tuple[str, str]]) -> str:
    """A query in the canonical form: sorted, everything but unreserved characters escaped."""
    pairs = sorted((quote(name, safe=_SAFE), quote(value, safe=_SAFE)) for name, value in query)
    return "&".join(f"{name}={value}" for name, value in pairs)


@lru_cache(8)
def _signing_key(secret: str, date: str, region: str, service: str) -> bytes:
    key = f"AWS4{secret}".encode()
    for part in (date, region, service, "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    return key


def _signature(keys: Keys, stamp: str, region: str, canonical: str) -> tuple[str, str]:
    scope = f"{stamp[:8]}/{region}/s3/aws4_request"
    hashed = hashlib.sha256(canonical.encode()).hexdigest()
    key = _signing_key(keys.secret_access_key, stamp[:8], region, "s3")
    text = f"{_ALGORITHM}\n{stamp}\n{scope}\n{hashed}"
    return scope, hmac.digest(key, text.encode(), "sha256").hex()


def stamp_of(now: float) -> str:
    """The moment as the signature wants it."""
    return time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(now))


def sign(
    keys: Keys, region: str, method: str, path: str, query: str, headers: dict[str, str], *, now: float
) -> None:
    """Add to `headers` what makes the request authentic.

    `path` and `query` are canonical already. Lower-case `host` and `x-amz-content-sha256` must be there.
    """
    stamp = stamp_of(now)
    headers["x-amz-date"] = stamp
    if keys.session_token:
        headers["x-amz-security-token"] = keys.session_token
    names = sorted(name for name in headers if name == "host" or name.startswith("x-amz-"))
    lines = "".join(f"{name}:{' '.join(headers[name].split())}\n" for name in names)
    signed = ";".join(names)
    canonical = f"{method}\n{path}\n{query}\n{lines}\n{signed}\n{headers['x-amz-content-sha256']}"
    scope, signature = _signature(keys, stamp, region, canonical)
    headers["authorization"] = (
        f"{_ALGORITHM} Credential={keys.access_key_id}/{scope}, SignedHeaders={signed}, Signature={signature}"
    )


def presign(
    keys: Keys,
    region: str,
    method: str,
    host: str,
    path: str,
    *,
    expires_s: int,
    now: float,
    query: Mapping[str, str] | None = None,
) -> str:
    """The query of a link that does one thing for whoever holds it, for `expires_s` seconds."""
    stamp = stamp_of(now)
    pairs = {
        "X-Amz-Algorithm": _ALGORITHM,
        "X-Amz-Credential": f"{keys.access_key_id}/{stamp[:8]}/{region}/s3/aws4_request",
        "X-Amz-Date": stamp,
        "X-Amz-Expires": str(expires_s),
        "X-Amz-SignedHeaders": "host",
        **(query or {}),
    }
    if keys.session_token:
        pairs["X-Amz-Security-Token"] = keys.session_token
    canonical_query = quote_query(list(pairs.items()))
    canonical = f"{method}\n{path}\n{canonical_query}\nhost:{host}\n\nhost\n{UNSIGNED}"
    _, signature = _signature(keys, stamp, region, canonical)
    return f"{canonical_query}&X-Amz-Signature={signature}"
