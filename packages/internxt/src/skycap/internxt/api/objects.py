"""The bytes: sent and fetched by links that carry their own permission, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from skycap.core.errors import ProviderError
from skycap.core.http import Client, Stream, Timeouts, Tls
from skycap.core.retry import Operation
from skycap.core.storage.source import BinaryReader
from skycap.internxt.api.direct import Body, Direct, has_proxy
from skycap.internxt.api.errors import object_error

_ANY = tuple(range(400, 600))
_TYPE = {"content-type": "application/octet-stream"}


class Objects:
    """The object storage. Threads share it."""

    def __init__(self, *, tls: Tls, timeouts: Timeouts, connections: int = 8) -> None:
        self._client = Client(tls=tls, timeouts=timeouts, connections=connections)
        self._direct = Direct(tls, timeouts, connections)

    def close(self) -> None:
        """Let go of all connections. Twice is fine."""
        self._client.close()
        self._direct.close()

    def put(self, url: str, content: bytes | BinaryReader, size: int, *, where: str) -> str:
        """Send exactly `size` bytes; the ETag, "" where the store tells none."""
        answer = self._client.request(
            "PUT",
            url,
            operation=Operation.UPLOAD,
            where=where,
            ok=_ANY,
            headers=_TYPE,
            content=content,
            size=size,
        )
        if answer.status >= 400:
            raise object_error(answer.status, answer.headers, where=where, operation=Operation.UPLOAD)
        return answer.headers.get("etag", "")

    @contextmanager
    def get(self, url: str, offset: int, length: int, size: int, *, where: str) -> Iterator[BinaryReader]:
        """`length` bytes from `offset` of an object of `size` bytes, as they come."""
        whole = offset == 0 and length == size
        headers = {} if whole else {"range": f"bytes={offset}-{offset + length - 1}"}
        with self._asked(url, headers, where) as answer:
            if answer.status >= 400:
                raise object_error(answer.status, answer.headers, where=where, operation=Operation.DOWNLOAD)
            if not whole and answer.status != 206:
                raise ProviderError("the store gives no part of an object", where=where)
            if answer.length is not None and answer.length != length:
                raise ProviderError(
                    f"the store gives {answer.length} bytes of {length}", where=where, retryable=True
                )
            yield answer

    @contextmanager
    def _asked(self, url: str, headers: Mapping[str, str], where: str) -> Iterator[Stream | Body]:
        if has_proxy(url):
            with self._client.stream(
                "GET", url, operation=Operation.DOWNLOAD, where=where, ok=_ANY, headers=headers
            ) as stream:
                yield stream
        else:
            with self._direct.get(url, headers, where=where) as body:
                yield body
