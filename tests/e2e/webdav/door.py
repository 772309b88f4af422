"""A running server as a client meets it: requests on real sockets, and sockets for what no client must do."""

from __future__ import annotations

import http.client
import re
import socket
from collections.abc import Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree as ET

KINDS = ("local", "memory", "s3", "crypt")
SERVERS = ("cheroot", "waitress")
DAV = "{DAV:}"


@dataclass(frozen=True)
class Reply:
    """What came back; header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def found(self, href: str) -> dict[str, str]:
        """Of a 207: the properties that the resource at an href has; of elements in them, the names."""
        return {
            prop.tag: (prop.text or "") + "".join(child.tag for child in prop)
            for response in ET.fromstring(self.body).iter(f"{DAV}response")
            if response.findtext(f"{DAV}href") == href
            for stat in response.iter(f"{DAV}propstat")
            if " 200 " in stat.findtext(f"{DAV}status", "")
            for prop in next(stat.iter(f"{DAV}prop"))
        }

    @property
    def hrefs(self) -> list[str]:
        """Of a 207: whom it is about."""
        return [each.text or "" for each in ET.fromstring(self.body).iterfind(f"{DAV}response/{DAV}href")]


@dataclass(frozen=True)
class Door:
    """A folder of a share behind a server. Paths are below it; header names are given as `if_match="…"`."""

    port: int
    server: str
    pid: int
    base: str = "/"

    def connect(self, *, timeout: float = 120.0) -> http.client.HTTPConnection:
        """A connection that is kept."""
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)

    def __call__(
        self,
        method: str,
        path: str = "",
        body: bytes | str | Iterable[bytes] | None = None,
        /,
        *,
        on: http.client.HTTPConnection | None = None,
        **headers: str,
    ) -> Reply:
        """One request, on a connection of its own or on one that is kept."""
        if on is None:
            with closing(self.connect()) as connection:
                return self(method, path, body, on=connection, **headers)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        data = body.encode() if isinstance(body, str) else body
        on.request(method, self.base + path, data, named)
        answer = on.getresponse()
        told = {name.lower(): value for name, value in answer.getheaders()}
        return Reply(answer.status, told, answer.read())

    def find(self, path: str, depth: str, *names: str) -> Reply:
        """PROPFIND of properties of `DAV:`."""
        asked = "".join(f"<D:{name}/>" for name in names)
        body = f'<D:propfind xmlns:D="DAV:"><D:prop>{asked}</D:prop></D:propfind>'
        return self("PROPFIND", path, body, Depth=depth)

    def move(self, source: str, target: str, **headers: str) -> Reply:
        """MOVE within the folder."""
        return self("MOVE", source, Destination=f"http://127.0.0.1:{self.port}{self.base}{target}", **headers)

    def patch(self, path: str, element: str) -> Reply:
        """PROPPATCH that sets one property."""
        body = f"<D:set><D:prop>{element}</D:prop></D:set>"
        return self("PROPPATCH", path, f'<D:propertyupdate xmlns:D="DAV:">{body}</D:propertyupdate>')

    def lock(self, path: str, **headers: str) -> Reply:
        """LOCK, exclusive."""
        body = (
            '<D:lockinfo xmlns:D="DAV:"><D:lockscope><D:exclusive/></D:lockscope>'
            "<D:locktype><D:write/></D:locktype></D:lockinfo>"
        )
        return self("LOCK", path, body, **headers)

    # Clients that do not behave

    def plain(self, data: bytes = b"", *, receive: int | None = None) -> socket.socket:
        """A socket on which this was said. `receive`: how little its client takes in before it reads."""
        found = socket.socket()
        try:
            if receive is not None:
                found.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive)
            found.settimeout(120)
            found.connect(("127.0.0.1", self.port))
            found.sendall(data)
        except BaseException:
            found.close()
            raise
        return found

    def begin_put(self, path: str, size: int, *, wait: bool = True, headers: str = "") -> socket.socket:
        """A PUT of which nothing came yet but the head; with `wait` the server has asked for the rest."""
        expect = "Expect: 100-continue\r\n" if wait else ""
        head = f"PUT {self.base}{path} HTTP/1.1\r\nHost: x\r\nContent-Length: {size}\r\n{expect}{headers}\r\n"
        found = self.plain(head.encode())
        if wait:
            said = found.recv(1000)
            assert said.startswith(b"HTTP/1.1 100 "), said
        return found


def status_of(connection: socket.socket) -> int:
    """The status of the answer that comes now."""
    said = b""
    while b"\r\n" not in said:
        more = connection.recv(1000)
        assert more, f"it was closed after {said!r}"
        said += more
    return int(said.split()[1])


def memory(pid: int, what: str = "VmHWM") -> int:
    """Bytes of memory of a process: what it has (`VmRSS`), or the most it had (`VmHWM`)."""
    found = re.search(rf"{what}:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    assert found is not None
    return int(found[1]) * 1024


def reset_peak(pid: int) -> int:
    """Let the peak begin anew, at what it has now, which is told."""
    Path(f"/proc/{pid}/clear_refs").write_text("5")
    return memory(pid)
