"""Fires the methods of WebDAV at a server, in a folder of their own that is removed at the end."""

from __future__ import annotations

import base64
import http.client
import os
import re
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

from skycap.core.errors import AuthMissing, Error, RateLimited, UsageError

if TYPE_CHECKING:
    import ssl

    from skycap.core.crypto.secret import Secret

TIMEOUT_S = 60.0
_BODY = b"skycap tries this server\n"
_XML = "application/xml; charset=utf-8"
_TIME = "Sat, 31 Jan 2026 12:00:00 GMT"
_PROPFIND = b'<?xml version="1.0"?><D:propfind xmlns:D="DAV:"><D:allprop/></D:propfind>'
_PROPPATCH = (
    '<?xml version="1.0"?><D:propertyupdate xmlns:D="DAV:"><D:set><D:prop><D:getlastmodified>'
    f"{_TIME}</D:getlastmodified></D:prop></D:set></D:propertyupdate>"
).encode()
_LOCK = (
    b'<?xml version="1.0"?><D:lockinfo xmlns:D="DAV:"><D:lockscope><D:exclusive/></D:lockscope>'
    b"<D:locktype><D:write/></D:locktype><D:owner>skycap</D:owner></D:lockinfo>"
)


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back; `status` 0 if nothing did, and then `fault` says why."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    ms: float
    fault: str = ""


@dataclass(frozen=True, slots=True)
class Step:
    """One method: what was expected and what came."""

    method: str
    what: str
    expected: str
    got: str
    ms: float
    passed: bool


class Client:
    """Speaks HTTP to one server, over one connection as long as that lasts."""

    def __init__(
        self, url: str, user: str = "", password: Secret[str] | None = None, ca: str | None = None
    ) -> None:
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise UsageError("this is neither the name of a server nor a URL", where=url)
        if parts.password is not None:
            raise UsageError(
                "a password does not belong into a URL", hint="--user and --password-file take it."
            )
        self.url = url
        self.base = f"{parts.path.rstrip('/')}/"
        self._origin = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
        port = parts.port or {"http": 80, "https": 443}[parts.scheme]
        if parts.scheme == "https":
            self._connection: http.client.HTTPConnection = http.client.HTTPSConnection(
                parts.hostname, port, timeout=TIMEOUT_S, context=_context(ca)
            )
        else:
            self._connection = http.client.HTTPConnection(parts.hostname, port, timeout=TIMEOUT_S)
        self._login: dict[str, str] = {}
        if password is not None:
            pair = f"{user}:{password.reveal()}".encode()
            self._login = {"Authorization": f"Basic {base64.b64encode(pair).decode('ascii')}"}

    def __call__(
        self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> Reply:
        """One request; `path` is below the URL, escaped."""
        began = time.perf_counter()
        try:
            self._connection.request(method, self.base + path, body, {**self._login, **(headers or {})})
            answer = self._connection.getresponse()
            data = answer.read()
        except (OSError, http.client.HTTPException) as error:
            self._connection.close()
            return Reply(0, {}, b"", _ms(began), str(error) or type(error).__name__)
        found = {name.lower(): value for name, value in answer.getheaders()}
        return Reply(answer.status, found, data, _ms(began))

    def absolute(self, path: str) -> str:
        """The whole URL of a path below."""
        return f"{self._origin}{self.base}{path}"

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()


def _ms(began: float) -> float:
    return (time.perf_counter() - began) * 1000


def _context(ca: str | None) -> ssl.SSLContext:
    import ssl

    context = ssl.create_default_context()
    if ca is not None:
        context.load_verify_locations(ca)
    return context


class Probe:
    """The methods in their order. `share` is the path of one below the URL with a slash at its end, or ""."""

    def __init__(self, client: Client, *, share: str = "", read_only: bool = False) -> None:
        self._client = client
        self._top = quote(share)
        self._read_only = read_only
        self._folder = f"{self._top}skycap-test-{os.urandom(6).hex()}/"
        self._made = False

    def steps(self) -> Iterator[Step]:
        """Each step when it is done. What was made is removed at the end, whatever happens.

        `Error` if nobody answers, `AuthMissing` if the login is refused, `RateLimited` after too many.
        """
        yield self._first()
        yield self._step("PROPFIND", "depth 0", 207, self._top, _PROPFIND, Depth="0")
        yield self._step("PROPFIND", "depth 1", 207, self._top, _PROPFIND, Depth="1")
        if self._read_only:
            yield self._step("MKCOL", "is refused", 403, self._folder)
            return
        try:
            yield from self._changes()
        finally:
            if self._made:
                self._client("DELETE", self._folder)

    def _first(self) -> Step:
        reply = self._client("OPTIONS", self._top)
        if not reply.status:
            raise Error(
                f"nobody answers there ({reply.fault})", where=self._client.url, hint="skycap webdav status"
            )
        if reply.status == 401:
            raise AuthMissing(
                "the server lets nobody in without the right name and password",
                where=self._client.url,
                hint="--user and --password-file give them.",
            )
        if reply.status == 429:
            raise RateLimited(
                "there were too many wrong passwords",
                where=self._client.url,
                retry_after=_seconds(reply.headers.get("retry-after")),
            )
        classes = {one.strip() for one in reply.headers.get("dav", "").split(",")}
        return _judged("OPTIONS", "tells its classes", 200, reply, check=lambda _: "1" in classes)

    def _changes(self) -> Iterator[Step]:
        a, b, c = (self._folder + name for name in ("a.txt", "b.txt", "c.txt"))
        made = self._step("MKCOL", "a folder", 201, self._folder)
        self._made = made.passed
        yield made
        if not made.passed:
            return
        yield self._step("PUT", "a new file", 201, a, _BODY)
        yield self._step("GET", "the same bytes", 200, a, check=lambda reply: reply.body == _BODY)
        yield self._step(
            "GET", "a range", 206, a, check=lambda reply: reply.body == _BODY[2:6], Range="bytes=2-5"
        )
        yield self._step(
            "HEAD", "its length", 200, a,
            check=lambda reply: reply.headers.get("content-length") == str(len(_BODY)),
        )  # fmt: skip
        yield self._step(
            "PROPPATCH", "a time", 207, a, _PROPPATCH, check=lambda reply: b" 200 " in reply.body
        )
        yield self._step(
            "PROPFIND", "that time", 207, a, _PROPFIND,
            check=lambda reply: _TIME.encode() in reply.body, Depth="0",
        )  # fmt: skip
        yield self._step("COPY", "to a new name", 201, a, Destination=self._client.absolute(b))
        yield self._step("MOVE", "to a new name", 201, b, Destination=self._client.absolute(c))
        yield self._step("GET", "what moved", 200, c, check=lambda reply: reply.body == _BODY)
        yield self._step("GET", "where it was", 404, b)
        yield from self._locks(a)
        yield from self._conditions(a)
        yield self._step("DELETE", "a file", 204, c)
        gone = self._step("DELETE", "the folder", 204, self._folder)
        self._made = not gone.passed
        yield gone

    def _locks(self, path: str) -> Iterator[Step]:
        reply = self._client(
            "LOCK", path, _LOCK, {"Content-Type": _XML, "Timeout": "Second-60", "Depth": "0"}
        )
        token = reply.headers.get("lock-token", "")
        yield _judged("LOCK", "exclusive", 200, reply, check=lambda _: bool(token))
        yield self._step("PUT", "without the token", 423, path, _BODY)
        yield self._step("PUT", "with it", 204, path, _BODY, If=f"({token})")
        yield self._step("UNLOCK", "", 204, path, Lock_Token=token)

    def _conditions(self, path: str) -> Iterator[Step]:
        etag = self._client("HEAD", path).headers.get("etag", "")
        yield self._step("PUT", "if it is another", 412, path, _BODY, If_Match='"another"')
        yield self._step("PUT", "if it is new", 412, path, _BODY, If_None_Match="*")
        yield self._step("PUT", "if it is the same", 204, path, _BODY, If_Match=etag)

    def _step(
        self,
        method: str,
        what: str,
        expected: int,
        path: str,
        body: bytes | None = None,
        check: Callable[[Reply], bool] = lambda _: True,
        **headers: str,
    ) -> Step:
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if body is not None and method != "PUT":
            sent["Content-Type"] = _XML
        return _judged(method, what, expected, self._client(method, path, body, sent), check=check)


def _judged(
    method: str, what: str, expected: int, reply: Reply, *, check: Callable[[Reply], bool] = lambda _: True
) -> Step:
    right = reply.status == expected
    passed = right and check(reply)
    got = reply.fault or str(reply.status)
    return Step(
        method,
        what,
        str(expected),
        f"{got}, wrong content" if right and not passed else got,
        reply.ms,
        passed,
    )


def _seconds(text: str | None) -> float | None:
    return float(text) if text and re.fullmatch(r"\d+", text) else None
