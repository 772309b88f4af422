"""One test for each fault that servers of this kind are known for, on both HTTP servers.

The numbers are those of the list that the tests were written from; each name says what must be so.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast
from urllib.parse import quote
from xml.etree import ElementTree as ET

import pytest

from skycap.core.errors import OutOfSpace
from skycap.core.location import Location
from skycap.core.server.locks import open_lock_store
from skycap.core.storage.entry import Entry
from skycap.core.storage.interface import Storage
from skycap.core.storage.memory import Memory
from skycap.core.units import MiB
from skycap.core.webdav.listing.members import DEEP_MAX
from skycap.core.webdav.methods import DELETE, GET, LOCK, MOVE, OPTIONS, PROPFIND, PUT
from skycap.core.webdav.serving import ServerName
from skycap.core.webdav.shares import Share
from tests.core.webdav.attacks.conftest import SERVERS
from tests.core.webdav.attacks.conftest import ports as ports
from tests.core.webdav.attacks.raw import ask, head, quiet, whole, wire
from tests.core.webdav.served import Client, fill, lock_info, make_store, served, tree

FILES = {"a": "hello world", "d/x": "x", "d/s/y": "y"}
TIME = "1700000000"


class Full(Memory):
    """Has no room, once it is told so; takes some bytes before it notices."""

    full = False

    def write(self, path: str, source: Any, **options: Any) -> Entry:
        if self.full:
            if hasattr(source, "read"):
                source.read(1000)
            raise OutOfSpace("no room")
        return super().write(path, source, **options)

    def copy(self, source: str, target: str, **options: Any) -> Entry:
        if self.full:
            raise OutOfSpace("no room")
        return super().copy(source, target, **options)

    def rename(self, source: str, target: str, **options: Any) -> Entry:
        if self.full:
            raise OutOfSpace("no room")
        return super().rename(source, target, **options)


class Told:
    """A server that looks at the status at once."""

    def __init__(self) -> None:
        self.statuses: list[int] = []

    def __call__(self, line: str, _headers: Any) -> None:
        self.statuses.append(int(line.split()[0]))


@pytest.fixture(params=SERVERS)
def port(request: pytest.FixtureRequest, ports: Callable[[ServerName], int]) -> int:
    return ports(cast(ServerName, request.param))


@pytest.fixture
def storage() -> Full:
    storage = Full()
    fill(storage, FILES)
    return storage


@pytest.fixture
def client(port: int, storage: Storage, tmp_path: Path) -> Iterator[Client]:
    with served(port, {"": storage}, tmp_path / "state") as client:
        yield client


def found(client: Client, path: str, name: str) -> ET.Element:
    """One property, by its name in Clark notation."""
    space, _, local = name[1:].rpartition("}")
    body = f'<D:propfind xmlns:D="DAV:"><D:prop><x:{local} xmlns:x="{space}"/></D:prop></D:propfind>'
    reply = client("PROPFIND", path, body, depth="0")
    assert reply.properties() == {name: 200}
    return next(reply.xml.iter(name))


def test_01_the_etag_of_a_listing_is_quoted_as_in_the_header(client: Client) -> None:
    etag = client("GET", "/a").headers["etag"]
    assert re.fullmatch('"[^"]+"', etag)
    assert found(client, "/a", "{DAV:}getetag").text == etag


def test_02_names_of_properties_come_in_a_propstat_of_their_own(client: Client) -> None:
    reply = client("PROPFIND", "/a", '<D:propfind xmlns:D="DAV:"><D:propname/></D:propfind>', depth="0")
    properties = reply.properties()
    assert properties["{DAV:}getetag"] == 200
    assert set(properties.values()) == {200}
    assert not [one.text for one in reply.xml.iter("{DAV:}getetag") if one.text]


@pytest.mark.parametrize("condition", [{"If_Match": "*"}, {"If": "(<opaquelocktoken:bogus>)"}])
@pytest.mark.parametrize("method", ["PUT", "MKCOL", "LOCK"])
def test_03_a_condition_on_what_is_not_there_is_412(
    client: Client, storage: Storage, method: str, condition: dict[str, str]
) -> None:
    body = {"PUT": "x", "MKCOL": None, "LOCK": lock_info()}[method]
    assert client(method, "/missing", body, **condition).status == 412
    assert tree(storage) == FILES


def test_04_a_copy_of_a_full_collection_with_depth_0_copies_no_member(
    client: Client, storage: Storage
) -> None:
    assert client.copy("/d", "/e", depth="0").status == 201
    assert tree(storage) == FILES | {"e/": ""}


@pytest.mark.parametrize("method", ["COPY", "MOVE"])
@pytest.mark.parametrize("source", ["/a", "/d"])
def test_05_a_new_target_is_201_and_a_replaced_one_204(client: Client, source: str, method: str) -> None:
    assert client.copy(source, "/other").status == 201
    assert client.copy(source, "/second").status == 201
    assert client.move("/other", "/new", method).status == 201
    assert client.move("/second", "/new", method).status == 204


@pytest.mark.parametrize("method", ["COPY", "MOVE"])
@pytest.mark.parametrize(("source", "target"), [("/a", "/d/x"), ("/d/s", "/a"), ("/a", "/d"), ("/d", "/t")])
def test_06_a_transfer_that_fails_leaves_the_old_target(
    client: Client, storage: Full, source: str, target: str, method: str
) -> None:
    fill(storage, {"t/old": "old"})
    storage.full = True
    assert client.move(source, target, method).status in {207, 507}
    assert tree(storage) == FILES | {"t/old": "old"}


def test_07_unchanged_has_an_etag_unknown_units_are_passed_over_and_several_ranges_are_parts(
    client: Client,
) -> None:
    etag = client("GET", "/a").headers["etag"]
    unchanged = client("GET", "/a", If_None_Match=etag)
    assert (unchanged.status, unchanged.headers["etag"]) == (304, etag)
    assert client("GET", "/a", Range="lines=0-1").status == 200
    several = client("GET", "/a", Range="bytes=0-0,2-3")
    assert several.status == 206
    assert several.headers["content-type"].startswith("multipart/byteranges; boundary=")
    assert several.body.count(b"Content-Range: bytes") == 2


def test_08_quota_is_told_to_who_asks_for_it_only(client: Client) -> None:
    for body in (None, '<D:propfind xmlns:D="DAV:"><D:allprop/></D:propfind>'):
        assert not [
            name for name in client("PROPFIND", "/d", body, depth="1").properties() if "quota" in name
        ]


@pytest.mark.parametrize("name", ["Photos", "ALL", "Ünïcode", "with space"])
def test_09_a_share_is_found_by_its_name_with_its_capitals(port: int, tmp_path: Path, name: str) -> None:
    storage = Memory()
    fill(storage, FILES)
    with served(port, {name: storage, "other": Memory()}, tmp_path / "state") as client:
        assert client("GET", f"/{quote(name)}/a").body == b"hello world"
        assert client("GET", f"/{quote(name.swapcase())}/a").status == 404 or name == name.swapcase()


@pytest.mark.parametrize("said", [TIME, f"{TIME}.5"])
def test_10_each_way_of_setting_a_time_is_accepted_and_kept(client: Client, said: str) -> None:
    put = client("PUT", "/n", "x", X_OC_Mtime=said)
    assert (put.status, put.headers["x-oc-mtime"]) == (201, "accepted")
    assert client("HEAD", "/n").headers["last-modified"] == "Tue, 14 Nov 2023 22:13:20 GMT"
    date = "Sun, 06 Nov 1994 08:49:37 GMT"
    for one in (
        f'<Z:Win32LastModifiedTime xmlns:Z="urn:schemas-microsoft-com:">{date}</Z:Win32LastModifiedTime>',
        f"<D:getlastmodified>{date}</D:getlastmodified>",
        "<D:lastmodified>784111777</D:lastmodified>",
    ):
        assert client("PUT", "/n", "x", X_OC_Mtime=said).status == 204
        assert set(client.patch("/n", one).properties().values()) == {200}
        assert client("HEAD", "/n").headers["last-modified"] == date


def test_11_a_depth_on_proppatch_means_nothing_and_the_classes_are_three(client: Client) -> None:
    for depth in ("0", "1", "infinity"):
        assert client.patch("/a", "<x xmlns='urn:x'/>", depth=depth).status == 207
    assert client("OPTIONS", "/").headers["dav"] == "1, 2, 3"
    assert client("PUT", "/a", "x", Content_Range="bytes 0-0/1").status == 400
    patched = client("PATCH", "/a", "x", Content_Type="application/x-sabredav-partialupdate")
    assert patched.status == 405
    assert "PUT" in patched.headers["allow"]
    assert client("GET", "/a").body == b"hello world"


def test_12_options_of_the_server_is_complete_and_bad_paths_are_400_with_a_whole_body(client: Client) -> None:
    everything = quiet(ask(client.port, head(OPTIONS, "*")))
    assert everything.status == 200
    assert {PROPFIND, LOCK, MOVE, PUT, DELETE} <= set(re.split(", *", everything.headers["allow"]))
    for path in ("/a%00", "/%00", "/../a", "/d/./x"):
        for method in (GET, PUT, PROPFIND, DELETE):
            heard = quiet(ask(client.port, whole(method, path)))  # reads as much as it was told
            assert heard.status == 400
            assert heard.body


def test_13_a_listing_without_end_is_told_up_to_a_bound_and_refused_beyond_it(
    client: Client, storage: Storage
) -> None:
    assert client("PROPFIND", "/", depth="infinity").status == 207
    for number in range(DEEP_MAX):
        storage.write(f"many/{number}", b"")
    refused = client("PROPFIND", "/", depth="infinity")
    assert refused.status == 403
    assert refused.xml.find("{DAV:}propfind-finite-depth") is not None


def test_14_a_lock_is_told_though_its_root_is_gone(client: Client, storage: Storage) -> None:
    token = client.token("/d", depth="infinity")
    fill(storage, {"d/z": "z"})
    storage.remove_tree("d")
    fill(storage, {"d/x": "again"})
    assert token in "".join(found(client, "/d/x", "{DAV:}lockdiscovery").itertext())


def test_15_what_goes_wrong_while_bytes_come_in_is_told_and_holds_nobody(
    client: Client, storage: Full
) -> None:
    storage.full = True
    with wire(client.port) as line:
        line.send(whole(PUT, "/n", b"x" * MiB))
        heard = line.heard(PUT)
        assert heard is not None
        assert heard.status == 507
    storage.full = False
    assert client("PUT", "/n", b"x" * MiB).status == 201


@pytest.mark.parametrize("name", ["a", "new"])
@pytest.mark.parametrize("how", ["length", "chunks"])
def test_16_an_upload_that_is_cut_leaves_what_was_there(
    client: Client, storage: Storage, name: str, how: str
) -> None:
    lines = {"length": "Content-Length: 100", "chunks": "Transfer-Encoding: chunked"}
    with wire(client.port) as line:
        line.send(head(PUT, f"/{name}", lines[how]) + b"20\r\nonly this")
        line.finish()
    assert client("GET", "/a").body == b"hello world"
    assert tree(storage) == FILES


def test_17_a_new_file_that_cannot_be_stored_is_not_there_afterwards(client: Client, storage: Full) -> None:
    storage.full = True
    assert client("PUT", "/n", b"x").status == 507
    assert client("GET", "/n").status == 404
    assert tree(storage) == FILES


def test_18_what_nobody_wants_is_not_read_to_its_end(
    ports: Callable[[ServerName], int], storage: Full, tmp_path: Path
) -> None:
    """On cheroot the answer comes though most of the body never does. Waitress takes each body first."""
    with served(ports("cheroot"), {"": storage}, tmp_path / "state") as client, wire(client.port) as line:
        line.send(head(PUT, "/%00", f"Content-Length: {400 * MiB}") + b"x" * (2 * MiB))
        assert line.answer(PUT).status == 400
        line.finish()
    assert tree(storage) == FILES


@pytest.mark.parametrize(
    ("condition", "status"), [({"If_Match": '"x"'}, 412), ({}, 507), ({"X_User": "ben"}, 423)]
)
def test_19_a_refusal_after_a_body_keeps_its_status(
    client: Client, storage: Full, condition: dict[str, str], status: int
) -> None:
    if status == 423:
        client.token("/a", X_User="ann")
    storage.full = True
    assert client("PUT", "/a", b"x" * 100_000, **condition).status == status
    assert client("GET", "/a").body == b"hello world"


def test_20_the_status_is_known_before_the_first_byte(client: Client) -> None:
    """As a server sees it that looks at the status before it asks for the body."""
    for method, path, status in (("PUT", "/a", 204), ("DELETE", "/missing", 404), ("MKCOL", "/d", 405)):
        environ: dict[str, Any] = {
            "REQUEST_METHOD": method,
            "REQUEST_URI": path,
            "PATH_INFO": path,
            "CONTENT_LENGTH": "0",
            "wsgi.input": io.BytesIO(),
        }
        start_response = Told()
        client.app(environ, start_response)
        assert start_response.statuses == [status]


def test_21_locks_are_seen_by_every_process_that_serves_the_same(client: Client, tmp_path: Path) -> None:
    token = client.token("/a")
    other = open_lock_store(f"sqlite:///{tmp_path}/state/locks.db")
    try:
        assert [lock.token for lock in other.covering(client.key("a"))] == [token]
    finally:
        other.close()


@pytest.mark.parametrize(
    ("method", "root"), [("PROPFIND", "propfind"), ("PROPPATCH", "propertyupdate"), ("LOCK", "lockinfo")]
)
def test_22_entities_in_a_body_are_refused_whatever_reads_it(client: Client, method: str, root: str) -> None:
    levels = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 10))
    bomb = f'<!DOCTYPE x [<!ENTITY e0 "ha">{levels}]><D:{root} xmlns:D="DAV:">&e9;</D:{root}>'
    reply = client(method, "/a", bomb)
    assert reply.status == 400
    assert b"haha" not in reply.body


def test_what_can_only_be_read_can_be_copied_to_where_it_can_be_written(port: int, tmp_path: Path) -> None:
    source, target = make_store("memory", tmp_path), Memory()
    fill(source, FILES)
    shares = {"box": Share("box", Location(source), read_only=True), "mine": Share("mine", Location(target))}
    with served(port, shares, tmp_path / "state") as client:
        assert "COPY" in client("OPTIONS", "/box/a").headers["allow"]
        assert client("OPTIONS", "/box/a").headers["dav"] == "1"
        assert client("OPTIONS", "/").headers["dav"] == "1, 2, 3"
        assert "LOCK" not in client("OPTIONS", "/").headers["allow"]
        assert client.copy("/box/a", "/mine/a").status == 201
        assert client.copy("/box/d", "/mine/d").status == 201
        assert client.move("/box/a", "/mine/b").status == 403
        assert client.copy("/mine/a", "/box/b").status == 403
        assert client.copy("/box/a", "/box/b").status == 403
        assert client("DELETE", "/box/a").status == 403
    assert tree(target) == FILES
    assert tree(source) == FILES
    with served(port, {"box": Share("box", Location(source), read_only=True)}, tmp_path / "state2") as client:
        assert client("OPTIONS", "/").headers["dav"] == "1"
        assert "COPY" not in client("OPTIONS", "/box/a").headers["allow"]
