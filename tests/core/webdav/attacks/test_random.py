"""Requests that nobody thought of: no answer is a failure of ours, and the server goes on."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from skycap.core.storage.local import Local
from skycap.core.webdav.methods import ALL, HEAD
from skycap.core.webdav.serving import ServerName
from tests.core.webdav.attacks.conftest import FILES
from tests.core.webdav.attacks.raw import head, wire
from tests.core.webdav.served import fill, served

SEGMENTS = [
    "",
    "a",
    "d",
    "x",
    "s",
    "..",
    ".",
    "%2e%2e",
    "%00",
    "%2F",
    "%",
    "%ff",
    "~$a",
    "._a",
    ".DS_Store",
    "\u00e9",
    "e%CC%81",
]
NONSENSE = st.text(st.characters(blacklist_categories=("Cs", "Cc")), max_size=12)
TOKENS = ["<opaquelocktoken:x>", "<DAV:no-lock>", "Not", "(", ")", '["x"]', "</a>", "<http://h/d>", "[*]"]
VALUES = {
    "Depth": st.sampled_from(["0", "1", "infinity", "Infinity", "2", ""]),
    "Overwrite": st.sampled_from(["T", "F", "t", "x"]),
    "Destination": st.builds("/".join, st.lists(st.sampled_from(SEGMENTS), max_size=4)).map(
        lambda path: f"/{path}"
    ),
    "If": st.lists(st.sampled_from(TOKENS), max_size=6).map(" ".join),
    "If-Match": st.sampled_from(["*", '"x"', 'W/"x"', "x,y"]),
    "If-None-Match": st.sampled_from(["*", '"x"', ""]),
    "If-Modified-Since": st.sampled_from(["Wed, 25 Nov 2026 04:00:00 GMT", "0", ""]),
    "If-Range": st.sampled_from(['"x"', "Wed, 25 Nov 2026 04:00:00 GMT"]),
    "Range": st.sampled_from(["bytes=0-", "bytes=-1", "bytes=5-1", "bytes=0-0,2-2", "bytes=99-", "x=1"]),
    "Timeout": st.sampled_from(["Infinite", "Second-1", "Second-99999999999", "x"]),
    "Lock-Token": st.sampled_from(["<opaquelocktoken:x>", "", "x", "<>"]),
    "X-OC-Mtime": st.sampled_from(["0", "-1", "1.5", "1e9", "999999999999"]),
    "OC-Checksum": st.sampled_from(["SHA1:x", "MD5:", ":", "x"]),
    "X-Expected-Entity-Length": st.sampled_from(["0", "1", "x"]),
    "Content-Type": st.sampled_from(
        ["text/xml", "multipart/form-data", "application/x-sabredav-partialupdate"]
    ),
    "Content-Range": st.sampled_from(["bytes 0-1/2", "x"]),
    "X-Update-Range": st.sampled_from(["bytes=0-1", "append"]),
    "Translate": st.just("f"),
    "Prefer": st.sampled_from(["return=minimal", "depth-noroot", "x"]),
    "Brief": st.just("t"),
    "Authorization": st.sampled_from(
        ["Basic x", "Basic", "Digest x", 'Digest username="a", nonce="b"', "Bearer y"]
    ),
    "Expect": st.just("100-continue"),
    "X-Odd": NONSENSE,
}
ELEMENTS = [
    "propfind",
    "prop",
    "allprop",
    "propname",
    "include",
    "propertyupdate",
    "set",
    "remove",
    "lockinfo",
    "lockscope",
    "exclusive",
    "shared",
    "locktype",
    "write",
    "owner",
    "getetag",
    "getlastmodified",
    "lastmodified",
    "resourcetype",
    "lockdiscovery",
    "displayname",
    "quota-available-bytes",
]


@st.composite
def xml(draw: st.DrawFn, levels: int = 4) -> str:
    """An element of WebDAV with others in it."""
    name = draw(st.sampled_from(ELEMENTS))
    inner = ""
    if levels and draw(st.booleans()):
        inner = "".join(draw(st.lists(xml(levels=levels - 1), max_size=3)))
    else:
        inner = draw(
            st.sampled_from(
                [
                    "",
                    "1",
                    "Wed, 25 Nov 2026 04:00:00 GMT",
                    "nan",
                    "&amp;",
                    "<x/>",
                    '<x:y xmlns:x="urn:x">z</x:y>',
                ]
            )
        )
    space = ' xmlns="DAV:"' if levels == 4 else ""
    return f"<{name}{space}>{inner}</{name}>"


BODIES = st.one_of(st.just(b""), xml().map(str.encode), st.binary(max_size=200))
METHODS = st.one_of(
    st.sampled_from(ALL), st.sampled_from(["POST", "PATCH", "REPORT", "SEARCH", "TRACE", "MKCALENDAR", "X"])
)


@st.composite
def requests(draw: st.DrawFn) -> tuple[str, bytes]:
    """A method, and all of a request."""
    method = draw(METHODS)
    path = "/" + "/".join(draw(st.lists(st.sampled_from(SEGMENTS), max_size=4)))
    names = draw(st.lists(st.sampled_from(sorted(VALUES)), unique=True, max_size=5))
    lines = [f"{name}: {draw(VALUES[name])}" for name in names]
    body = draw(BODIES)
    if draw(st.booleans()):
        lines.append(f"Content-Length: {len(body)}")
    else:
        lines.append("Transfer-Encoding: chunked")
        body = (b"%x\r\n%s\r\n" % (len(body), body) if body else b"") + b"0\r\n\r\n"
    return method, head(method, path, *lines, "Connection: close") + body


@pytest.fixture
def failures() -> Iterator[list[str]]:
    """What is written to the logs as a failure."""

    class Kept(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if record.levelno >= logging.ERROR or record.exc_info:
                found.append(self.format(record))

    found: list[str] = []
    handler = Kept()
    logging.getLogger().addHandler(handler)
    yield found
    logging.getLogger().removeHandler(handler)


@pytest.mark.parametrize("name", ["cheroot", "waitress"])
def test_no_request_is_a_failure_of_ours_and_the_server_goes_on(
    ports: Callable[[ServerName], int], name: ServerName, tmp_path: Path, failures: list[str]
) -> None:
    (tmp_path / "served").mkdir()
    (tmp_path / "beside").write_text("none of yours")
    storage = Local(tmp_path / "served")
    port = ports(name)

    @settings(
        max_examples=200,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )
    @given(requests())
    def fire(asked: tuple[str, bytes]) -> None:
        fill(storage, FILES)
        method, data = asked
        with wire(port) as line:
            line.send(data)
            heard = line.answer(method)
            assert str(tmp_path) not in heard.text
            assert "none of yours" not in heard.text
            assert not line.rest() or (method == HEAD and heard.status == 400)
        assert failures == []

    with served(port, {"": storage}, tmp_path / "state") as client:
        fire()
        storage.write("alive", b"yes")
        assert client("GET", "/alive").body == b"yes"
    assert (tmp_path / "beside").read_text() == "none of yours"
