"""Replays a sequence over a socket, byte by byte as it is written."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterable
from contextlib import closing
from typing import BinaryIO

from tests.core.webdav.sequences.step import Step

_CHUNK = 3000


class Player:
    """A client that says what is written and looks at each answer. `kept` is what steps kept."""

    def __init__(self, port: int, *, refuses_junk: bool = False) -> None:
        self._port = port
        self._refuses_junk = refuses_junk
        self.kept = {"host": f"127.0.0.1:{port}"}

    def play(self, steps: Iterable[Step]) -> bytes:
        """All of them, one after the other; the body of the last answer."""
        body = b""
        connection = self._connect()
        try:
            for step in steps:
                head, body = self._ask(connection, step)
                if re.search(r"(?im)^connection: close", head):
                    connection.close()
                    connection = self._connect()
        finally:
            connection.close()
        return body

    def _connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self._port), timeout=30)

    def _ask(self, connection: socket.socket, step: Step) -> tuple[str, bytes]:
        connection.sendall(self._said(step))
        with closing(connection.makefile("rb")) as stream:
            head, body = _answer(stream, step.head.startswith("HEAD "))
        status = int(head.split()[1])
        told = (step.head, head, body)
        if step.junk and self._refuses_junk:
            assert status == (404 if step.head.startswith("PROPFIND") else 403), told
            self.kept |= dict.fromkeys(step.keeps, "none")
            return head, body
        expected = (step.status,) if isinstance(step.status, int) else step.status
        assert status in expected, told
        headers = {name.lower(): value for name, value in re.findall(r"(?m)^([\w-]+): *([^\r\n]*)", head)}
        for name, pattern in step.needs.items():
            assert re.search(self._filled(pattern), headers.get(name, "(none)")), (name, pattern, told)
        assert not set(step.lacks) & headers.keys(), told
        whole = head + body.decode("utf-8", "replace")
        for pattern in step.hears:
            assert re.search(self._filled(pattern), body.decode()), (pattern, told)
        for pattern in step.never:
            assert not re.search(pattern, body.decode()), (pattern, told)
        for name, pattern in step.keeps.items():
            found = re.search(pattern, whole)
            assert found, (pattern, told)
            self.kept[name] = found[1]
        return head, body

    def _said(self, step: Step) -> bytes:
        first, *headers = (line.strip() for line in self._filled(step.head).strip().splitlines())
        body = step.body.encode() if isinstance(step.body, str) else step.body
        chunked = any(line.lower() == "transfer-encoding: chunked" for line in headers)
        if not any(line.lower().startswith("host:") for line in headers):
            headers.insert(0, f"Host: {self.kept['host']}")
        if body is not None and not chunked:
            headers.append(f"Content-Length: {len(body)}")
        head = "\r\n".join((f"{first} HTTP/1.1", *headers, "", "")).encode()
        if not chunked:
            return head + (body or b"")
        pieces = [(body or b"")[at : at + _CHUNK] for at in range(0, len(body or b""), _CHUNK)]
        return head + b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"

    def _filled(self, text: str) -> str:
        for name, value in self.kept.items():
            text = text.replace(f"{{{name}}}", value)
        return text


def _answer(stream: BinaryIO, headless: bool) -> tuple[str, bytes]:
    """Head and body of the final answer."""
    head = ""
    while not head.endswith("\r\n\r\n"):
        line = stream.readline()
        assert line, f"the connection ended after {head!r}"
        head += line.decode("latin-1")
    status = int(head.split()[1])
    if status == 100:
        return _answer(stream, headless)
    if headless or status in {204, 304}:
        return head, b""
    if re.search(r"(?im)^transfer-encoding: chunked", head):
        body = b""
        while size := int(stream.readline(), 16):
            body += stream.read(size)
            stream.readline()
        stream.readline()
        return head, body
    length = re.search(r"(?im)^content-length: (\d+)", head)
    assert length, f"nothing says where it ends: {head}"
    return head, stream.read(int(length[1]))
