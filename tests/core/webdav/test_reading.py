"""GET and HEAD: the bytes of one version of a file, whole or in ranges, and pages of folders."""

import email
import http.client
import os
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skycap.core.errors import NotFound, ProviderError
from skycap.core.storage.capability import Capability
from skycap.core.storage.entry import Entry, Metadata
from skycap.core.storage.interface import Storage
from skycap.core.storage.local import Local
from skycap.core.storage.memory import Memory
from skycap.core.webdav.content_types import content_type
from skycap.core.webdav.reading.ranges import Range, Unsatisfiable, parse
from tests.core.webdav.conftest import Serve, both_servers

MOMENT_NS = 1_600_000_000 * 10**9
HTTP_MOMENT = "Sun, 13 Sep 2020 12:26:40 GMT"
CONTENT = bytes(range(256)) * 1200  # more than what is sent at once


@both_servers
def test_a_file_comes_whole_and_head_says_the_same_of_it(serve: Serve, storages: Storage) -> None:
    storages.write("a/large.txt", CONTENT, metadata=Metadata(mtime_ns=MOMENT_NS))
    storages.write("a/small", b"x")
    storages.write("a/empty", b"")
    served = serve(storages)
    for name, content in (("large.txt", CONTENT), ("small", b"x"), ("empty", b"")):
        got, looked = served("GET", f"/a/{name}"), served("HEAD", f"/a/{name}")
        assert (got.status, got.body) == (200, content)
        assert (looked.status, looked.body) == (200, b"")
        for header in ("Content-Length", "Content-Type", "ETag", "Last-Modified", "Accept-Ranges"):
            assert got.headers[header] == looked.headers[header]
        assert got.headers["Content-Length"] == str(len(content))
        assert got.headers["Accept-Ranges"] == "bytes"
        assert got.headers["X-Content-Type-Options"] == "nosniff"
    if "mtime_ns" in storages.facts.scan_fields:
        assert served("HEAD", "/a/large.txt").headers["Last-Modified"] == HTTP_MOMENT
    for missing in ("/a/none", "/a/small/", "/a/small/x"):
        assert served("GET", missing).status == served("HEAD", missing).status == 404


@both_servers
def test_a_range_is_that_part(serve: Serve, storages: Storage) -> None:
    storages.write("f", CONTENT)
    served = serve(storages)
    size = len(CONTENT)
    for said, start, stop in (
        ("bytes=0-0", 0, 1),
        ("bytes=100-299999", 100, 300_000),
        ("bytes=307199-", size - 1, size),
        ("bytes=-5", size - 5, size),
        ("bytes=-9999999", 0, size),
        ("BYTES=5-99999999999999999999999", 5, size),
        ("bytes=5-10,8-20", 5, 21),
    ):
        reply = served("GET", "/f", range=said)
        assert (reply.status, reply.body) == (206, CONTENT[start:stop]), said
        assert reply.headers["Content-Range"] == f"bytes {start}-{stop - 1}/{size}"
        assert reply.headers["Content-Length"] == str(stop - start)
    for ignored in ("lines=1-2", "bytes=2-1", "bytes=x", "bytes", "bytes=", "bytes=-"):
        assert served("GET", "/f", range=ignored).status == 200, ignored
    for past in (f"bytes={size}-", "bytes=-0", "bytes=999999-9999999"):
        reply = served("GET", "/f", range=past)
        assert (reply.status, reply.headers["Content-Range"]) == (416, f"bytes */{size}"), past
    assert served("HEAD", "/f", range="bytes=0-0").status == 200


def test_an_empty_file_has_no_ranges(serve: Serve, storages: Storage) -> None:
    storages.write("f", b"")
    served = serve(storages)
    assert served("GET", "/f", range="bytes=0-").status == 416
    assert served("GET", "/f", range="bytes=-1").status == 416


@both_servers
def test_several_ranges_come_in_parts(serve: Serve, storages: Storage) -> None:
    storages.write("f.txt", CONTENT)
    reply = serve(storages)("GET", "/f.txt", range="bytes=300000-,0-9, 1000-99999")
    assert reply.status == 206
    assert len(reply.body) == int(reply.headers["Content-Length"])
    whole = f"Content-Type: {reply.headers['Content-Type']}\r\n".encode() + reply.body
    parts = email.message_from_bytes(whole).get_payload()
    assert isinstance(parts, list)
    told = [(part["Content-Range"], part.get_payload(decode=True)) for part in parts]
    size = len(CONTENT)
    for (said, _), (start, stop) in zip(told, [(300_000, size), (0, 10), (1000, 100_000)], strict=True):
        assert said == f"bytes {start}-{stop - 1}/{size}"
        assert b"\r\n\r\n" + CONTENT[start:stop] + b"\r\n--" in reply.body
    assert all(part["Content-Type"] == "text/plain" for part in parts)


def test_more_ranges_than_anybody_needs_are_answered_with_all(serve: Serve) -> None:
    storage = Memory()
    storage.write("f", CONTENT)
    many = ",".join(f"{at * 10}-{at * 10 + 1}" for at in range(11))
    assert serve(storage)("GET", "/f", range=f"bytes={many}").status == 200


_numbers = st.integers(0, 40).map(str) | st.just("")
_specs = st.tuples(_numbers, _numbers).map("-".join)


@given(st.lists(_specs, min_size=1, max_size=12), st.integers(0, 30))
def test_ranges_mean_the_bytes_that_the_standard_says(specs: list[str], size: int) -> None:
    def meant(spec: str) -> set[int] | None:
        first, _, last = spec.partition("-")
        if not first and not last:
            return None
        if not first:
            return set(range(size)[-int(last) :]) if int(last) else set()
        if last and int(last) < int(first):
            return None
        return set(range(size)) & set(range(int(first), int(last) + 1 if last else size))

    sets = [meant(spec) for spec in specs]
    header = f"bytes={','.join(specs)}"
    if any(each is None for each in sets):
        assert parse(header, size) is None
        return
    wanted = {position for each in sets if each for position in each}
    if not wanted:
        with pytest.raises(Unsatisfiable):
            parse(header, size)
        return
    found = parse(header, size)
    if found is None:
        assert len(specs) > 10
        return
    told = [position for one in found for position in range(one.start, one.stop)]
    assert len(told) == len(set(told))
    assert set(told) == wanted
    assert len(found) <= 10
    assert all(one.length > 0 for one in found)


def test_ranges_that_do_not_overlap_come_in_the_order_asked_for() -> None:
    assert parse("bytes=5-6,0-1", 10) == [Range(5, 7), Range(0, 2)]


def test_a_range_is_for_the_version_that_the_client_knows(serve: Serve, storages: Storage) -> None:
    storages.write("f", CONTENT, metadata=Metadata(mtime_ns=MOMENT_NS))
    served = serve(storages)
    etag = served("HEAD", "/f").headers["ETag"]
    for if_range, status in ((etag, 206), ('"other"', 200), (f"W/{etag}", 200), ("garbage", 200)):
        assert served("GET", "/f", range="bytes=1-2", if_range=if_range).status == status, if_range
    if "mtime_ns" in storages.facts.scan_fields:
        for if_range, status in ((HTTP_MOMENT, 206), ("Sun, 13 Sep 2020 12:26:41 GMT", 200)):
            assert served("GET", "/f", range="bytes=1-2", if_range=if_range).status == status, if_range
    storages.write("f", CONTENT + b"1")
    assert served("GET", "/f", range="bytes=1-2", if_range=etag).status == 200


@both_servers
def test_what_the_client_has_is_not_sent_again(serve: Serve, storages: Storage) -> None:
    storages.write("f", b"1", metadata=Metadata(mtime_ns=MOMENT_NS))
    served = serve(storages)
    etag = served("HEAD", "/f").headers["ETag"]
    for method in ("GET", "HEAD"):
        reply = served(method, "/f", if_none_match=f'"x", {etag}')
        assert (reply.status, reply.headers["ETag"], reply.body) == (304, etag, b"")
        assert served(method, "/f", if_match='"x"').status == 412
        assert served(method, "/f", if_match=etag).status == 200
    since = served("HEAD", "/f").headers["Last-Modified"]
    assert served("GET", "/f", if_modified_since=since).status == 304


class Swapped(Local):
    """A file that is replaced between the look at it and its opening."""

    swaps = 1

    def local_path(self, path: str) -> str:
        if self.swaps:
            self.swaps -= 1
            self.write(path, b"new" * (self.swaps + 50_000))
        return super().local_path(path)


@pytest.mark.parametrize("swaps", [1, 3])
def test_headers_and_bytes_are_of_one_version_when_a_local_file_is_replaced(
    swaps: int, serve: Serve, tmp_path: Path
) -> None:
    storage = Swapped(tmp_path)
    storage.write("f", b"old")
    storage.swaps = swaps
    served = serve(storage)
    reply = served("GET", "/f")
    assert reply.body == b"new" * 50_000
    assert reply.headers["ETag"] == served("HEAD", "/f").headers["ETag"]


class Renumbered(Swapped):
    """Counts versions in its own way."""

    swaps = 0

    def stat(self, path: str) -> Entry:
        entry = super().stat(path)
        return entry._replace(version=None if entry.is_dir else f"mine-{entry.version}")


@pytest.mark.parametrize("swaps", [0, 1])
def test_a_local_file_may_have_versions_of_another_kind(swaps: int, serve: Serve, tmp_path: Path) -> None:
    storage = Renumbered(tmp_path)
    storage.write("f", b"old" * 50_000)
    storage.swaps = swaps
    served = serve(storage)
    reply = served("GET", "/f")
    assert reply.body == (b"new" if swaps else b"old") * 50_000
    assert reply.headers["ETag"] == served("HEAD", "/f").headers["ETag"]


def test_a_file_that_went_before_it_was_opened_is_not_there(serve: Serve, tmp_path: Path) -> None:
    class Gone(Local):
        def local_path(self, path: str) -> str:
            self.remove(path)
            return super().local_path(path)

    storage = Gone(tmp_path)
    storage.write("f", b"old")
    assert serve(storage)("GET", "/f").status == 404


def test_a_file_that_never_holds_still_is_given_up(serve: Serve, tmp_path: Path) -> None:
    storage = Swapped(tmp_path)
    storage.write("f", b"old")
    storage.swaps = 1000
    reply = serve(storage)("GET", "/f")
    assert (reply.status, reply.headers["Retry-After"]) == (503, "5")


class Racing(Memory):
    """Another version comes in just before a read."""

    races = 1
    tells = True

    def read(self, path: str, **how: Any) -> Any:
        if self.races:
            self.races -= 1
            self.write(path, b"new")
            if how.get("version") is not None:
                raise NotFound("no such version")
        return self._quiet(path, how)

    @contextmanager
    def _quiet(self, path: str, how: dict[str, Any]) -> Iterator[Any]:
        with super().read(path, **how) as reader:
            yield reader if self.tells else _Silent(reader)


class _Silent:
    def __init__(self, reader: Any) -> None:
        self.read = reader.read


@pytest.mark.parametrize("tells", [True, False])
@pytest.mark.parametrize("pins", [True, False])
def test_headers_and_bytes_are_of_one_version_whatever_a_storage_can_tell(
    tells: bool, pins: bool, serve: Serve
) -> None:
    without = set() if pins else {Capability.READ_VERSION}
    storage = Racing(capabilities=Memory.capabilities - without)
    storage.tells = tells
    storage.write("f", b"older")
    served = serve(storage)
    reply = served("GET", "/f")
    assert (reply.status, reply.body, storage.races) == (200, b"new", 0)
    assert reply.headers["ETag"] == served("HEAD", "/f").headers["ETag"]


class Breaking(Memory):
    """Gives out so many bytes of a file, and then no more, or an error."""

    def __init__(self, good: int, *, silently: bool) -> None:
        super().__init__()
        self.good = good
        self.silently = silently

    @contextmanager
    def read(self, path: str, **how: Any) -> Iterator[Any]:
        with super().read(path, **how) as reader:
            yield _Short(reader, self.good, self.silently)


class _Short:
    def __init__(self, reader: Any, good: int, silently: bool) -> None:
        self.reader, self.left, self.silently = reader, good, silently

    def read(self, size: int = -1, /) -> bytes:
        if not self.left and not self.silently:
            raise ProviderError("the store went away")
        data: bytes = self.reader.read(min(size, self.left))
        self.left -= len(data)
        return data


@both_servers
@pytest.mark.parametrize("silently", [True, False])
def test_a_file_that_breaks_off_is_cut_and_no_shorter_file(silently: bool, serve: Serve) -> None:
    storage = Breaking(1 << 20, silently=silently)
    storage.write("f", b"x" * (3 << 20))
    served = serve(storage)
    with pytest.raises((http.client.IncompleteRead, ConnectionError)):
        served("GET", "/f")
    with pytest.raises((http.client.IncompleteRead, ConnectionError)):
        served("GET", "/f", range="bytes=0-2,100-2000000")


@pytest.mark.parametrize(("silently", "status"), [(True, 503), (False, 502)])
def test_what_fails_before_the_first_byte_has_a_status(silently: bool, status: int, serve: Serve) -> None:
    storage = Breaking(0, silently=silently)
    storage.write("f", CONTENT)
    assert serve(storage)("GET", "/f").status == status


@both_servers
@pytest.mark.parametrize("change", ["overwritten", "cut short"])
def test_a_local_file_changed_in_place_while_it_is_sent_is_cut(
    change: str, serve: Serve, tmp_path: Path
) -> None:
    size = 64 << 20
    path = tmp_path / "f"
    with path.open("wb") as stream:
        stream.truncate(size)
    os.utime(path, ns=(MOMENT_NS, MOMENT_NS))
    served = serve(Local(tmp_path))
    with closing(served.connect()) as connection:
        connection.request("GET", "/f")
        answer = connection.getresponse()
        answer.read(1000)
        if change == "overwritten":
            with path.open("r+b") as stream:
                stream.write(b"new")
        else:
            os.truncate(path, 1 << 20)
        with pytest.raises((http.client.IncompleteRead, ConnectionError)):
            answer.read()


@both_servers
def test_a_file_that_is_replaced_while_it_is_sent_comes_as_it_was(serve: Serve, tmp_path: Path) -> None:
    storage = Local(tmp_path)
    storage.write("f", b"o" * (32 << 20))
    served = serve(storage)
    with closing(served.connect()) as connection:
        connection.request("GET", "/f")
        answer = connection.getresponse()
        begun = answer.read(1000)
        storage.write("f", b"new")
        rest = answer.read()
    assert len(begun) + len(rest) == 32 << 20
    assert set(begun) | set(rest) == {ord("o")}


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="only Linux tells them")
@both_servers
def test_files_are_closed_also_when_the_client_goes_away(serve: Serve, tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(CONTENT * 100)
    real = os.path.realpath(tmp_path / "f")
    served = serve(Local(tmp_path))

    def open_now() -> int:
        links = []
        for number in os.listdir("/proc/self/fd"):
            try:
                links.append(os.readlink(f"/proc/self/fd/{number}"))
            except FileNotFoundError:
                continue
        return links.count(real)

    for headers in ({}, {"range": "bytes=5-600000"}, {"range": "bytes=0-100000,200000-400000"}):
        assert served("GET", "/f", **headers).status in {200, 206}
        with closing(served.connect()) as connection:
            connection.request("GET", "/f", headers=headers)
            connection.getresponse().read(10)
    assert served("GET", "/f", range="bytes=0-1").status == 206
    waited = threading.Event()
    for _ in range(500):  # the server learns of it when it next writes
        if not open_now():
            break
        waited.wait(0.02)
    assert open_now() == 0


@both_servers
def test_a_file_of_unknown_size_comes_whole_and_without_ranges(serve: Serve) -> None:
    class Unsized(Memory):
        def stat(self, path: str) -> Entry:
            return super().stat(path)._replace(size=None)

    storage = Unsized(capabilities=Memory.capabilities - {Capability.READ_VERSION})
    storage.write("f", CONTENT)

    @contextmanager
    def read(path: str, **how: Any) -> Iterator[Any]:
        with Memory.read(storage, path, **how) as reader:
            yield _Silent(reader)

    storage.read = read  # type: ignore[method-assign]
    served = serve(storage)
    reply = served("GET", "/f", range="bytes=0-1")
    assert (reply.status, reply.body) == (200, CONTENT)
    assert reply.headers["Accept-Ranges"] == "none"
    assert served("HEAD", "/f").headers["Content-Length"] is None


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []
        self.open: list[str] = []
        self.seen: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.add(tag)
        if tag != "meta":
            self.open.append(tag)
        self.links += [value or "" for name, value in attrs if name == "href"]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@both_servers
def test_a_folder_is_a_page_whose_links_work(serve: Serve, storages: Storage) -> None:
    names = ["<script>alert(1)</script>", "a&b", '"q"', "%41 #?", "\x01", "byte\udcff"]
    for name in names:
        storages.write(f"d/{name.replace('/', '|')}", b"x")
    storages.write("d/sub/f", b"")
    served = serve(storages)
    for path in ("/d", "/d/"):
        reply = served("GET", path)
        assert reply.status == 200
        assert reply.headers["Content-Type"] == "text/html; charset=utf-8"
        assert reply.headers["Content-Security-Policy"].startswith("default-src 'none'")
        assert reply.headers["X-Content-Type-Options"] == "nosniff"
        page = _Page()
        page.feed(reply.body.decode())
        assert page.open == []
        assert "script" not in page.seen
        assert len(page.links) == len(names) + 2
        for link in page.links:
            assert served("GET", link).status == 200
    looked = served("HEAD", "/d/")
    assert (looked.status, looked.body) == (200, b"")
    assert looked.headers["Content-Length"] in {None, reply.headers["Content-Length"]}


@pytest.mark.parametrize(
    ("name", "type_"),
    [
        ("a.TXT", "text/plain"),
        ("a.tar.gz", "application/gzip"),
        ("a.jpg", "image/jpeg"),
        (".gz", "application/octet-stream"),
        ("a", "application/octet-stream"),
        ("data:text.html,x", "application/octet-stream"),
        ("a.html", "text/html"),
    ],
)
def test_the_type_of_a_file_comes_from_its_last_extension(name: str, type_: str) -> None:
    assert content_type(name) == type_


def test_a_page_somebody_stored_may_run_nothing(serve: Serve) -> None:
    storage = Memory()
    storage.write("p.html", b"<script>")
    storage.write("p.txt", b"text")
    served = serve(storage)
    assert served("GET", "/p.html").headers["Content-Security-Policy"] == "sandbox"
    assert served("GET", "/p.txt").headers["Content-Security-Policy"] is None
