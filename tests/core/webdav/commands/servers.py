"""Servers as they are started by people: processes of their own, that say when they are ready."""

from __future__ import annotations

import base64
import http.client
import os
import signal
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import NamedTuple
from urllib.parse import urlsplit

SKYCAP = (sys.executable, "-m", "skycap.core")


class Reply(NamedTuple):
    """What a server answered."""

    status: int
    headers: dict[str, str]
    body: bytes


class Ended(NamedTuple):
    """How a process ended, and all it said."""

    status: int
    out: str
    err: str


def ask(
    url: str,
    method: str,
    path: str = "",
    body: bytes | None = None,
    *,
    login: tuple[str, str] | None = None,
    ca: str | None = None,
    **headers: str,
) -> Reply:
    """One request to a server, which is trusted by nothing but `ca`."""
    parts = urlsplit(url)
    assert parts.hostname
    if parts.scheme == "https":
        context = ssl.create_default_context(cafile=ca)
        context.verify_flags |= ssl.VERIFY_X509_STRICT
        connection: http.client.HTTPConnection = http.client.HTTPSConnection(
            parts.hostname, parts.port, timeout=60, context=context
        )
    else:
        connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=60)
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    if login is not None:
        sent["Authorization"] = f"Basic {base64.b64encode(':'.join(login).encode()).decode()}"
    try:
        connection.request(method, f"/{path}", body, sent)
        answer = connection.getresponse()
        return Reply(answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read())
    finally:
        connection.close()


@dataclass
class Server:
    """A running `skycap webdav serve`."""

    process: subprocess.Popen[bytes]
    first: str
    heard: list[str] = field(default_factory=list)

    @property
    def url(self) -> str:
        """Where it is, as it said itself."""
        return self.first.removeprefix("ready ").strip()

    @property
    def port(self) -> int:
        """The port of that."""
        found = urlsplit(self.url).port
        assert found is not None
        return found

    def ask(self, method: str, path: str = "", body: bytes | None = None, **more: object) -> Reply:
        """One request."""
        return ask(self.url, method, path, body, **more)  # type: ignore[arg-type]

    def wait_until_it_says(self, word: str) -> None:
        """Read standard error up to a line with this word."""
        assert self.process.stderr is not None
        while line := self.process.stderr.readline().decode():
            self.heard.append(line)
            if word in line:
                return
        raise AssertionError(f"it never said {word!r}: {self.heard}")

    def stop(self, number: int = signal.SIGTERM) -> Ended:
        """Send a signal, and wait for the end."""
        self.process.send_signal(number)
        return self.end()

    def end(self) -> Ended:
        """Wait for the end."""
        out, err = self.process.communicate(timeout=120)
        return Ended(self.process.returncode, self.first + out.decode(), "".join(self.heard) + err.decode())


@contextmanager
def serving(*args: str | os.PathLike[str], env: dict[str, str] | None = None) -> Iterator[Server]:
    """A server while entered; it must become ready."""
    process = subprocess.Popen(
        [*SKYCAP, "webdav", "serve", *map(str, args)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, **(env or {})},
    )
    assert process.stdout is not None
    assert process.stderr is not None
    try:
        first = process.stdout.readline().decode()
        if not first:
            raise AssertionError(f"it was never ready: {process.communicate()[1].decode()}")
        yield Server(process, first)
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
        process.stderr.close()


def fails(
    *args: str | os.PathLike[str], stdin: bytes | None = None, env: dict[str, str] | None = None
) -> Ended:
    """A `skycap webdav` that ends by itself."""
    done = subprocess.run(
        [*SKYCAP, "webdav", *map(str, args)],
        input=stdin or b"",
        capture_output=True,
        env={**os.environ, **(env or {})},
        timeout=120,
        check=False,
    )
    return Ended(done.returncode, done.stdout.decode(), done.stderr.decode())


def half_an_upload(url: str, path: str) -> socket.socket:
    """A PUT whose body is wanted, and has come half."""
    connection = socket.create_connection(("127.0.0.1", urlsplit(url).port or 80), timeout=60)
    head = f"PUT /{path} HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\nExpect: 100-continue\r\n\r\n"
    connection.sendall(head.encode())
    assert connection.recv(1000).startswith(b"HTTP/1.1 100 "), "it is at work"
    connection.sendall(b"first")
    return connection
