"""One signed request to S3, and its answer.

Nothing is tried again here but what the answer itself asks for: another region, a clock put right, expired
credentials renewed. Each of these happens once. All other retrying is the business of whoever calls.
"""

from __future__ import annotations

import hashlib
import http.client
import logging
import re
import socket
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from skycap.cloudproviders.s3.codes import EXPIRED, REDIRECTED, SKEWED
from skycap.cloudproviders.s3.connection import DROPPED, Connections, Server
from skycap.cloudproviders.s3.credentials import Credentials
from skycap.cloudproviders.s3.endpoint import Endpoint
from skycap.cloudproviders.s3.errors import (
    Refusal,
    date_of,
    error_of,
    etag_of,
    is_web_page,
    network_error,
    not_the_store,
    refusal_of,
)
from skycap.cloudproviders.s3.options import S3Options
from skycap.cloudproviders.s3.signing import EMPTY_SHA256, quote_query, sign
from skycap.cloudproviders.s3.splicing import Pipe, plain_socket
from skycap.core.errors import DownloadFailed, Error
from skycap.core.paths import printable
from skycap.core.retry import answered
from skycap.core.storage.source import COPY_BUFFER

_log = logging.getLogger(__name__)
# S3 refuses a signature that is further from its own clock than this.
_SKEW_ALLOWED_S = 900
_IS_ERROR = re.compile(rb"\s*(<\?xml[^>]*>)?\s*<Error[\s>]")
_GOOD = frozenset({200, 204, 206})
_BARE = frozenset({400, 401, 403})
Body = bytes | bytearray | memoryview
Query = Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Answer:
    """Status, headers by lower-case name, and the whole body."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Client:
    """Threads share one."""

    def __init__(
        self,
        options: S3Options,
        endpoint: Endpoint,
        credentials: Credentials,
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.endpoint = endpoint
        self.credentials = credentials
        self.clock = clock
        self.skew_s = 0.0
        """How far the server's clock is ahead of ours; only known once it refused a request for it."""
        self._options = options
        self._connections = Connections(options)
        self._lock = threading.Lock()

    def close(self) -> None:
        """Close the connections that are idle."""
        self._connections.close()

    def where(self, bucket: str, key: str = "") -> str:
        """The place, for messages."""
        return printable(f"s3://{bucket}/{key}" if bucket else self.endpoint.url())

    def request(
        self,
        method: str,
        bucket: str = "",
        key: str = "",
        *,
        query: Query = (),
        headers: Mapping[str, str] | None = None,
        body: Body = b"",
        digest: bytes | None = None,
    ) -> Answer:
        """Send it, and read the whole answer. `digest` is the SHA-256 of `body`, if known already."""
        response, done = self._send(method, bucket, key, query, headers or {}, body, digest)
        where = self.where(bucket, key)
        try:
            content = response.read()
        except (OSError, http.client.HTTPException) as error:
            done(keep=False)
            raise network_error(error, where, self.endpoint.url()) from error
        done(keep=True)
        answer = Answer(response.status, _headers(response), content)
        # A copy or a completed upload can fail after its 200 was sent.
        if method in {"PUT", "POST"} and _IS_ERROR.match(content):
            raise error_of(refusal_of(500, content, answer.headers), where)
        if is_web_page(content):  # of an object it may be the content, but that is read by `stream`
            raise not_the_store("the store answered with a web page", where)
        return answer

    def stream(
        self,
        bucket: str,
        key: str,
        *,
        query: Query = (),
        headers: Mapping[str, str] | None = None,
    ) -> BodyReader:
        """GET an object; its body is read as it is asked for."""
        response, done = self._send("GET", bucket, key, query, headers or {}, b"", None)
        where = self.where(bucket, key)
        reader = BodyReader(response, done, where)
        try:
            etag_of(reader.headers, where)
        except Error:
            reader.close()
            raise
        return reader

    def _send(
        self,
        method: str,
        bucket: str,
        key: str,
        query: Query,
        headers: Mapping[str, str],
        body: Body,
        digest: bytes | None,
    ) -> tuple[http.client.HTTPResponse, Done]:
        mended: set[str] = set()
        while True:
            try:
                response, done = self._send_once(method, bucket, key, query, headers, body, digest)
            except (OSError, http.client.HTTPException) as error:
                if isinstance(error, Error):
                    raise
                raise network_error(error, self.where(bucket, key), self.endpoint.url()) from error
            answered(self.endpoint.url())
            if response.status in _GOOD:
                return response, done
            refusal = self._explained(self._refusal(response, done))
            refused = error_of(refusal, self.where(bucket, key), now=self.clock())
            how = self._mend(refusal, bucket)
            if (not how or how in mended) and method == "HEAD" and _says_too_little(refusal):
                refusal = self._learned(refusal, bucket, key, query, headers)
                refused = error_of(refusal, self.where(bucket, key), now=self.clock())
                how = self._mend(refusal, bucket) if refusal.code else None
            if how and how not in mended:
                mended.add(how)
            else:
                raise refused

    def _send_once(
        self,
        method: str,
        bucket: str,
        key: str,
        query: Query,
        headers: Mapping[str, str],
        body: Body,
        digest: bytes | None,
    ) -> tuple[http.client.HTTPResponse, Done]:
        endpoint = self.endpoint
        server: Server = (endpoint.scheme, *endpoint.server(bucket))
        path, asked = endpoint.path(bucket, key), quote_query(query)
        send = {"host": endpoint.authority(bucket), **headers}
        if len(body):
            send["x-amz-content-sha256"] = digest.hex() if digest else hashlib.sha256(body).hexdigest()
        else:
            send["x-amz-content-sha256"] = EMPTY_SHA256
        keys = self.credentials.keys()
        if keys is not None:
            now = self.clock() + self.skew_s
            sign(keys, endpoint.region, method, path, asked, send, now=now)
        url = f"{path}?{asked}" if asked else path
        while True:
            connection, reused = self._connections.take(server)
            done = Done(self._connections, server, connection)
            try:
                connection.putrequest(method, url, skip_host=True, skip_accept_encoding=True)
                for name, value in send.items():
                    connection.putheader(name, value)
                if len(body) or method in {"PUT", "POST"}:
                    connection.putheader("content-length", str(len(body)))
                connection.endheaders(body if len(body) else None)
                return connection.getresponse(), done
            except DROPPED:
                done(keep=False)
                if not reused:
                    raise
            except BaseException:
                done(keep=False)
                raise

    @staticmethod
    def _refusal(response: http.client.HTTPResponse, done: Done) -> Refusal:
        try:
            content = response.read(64 * 1024)
            done(keep=response.isclosed())
        except (OSError, http.client.HTTPException):
            content = b""
            done(keep=False)
        return refusal_of(response.status, content, _headers(response))

    def _explained(self, refusal: Refusal) -> Refusal:
        """The answer to a HEAD has no code; a clock that is far off tells itself by the date."""
        server = date_of(refusal.headers)
        if refusal.status != 403 or refusal.code or server is None:
            return refusal
        off = abs(self.clock() + self.skew_s - server)
        return replace(refusal, code="RequestTimeTooSkewed") if off > _SKEW_ALLOWED_S else refusal

    def _learned(
        self, refusal: Refusal, bucket: str, key: str, query: Query, headers: Mapping[str, str]
    ) -> Refusal:
        """The same refusal with its code, which only an answer with a body has: ask for one byte."""
        asked = {**headers, "range": "bytes=0-0"}
        try:
            response, done = self._send_once("GET", bucket, key, query, asked, b"", None)
        except (OSError, http.client.HTTPException):
            return refusal
        if response.status in _GOOD:
            done(keep=False)
            return refusal
        told = self._refusal(response, done)
        return told if told.code and told.status in _BARE else refusal

    def _mend(self, refusal: Refusal, bucket: str) -> str | None:
        """Put right what the answer says is wrong with us, and say what it was."""
        if refusal.code in REDIRECTED or (not refusal.code and refusal.status in {301, 307, 400}):
            region = refusal.region
            if region and region != self.endpoint.region:
                _log.info("bucket %s is in region %s", printable(bucket), printable(region))
                self.endpoint = self.endpoint.in_region(region)
                return "region"
        if refusal.code in SKEWED and (server := date_of(refusal.headers)) is not None:
            warned, self.skew_s = self.skew_s, server - self.clock()
            if abs(self.skew_s - warned) > _SKEW_ALLOWED_S:
                _log.warning(
                    "the clock of this machine is %.0f seconds off the server's: set it", abs(self.skew_s)
                )
            return "clock"
        bare = refusal.status == 400 and not refusal.code
        if (bare or refusal.code in EXPIRED) and self.credentials.renew():
            return "credentials"
        return None


class Done:
    """What is to be done with a connection when its answer was read. The first call counts."""

    def __init__(
        self, connections: Connections, server: Server, connection: http.client.HTTPConnection
    ) -> None:
        self._connections = connections
        self._server = server
        self._connection: http.client.HTTPConnection | None = connection
        # The connection forgets its socket where the server closes after the answer.
        self._socket: socket.socket | None = connection.sock

    def be_patient(self) -> None:
        """Wait for each piece of a body as long as the options say, or as a whole try may take."""
        self._connections.be_patient(self._socket)

    def __call__(self, *, keep: bool) -> None:
        """Keep the connection for the next request, or close it."""
        connection, self._connection = self._connection, None
        if connection is None:
            return
        if keep:
            self._connections.give_back(self._server, connection)
        else:
            connection.close()


class BodyReader:
    """The body of an answer as a stream that knows how long it must be."""

    def __init__(self, response: http.client.HTTPResponse, done: Done, where: str) -> None:
        self.headers = _headers(response)
        self._response = response
        self._done = done
        self.where = where
        length = self.headers.get("content-length")
        self._left = int(length) if length is not None and length.isdigit() else None
        self._begun = False
        # The body is read after the try that asked for it: its limit does not hold any more.
        done.be_patient()

    def read(self, size: int = -1, /) -> bytes:
        """At most `size` bytes; `DownloadFailed` where the stream breaks off."""
        if size < 0:
            return b"".join(iter(lambda: self.read(COPY_BUFFER), b""))
        if size == 0 or self._left == 0:
            return b""
        try:
            data = self._response.read(size if self._left is None else min(size, self._left))
        except (OSError, http.client.HTTPException) as error:
            raise self._broken(str(error)) from error
        self._count(len(data))
        return data

    def check_range(self, offset: int) -> None:
        """Raise unless the store heeded the range that was asked for."""
        given = self.headers.get("content-range", "")
        if not given.startswith(f"bytes {offset}-"):
            raise not_the_store("the store does not heed ranges", self.where)

    def readinto(self, buffer: memoryview) -> int:
        """Fill `buffer` as far as the stream goes; how many bytes there were."""
        filled = 0
        try:
            while filled < len(buffer) and self._left != 0:
                count = self._response.readinto(buffer[filled:])
                self._count(count)
                if not count:
                    break
                filled += count
        except (OSError, http.client.HTTPException) as error:
            raise self._broken(str(error)) from error
        return filled

    def splice(self, pipe: Pipe, most: int) -> int:
        """Have the kernel put at most `most` bytes into a pipe; 0 at the end, or where it cannot."""
        source = plain_socket(self._response)
        if source is None or self._left == 0 or most <= 0:
            return 0
        try:
            if self._begun:
                count = pipe.fill(source, most)
            else:  # what came along with the headers is in a buffer here
                self._begun = True
                start = self._response.fp.peek()[:most]
                count = pipe.put(self._response.read(len(start)))
        except (OSError, http.client.HTTPException) as error:
            raise self._broken(str(error)) from error
        self._count(count)
        return count

    def close(self) -> None:
        """Let go of the connection, which is kept if all was read."""
        self._done(keep=self._left == 0)
        self._response.close()

    def _count(self, count: int) -> None:
        if self._left is None:
            return
        if not count:
            raise self._broken(f"{self._left} bytes are missing")
        self._left -= count
        if not self._left:
            self._response.close()
            self._done(keep=True)

    def _broken(self, reason: str) -> DownloadFailed:
        self._done(keep=False)
        return DownloadFailed(f"the download broke off ({printable(reason)})", where=self.where)


def _says_too_little(refusal: Refusal) -> bool:
    """Whether a key that is wrong and one that may not do this look the same."""
    return not refusal.code and refusal.status in _BARE


def _headers(response: http.client.HTTPResponse) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in response.getheaders():
        # http.client reads headers as Latin-1; stores send user metadata in UTF-8.
        found[name.lower()] = value
    return found
