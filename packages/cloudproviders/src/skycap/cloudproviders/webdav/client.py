"""One request to a WebDAV server, and its answer: errors of ours, safe redirects, XML as it comes."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any
from urllib.parse import unquote, urljoin, urlsplit

from skycap.cloudproviders.webdav.address import Place
from skycap.cloudproviders.webdav.auth import Authorizer
from skycap.cloudproviders.webdav.errors import error_of, sent_elsewhere
from skycap.cloudproviders.webdav.multistatus import Item, Multistatus, not_webdav
from skycap.cloudproviders.webdav.options import WebDavOptions
from skycap.cloudproviders.webdav.properties import propfind
from skycap.core.errors import ConfigInvalid, TransferFailed
from skycap.core.http import Client, Response, Stream, Timeouts, Tls
from skycap.core.http.body import is_reader
from skycap.core.http.message import Reader
from skycap.core.retry import Operation

_ALL = tuple(range(400, 600))
_PIECE = 64 * 1024
_HOPS = 5
_MOVED = frozenset({301, 302, 303, 307, 308})
_PAGE = re.compile(rb"\s*(?:<!doctype html|<html)", re.IGNORECASE)


class Dav:
    """Threads share one. `place` is where the server is: it changes when the server sends us to https."""

    def __init__(self, options: WebDavOptions, place: Place) -> None:
        self.place = place
        self.auth = Authorizer(options, hidden=place.scheme == "https")
        secret = tuple(one for one in (options.password, options.token) if one is not None)
        self._http = Client(
            authorize=self.auth if self.auth.given else None,
            tls=Tls(ca_bundle=options.ca_bundle, insecure=not options.verify_tls),
            timeouts=Timeouts(options.connect_timeout, options.read_timeout),
            connections=options.connections + 2,  # a listing may be open while files are moved
            secrets=secret,
        )
        self._lock = threading.Lock()
        self.welcome = False
        """Whether the server has let us in."""

    def close(self) -> None:
        """Let go of all connections. Twice is fine."""
        self._http.close()

    def request(
        self,
        method: str,
        url: str,
        *,
        operation: Operation = Operation.LIST,
        where: str,
        ok: tuple[int, ...] = (),
        headers: Mapping[str, str] | None = None,
        content: bytes | memoryview | Reader | None = None,
        size: int | None = None,
        form: Mapping[str, Any] | None = None,
    ) -> Response:
        """Send, and read the whole answer. A status of 400 and more raises, but for those in `ok`."""
        for _ in range(_HOPS):
            answer = self._http.request(
                method,
                url,
                operation=operation,
                where=where,
                ok=_ALL,
                headers=headers,
                content=content,
                size=size,
                form=form,
            )
            target = self._moved(answer.status, answer.headers, url, where)
            if target is None:
                self._check(answer.status, answer.headers, answer.body, where, operation, ok)
                return answer
            if is_reader(content):
                raise TransferFailed("the server moved while a file was sent to it", where=where)
            url = target
        raise sent_elsewhere(where, url)

    @contextmanager
    def stream(
        self,
        method: str,
        url: str,
        *,
        operation: Operation = Operation.DOWNLOAD,
        where: str,
        ok: tuple[int, ...] = (),
        headers: Mapping[str, str] | None = None,
        content: bytes | None = None,
    ) -> Iterator[Stream]:
        """Send, and read the answer as it comes."""
        for _ in range(_HOPS):
            with self._http.stream(
                method, url, operation=operation, where=where, ok=_ALL, headers=headers, content=content
            ) as answer:
                target = self._moved(answer.status, answer.headers, url, where)
                if target is None:
                    body = answer.read(_PIECE) if answer.status >= 400 and answer.status not in ok else b""
                    self._check(answer.status, answer.headers, body, where, operation, ok)
                    yield answer
                    return
            url = target
        raise sent_elsewhere(where, url)

    def items(
        self, method: str, url: str, *, where: str, content: bytes, headers: Mapping[str, str]
    ) -> Iterator[Item]:
        """What a 207 tells, one after another."""
        sent = {"content-type": "application/xml; charset=utf-8", **headers}
        with self.stream(
            method, url, operation=Operation.LIST, where=where, headers=sent, content=content
        ) as answer:
            if answer.status != 207:
                raise not_webdav(where, f"HTTP {answer.status} where 207 is due")
            parser, first = Multistatus(where), True
            while data := answer.read(_PIECE):
                if first and _PAGE.match(data):
                    raise not_webdav(where, "it is a web page")
                first = False
                yield from parser.feed(data)
            yield from parser.close()

    def propfind(self, url: str, depth: str, names: tuple[str, ...], *, where: str) -> Iterator[Item]:
        """What the server tells of a resource (depth 0), of its members too (1), of all below (infinity)."""
        return self.items("PROPFIND", url, where=where, content=propfind(names), headers={"depth": depth})

    def _check(
        self,
        status: int,
        headers: Mapping[str, str],
        body: bytes,
        where: str,
        operation: Operation,
        ok: tuple[int, ...],
    ) -> None:
        if status < 400:
            self.welcome = True
            return
        if status == 401:
            # A body that is read as it is sent was not sent again: the next request knows what to show.
            self.auth.learn(headers.get("www-authenticate", ""))
        if status not in ok:
            raise error_of(
                status,
                headers,
                body,
                where=where,
                operation=operation,
                welcome=self.welcome,
                given=self.auth.given,
            )

    def _moved(self, status: int, headers: Mapping[str, str], url: str, where: str) -> str | None:
        """Where an answer sends us; an error if it is not the same thing on the same server."""
        if status not in _MOVED or "location" not in headers:
            return None
        target = urljoin(url, headers["location"])
        ours, theirs = urlsplit(url), urlsplit(target)
        shown = f"{theirs.scheme}://{theirs.netloc.rpartition('@')[2]}{theirs.path}"
        same_path = unquote(ours.path).rstrip("/") == unquote(theirs.path).rstrip("/")
        if (ours.hostname or "").lower() != (theirs.hostname or "").lower() or not same_path:
            raise sent_elsewhere(where, shown)
        if ours.scheme == "https" and theirs.scheme != "https":
            raise ConfigInvalid(
                f"the server sends us to {shown}, which is not encrypted",
                where=where,
                hint="Write the address with http:// if it is meant so.",
            )
        try:
            port = theirs.port or (443 if theirs.scheme == "https" else 80)
        except ValueError:
            raise sent_elsewhere(where, shown) from None
        if (theirs.scheme, port) != (self.place.scheme, self.place.port):
            if theirs.scheme != "https":  # another port is another server
                raise sent_elsewhere(where, shown)
            with self._lock:
                self.place = replace(self.place, scheme="https", port=port)
        return target
