"""A pooled HTTP client with limits on every wait, errors of ours, and nothing secret in logs.

httpx does the work; nothing of it is seen above, so that a leaner transport can take its place. It is
imported at the first request.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any, Self

from skycap.core.crypto.secret import Secret
from skycap.core.errors import Timeout, UsageError
from skycap.core.http.body import arguments, chunks, is_reader, said
from skycap.core.http.failures import error_for_status, translate, unreached
from skycap.core.http.message import Reader, Request, Response, Stream
from skycap.core.http.redact import guard_loggers, redact, register_secret
from skycap.core.http.tls import Tls
from skycap.core.retry import Caller, Operation, Policies, RetryEvent, answered, remaining

if TYPE_CHECKING:
    import httpx

_ONCE = Policies().merge({"retries": 0, "retry_total": 0}, where="http")


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds: to connect, without a byte in either direction, and for a free connection."""

    connect_s: float = 15.0
    idle_s: float = 60.0
    pool_s: float = 120.0


class Client:
    """Requests to one service. Threads share it.

    `base_url` stands before every URL that is relative. `authorize` gives the headers that prove who we are,
    asked before each try; if it was answered with 401 it is asked once more, `refused` set, and may renew, or
    answer the server's `challenge`.
    `policies` say what is tried again here; none by default, since a storage is retried by its overlay.
    `secrets` are taken out of every log line and error of the process. `proxy` is a URL; without one the
    environment decides (HTTPS_PROXY, NO_PROXY). `transport` replaces what is below httpx.
    """

    def __init__(
        self,
        base_url: str = "",
        *,
        headers: Mapping[str, str] | None = None,
        authorize: Callable[[Request], Mapping[str, str]] | None = None,
        tls: Tls | None = None,
        timeouts: Timeouts | None = None,
        proxy: str | None = None,
        policies: Policies | None = None,
        connections: int = 16,
        secrets: tuple[Secret[str] | Secret[bytes], ...] = (),
        user_agent: str | None = None,
        on_retry: Callable[[RetryEvent], None] | None = None,
        cancelled: threading.Event | None = None,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self.base_url = base_url
        self._headers = {"user-agent": user_agent or f"skycap/{_version()}", **(headers or {})}
        self._authorize = authorize
        self._tls = tls or Tls()
        self._timeouts = timeouts or Timeouts()
        self._proxy = proxy
        self._connections = connections
        self._transport = transport
        self._lock = threading.Lock()
        self._client: httpx.Client | None = None
        self._closed = False
        policies = policies or _ONCE
        self._callers = {
            kind: Caller(policies.of(kind), on_retry=on_retry, cancelled=cancelled) for kind in Operation
        }
        register_secret(*secrets)

    def __repr__(self) -> str:
        return f"Client({redact(self.base_url)!r})"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of all connections. Twice is fine."""
        with self._lock:
            client, self._client, self._closed = self._client, None, True
        if client is not None:
            client.close()

    def request(
        self,
        method: str,
        url: str = "",
        *,
        operation: Operation = Operation.LIST,
        where: str = "",
        ok: tuple[int, ...] = (),
        params: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        content: bytes | memoryview | Reader | None = None,
        size: int | None = None,
        json: Any = None,
        form: Mapping[str, Any] | None = None,
    ) -> Response:
        """Send, and read the whole answer. A status of 400 and more raises, but for those in `ok`.

        `where` is what the request is about, for errors; the URL if not given. `content` is bytes, or a
        reader of `size` bytes (in chunks if None), which is sent once and never again.
        """
        prepared = arguments(params, headers, content, size, json, form)

        def request() -> Response:
            with self._sent(method, url, operation, where, ok, prepared) as answer:
                with self._translated(where or str(answer.url), operation):
                    body = answer.read()
                return Response(answer.status_code, answer.headers, body, str(answer.url))

        request.__name__ = method
        return request() if is_reader(content) else self._callers[operation](request)

    @contextmanager
    def stream(
        self,
        method: str,
        url: str = "",
        *,
        operation: Operation = Operation.DOWNLOAD,
        where: str = "",
        ok: tuple[int, ...] = (),
        params: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        content: bytes | memoryview | Reader | None = None,
        size: int | None = None,
    ) -> Iterator[Stream]:
        """Send, and read the answer as it comes. What breaks before the first byte is tried again."""
        asked = {"accept-encoding": "identity", **(headers or {})}
        prepared = arguments(params, asked, content, size, None, None)

        def request() -> tuple[AbstractContextManager[httpx.Response], httpx.Response]:
            manager = self._sent(method, url, operation, where, ok, prepared)
            return manager, manager.__enter__()

        request.__name__ = method
        manager, answer = request() if is_reader(content) else self._callers[operation](request)
        try:
            yield Stream(
                answer.status_code,
                answer.headers,
                str(answer.url),
                answer.iter_raw(),
                lambda: self._translated(where or str(answer.url), operation),
                has_body=method != "HEAD" and answer.status_code not in {204, 304},
            )
        finally:
            manager.__exit__(None, None, None)

    @contextmanager
    def _sent(
        self,
        method: str,
        url: str,
        operation: Operation,
        where: str,
        ok: tuple[int, ...],
        prepared: dict[str, Any],
    ) -> Iterator[httpx.Response]:
        where = where or url or self.base_url
        answer = self._send(method, url, operation, where, prepared, None)
        try:
            if answer.status_code == 401 and self._authorize and not is_reader(prepared["content"]):
                challenge = answer.headers.get("www-authenticate", "")
                answer.close()
                answer = self._send(method, url, operation, where, prepared, challenge)
            if answer.status_code >= 400 and answer.status_code not in ok:
                raise error_for_status(
                    answer.status_code,
                    answer.headers,
                    where=where,
                    operation=operation,
                    detail=said(answer),
                )
            yield answer
        finally:
            answer.close()

    def _send(
        self,
        method: str,
        url: str,
        operation: Operation,
        where: str,
        prepared: dict[str, Any],
        challenge: str | None,
    ) -> httpx.Response:
        """`challenge` is what the last try was refused with, None for the first."""
        import httpx

        # A limit of nothing would not end a wait: it would make the socket non-blocking.
        if remaining() == 0:
            raise Timeout("the try took too long", where=redact(where), hint="Raise --timeout.")
        limits = self._timeouts
        idle = remaining(limits.idle_s)
        timeout = httpx.Timeout(
            connect=remaining(limits.connect_s), read=idle, write=idle, pool=remaining(limits.pool_s)
        )
        client = self._opened()
        content = prepared["content"]
        body = chunks(content, prepared["size"], where) if is_reader(content) else content
        with self._translated(where, operation):
            given = {name: value for name, value in prepared.items() if name != "size"}
            request = client.build_request(method, url, **{**given, "content": body}, timeout=timeout)
            if self._authorize is not None:
                asked = Request(
                    method, str(request.url), request.headers, challenge is not None, challenge or ""
                )
                request.headers.update(self._authorize(asked))
            server = f"{request.url.scheme}://{request.url.netloc.decode('ascii')}"
            try:
                answer = client.send(request, stream=True)
            except httpx.ConnectError as error:
                raise unreached(error, where, operation, server) from error
            answered(server)
            return answer

    @contextmanager
    def _translated(self, where: str, operation: Operation) -> Iterator[None]:
        import httpx

        try:
            yield
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError) as error:
            ours = translate(error, where, operation)
            # Such an error may quote a header, token and all, and would be shown as the cause.
            hidden = isinstance(error, httpx.LocalProtocolError) or redact(str(error)) != str(error)
            raise ours from (None if hidden else error)

    def _opened(self) -> httpx.Client:
        with self._lock:
            if self._closed:
                raise UsageError("this client is closed", where=redact(self.base_url))
            if self._client is None:
                self._client = self._build()
            return self._client

    def _build(self) -> httpx.Client:
        import httpx

        guard_loggers()
        limits = httpx.Limits(max_connections=self._connections, max_keepalive_connections=self._connections)
        try:
            return httpx.Client(
                base_url=self.base_url,
                headers=self._headers,
                verify=self._tls.context() if self._transport is None else False,
                proxy=self._proxy,
                limits=limits,
                transport=self._transport,
            )
        except (httpx.InvalidURL, ValueError) as error:
            raise translate(
                httpx.UnsupportedProtocol(str(error)), self._proxy or self.base_url, Operation.LIST
            ) from None


def _version() -> str:
    try:
        return version("skycap-core")
    except PackageNotFoundError:
        return "0"
