"""Who we are, shown in the way a server asks for: Basic (RFC 7617), Digest (RFC 7616), Bearer (RFC 6750)."""

from __future__ import annotations

import base64
import hashlib
import re
import secrets
import threading
from collections.abc import Mapping
from urllib.parse import urlsplit

from skycap.cloudproviders.webdav.options import WebDavOptions
from skycap.core.errors import ConfigInvalid
from skycap.core.http import Request

_SCHEMES = re.compile(r"(?:^|,)\s*([A-Za-z][A-Za-z0-9_-]*)(?=\s+[A-Za-z0-9_-]+\s*=|\s*(?:,|$))")
_PARAMETER = re.compile(r'([A-Za-z0-9_*-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))')
_HASHES = {"md5": "md5", "sha-256": "sha256", "sha-512-256": "sha512_256"}


def challenges(header: str) -> dict[str, dict[str, str]]:
    """The ways a WWW-Authenticate header offers, by lower-case scheme, each with its parameters."""
    found: dict[str, dict[str, str]] = {}
    # Commas part both schemes and parameters; one in quotes parts neither.
    hidden = re.sub(r'"(?:[^"\\]|\\.)*"', lambda quoted: quoted.group().replace(",", "\0"), header)
    marks = list(_SCHEMES.finditer(hidden))
    ends = [*(mark.start() for mark in marks[1:]), len(header)]
    for mark, end in zip(marks, ends, strict=False):
        text = header[mark.end() : end]
        parameters = {
            name.lower(): re.sub(r"\\(.)", r"\1", quoted) if quoted else plain
            for name, quoted, plain in _PARAMETER.findall(text)
        }
        # Of several digests the first with a hash that is known here.
        known = found.get(mark.group(1).lower())
        if known is None or not _algorithm(known)[0]:
            found[mark.group(1).lower()] = parameters
    return found


def _algorithm(parameters: Mapping[str, str]) -> tuple[str, bool]:
    """The hash of a digest, "" if it is not known here, and whether it is of a session."""
    name = parameters.get("algorithm", "MD5").lower()
    return _HASHES.get(name.removesuffix("-sess"), ""), name.endswith("-sess")


class Authorizer:
    """Gives the header that proves who we are, before each request. Threads share it.

    A password is shown at once only where the connection hides it. Else the server is asked first what it
    wants to see, so that one that takes a digest is never told the password.
    """

    def __init__(self, options: WebDavOptions, *, hidden: bool) -> None:
        if options.token is not None and options.password is not None:
            raise ConfigInvalid("a remote has a password or a token, not both", hint="Take one of them out.")
        self.given = options.token is not None or options.password is not None
        """Whether there is anything to show."""
        self._options = options
        self._lock = threading.Lock()
        self._digest: dict[str, str] | None = None
        self._count = 0
        self._hidden, self._was_digest = hidden, False
        self._basic = options.auth == "basic" or (hidden and options.auth == "auto")

    @property
    def ready(self) -> bool:
        """Whether a request can go out with a proof, and need not be refused first."""
        return not self.given or self._options.token is not None or self._basic or self._digest is not None

    def __call__(self, request: Request) -> Mapping[str, str]:
        """The header for a request."""
        options = self._options
        if options.token is not None:
            return {"authorization": f"Bearer {options.token.reveal()}"}
        if options.password is None:
            return {}
        if request.refused:
            self._learn(request.challenge)
        with self._lock:
            digest = self._digest
            self._count += 1
            count = self._count
        if digest is not None:
            return {"authorization": self._answer(digest, count, request)}
        if self._basic:
            pair = f"{options.user or ''}:{options.password.reveal()}".encode()
            return {"authorization": f"Basic {base64.b64encode(pair).decode('ascii')}"}
        return {}

    def _learn(self, header: str) -> None:
        offered = challenges(header)
        digest = offered.get("digest")
        with self._lock:
            if digest is not None and self._options.auth != "basic" and _algorithm(digest)[0]:
                self._digest, self._count, self._was_digest = digest, 0, True
            elif "basic" in offered and self._options.auth != "digest" and not self._is_fallen_back():
                self._digest, self._basic = None, True

    def _is_fallen_back(self) -> bool:
        """Whether a server that took a digest now wants the password itself, where others could read it."""
        return self._was_digest and not self._hidden and self._options.auth == "auto"

    def learn(self, header: str) -> None:
        """Take up what a server says it wants to see, for the next request."""
        if self._options.password is not None:
            self._learn(header)

    def _answer(self, asked: Mapping[str, str], count: int, request: Request) -> str:
        algorithm, session = _algorithm(asked)

        def hashed(*parts: str) -> str:
            return hashlib.new(algorithm, ":".join(parts).encode(), usedforsecurity=False).hexdigest()

        assert self._options.password is not None  # noqa: S101 - whoever calls has looked
        user, password = self._options.user or "", self._options.password.reveal()
        realm, nonce = asked.get("realm", ""), asked.get("nonce", "")
        parts = urlsplit(request.url)
        uri = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        ours, number = secrets.token_hex(8), f"{count:08x}"
        secret = hashed(user, realm, password)
        if session:
            secret = hashed(secret, nonce, ours)
        what = hashed(request.method, uri)
        quality = "auth" if "auth" in re.split(r"\s*,\s*", asked.get("qop", "")) else ""
        middle = (number, ours, quality) if quality else ()
        fields = {
            "username": user,
            "realm": realm,
            "nonce": nonce,
            "uri": uri,
            "response": hashed(secret, nonce, *middle, what),
        }
        if "opaque" in asked:
            fields["opaque"] = asked["opaque"]
        shown = [f'{name}="{_quoted(value)}"' for name, value in fields.items()]
        if "algorithm" in asked:
            shown.append(f"algorithm={asked['algorithm']}")
        if quality:
            shown += [f"qop={quality}", f"nc={number}"]
        if quality or session:
            shown.append(f'cnonce="{ours}"')
        return f"Digest {', '.join(shown)}"


def _quoted(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"')
