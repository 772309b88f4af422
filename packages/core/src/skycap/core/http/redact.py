"""What must not be read in a log, an error or a report: taken out of text, headers and log records.

Two nets: what looks like a secret by its place (an Authorization header, a signature in a query, a password
in a URL), and what is one by value, since somebody registered it. The registry is the process's: a secret of
one client must not show in the log line of another.
"""

from __future__ import annotations

import base64
import logging
import re
import threading
from collections.abc import Iterable, Mapping
from urllib.parse import quote, quote_plus

from skycap.core.crypto.secret import Secret

MASK = "***"
_SHORTEST = 4

_HEADERS = frozenset(
    {
        "authorization",
        "cookie",
        "proxy-authorization",
        "set-cookie",
        "x-amz-security-token",
        "x-amz-server-side-encryption-customer-key",
        "x-api-key",
        "x-auth-token",
    }
)
_NAMES = (
    r"(?:x-amz-|x-goog-)(?:signature|credential|security-token)"
    r"|(?:access_?|refresh_?|id_?|auth_?|session_?|sas_?|csrf_?)?token"
    r"|(?:client_?)?secret|secret_?(?:access_?)?key|api_?key|access_?key|private_?key"
    r"|aws_?access_?key_?id|key-pair-id|pass(?:word|wd|phrase)?|pwd|sig|signature|code_verifier|assertion"
    r"|code|otp|totp|jwt|credentials?"
)
_PATTERNS = (
    # https://user:password@host
    (re.compile(r"(?i)\b([a-z][a-z0-9+.-]*://[^\s/:@?#]*):[^\s/@]+@"), rf"\1:{MASK}@"),
    # ?token=..., &X-Amz-Signature=..., also in a form body
    (re.compile(rf"(?i)(?<![\w-])({_NAMES})(=|%3D)[^&\s\"'<>#;,)]+"), rf"\1\2{MASK}"),
    # "password": "..."
    (re.compile(rf"(?i)([\"'](?:{_NAMES})[\"']\s*:\s*)[\"'][^\"']*[\"']"), rf'\1"{MASK}"'),
    # Authorization: AWS4-HMAC-SHA256 ..., to the end of the line
    (
        re.compile(
            r"(?i)\b(" + "|".join(sorted(_HEADERS)) + r")(b?['\"]?\s*[:,]\s*b?)('[^']*'|\"[^\"]*\"|[^\r\n]+)"
        ),
        rf"\1\2{MASK}",
    ),
    (
        re.compile(r"(?i)(?<![-\w])(bearer|basic|digest|negotiate)\s+[\w\-.~+/]{6,}=*"),
        rf"\1 {MASK}",
    ),
)

_lock = threading.Lock()
_values: re.Pattern[str] | None = None
_known: set[str] = set()
_is_stale = False
"""Whether `_values` lacks some of what is known: it takes a while to make, and most runs never need it."""


def register_secret(*secrets: Secret[str] | Secret[bytes]) -> None:
    """Have these values taken out wherever `redact` passes, also quoted for a URL or in base64.

    Values of less than four characters are left out: they would tear holes into innocent words.
    """
    global _is_stale
    forms = {form for secret in secrets for form in _forms(secret)}
    with _lock:
        if forms <= _known:
            return
        _known.update(forms)
        _is_stale = True


def _pattern() -> re.Pattern[str] | None:
    """What matches every known value."""
    global _values, _is_stale
    with _lock:
        if _is_stale:
            longest_first = sorted(_known, key=len, reverse=True)
            _values = re.compile("|".join(map(re.escape, longest_first)))
            _is_stale = False
        return _values


def _forms(secret: Secret[str] | Secret[bytes]) -> Iterable[str]:
    value = secret.reveal()
    raw = value if isinstance(value, bytes) else value.encode("utf-8", "surrogateescape")
    text = raw.decode("utf-8", "backslashreplace")
    encoded = base64.b64encode(raw).decode("ascii").rstrip("=")
    forms = (text, quote(raw, safe=""), quote_plus(raw), encoded, encoded.translate({43: "-", 47: "_"}))
    return [form for form in forms if len(form) >= _SHORTEST] if len(raw) >= _SHORTEST else []


def redact(text: str) -> str:
    """`text` with `***` where something secret stood."""
    known = _pattern()
    if known is not None:
        text = known.sub(MASK, text)
    for pattern, shown in _PATTERNS:
        text = pattern.sub(shown, text)
    return text


def redact_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """Headers for a log: secret ones masked, the others redacted as text."""
    return {name: MASK if name.lower() in _HEADERS else redact(value) for name, value in headers.items()}


class RedactingFilter(logging.Filter):
    """For a logger or a handler: each record's finished message and traceback pass through `redact`."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Always true: nothing is dropped, only changed."""
        message = record.getMessage()
        cleaned = redact(message)
        if cleaned != message:
            record.msg, record.args = cleaned, None
        if record.exc_info and not record.exc_text:
            record.exc_text = logging.Formatter().formatException(record.exc_info)
        if record.exc_text:
            record.exc_text = redact(record.exc_text)
        return True


_FILTER = RedactingFilter()
_LOGGERS = (
    "httpx",
    "httpcore.connection",
    "httpcore.http11",
    "httpcore.http2",
    "httpcore.proxy",
    "httpcore.socks",
)


def guard_loggers() -> None:
    """Put the filter on every logger of the HTTP client; a filter of a parent does not see its children."""
    for name in _LOGGERS:
        logging.getLogger(name).addFilter(_FILTER)
