"""What desktops leave beside files, by policy."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import Any

import pytest

from skycap.core.storage.local import Local
from skycap.core.storage.memory import Memory
from skycap.core.webdav.junk import Junk, is_junk
from tests.core.webdav.served import DAV, Client, Reply, fill, served, tree


class Watched(Memory):
    """Remembers every path that was asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[str] = []

    def stat(self, path: str) -> Any:
        self.asked.append(path)
        return super().stat(path)


@pytest.fixture
def storage() -> Watched:
    return Watched()


@pytest.fixture
def client(port: int, storage: Watched, tmp_path: Path) -> Iterator[Client]:
    with served(port, {"": storage}, tmp_path / "state", junk=Junk("side", str(tmp_path / "side"))) as client:
        yield client


def _hrefs(reply: Reply) -> list[str]:
    return sorted(href.text or "" for href in reply.xml.iterfind(f"{DAV}response/{DAV}href"))


@pytest.mark.parametrize(
    ("name", "junk"),
    [
        ("._a", True),
        (".DS_Store", True),
        ("Thumbs.db", True),
        ("DESKTOP.INI", True),
        (".ql_disablethumbnails", True),
        (".Trashes", True),
        ("._", False),
        (".hidden", False),
        ("mach_kernel", False),
        ("Backups.backupdb", False),
        ("._a.txt~", True),
        ("thumbs.db.txt", False),
        ("DS_Store", False),
    ],
)
def test_which_names_nobody_misses(name: str, junk: bool) -> None:
    assert is_junk(name) is junk


def test_beside_the_storage_it_is_written_read_and_listed_where_it_was_put(
    client: Client, storage: Watched
) -> None:
    fill(storage, {"d/x": "X"})
    assert client("PUT", "/d/._x", "side").status == 201
    assert client("PUT", "/.DS_Store", "top").status == 201
    assert client("MKCOL", "/.Trashes").status == 201
    assert client("PUT", "/.Trashes/gone", "G").status == 201
    assert client("GET", "/d/._x").body == b"side"
    assert _hrefs(client("PROPFIND", "/d", Depth="1")) == ["/d/", "/d/._x", "/d/x"]
    assert _hrefs(client("PROPFIND", "/", Depth="1")) == ["/", "/.DS_Store", "/.Trashes/", "/d/"]
    assert _hrefs(client("PROPFIND", "/.Trashes", Depth="1")) == ["/.Trashes/", "/.Trashes/gone"]
    assert "/.Trashes/gone" in _hrefs(client("PROPFIND", "/", Depth="infinity"))
    assert tree(storage) == {"d/x": "X"}


def test_the_etag_of_a_listing_is_that_of_the_file(client: Client) -> None:
    etag = client("PUT", "/._x", "side").headers["etag"]
    listed = client("PROPFIND", "/", Depth="1").xml
    assert etag in [found.text for found in listed.iter(f"{DAV}getetag")]
    assert client("GET", "/._x", If_None_Match=etag).status == 304


def test_a_probe_for_what_is_not_there_never_reaches_the_storage(client: Client, storage: Watched) -> None:
    for name in ("._.", ".DS_Store", ".Spotlight-V100", ".Trashes", ".ql_disablethumbnails"):
        assert client("PROPFIND", f"/{name}", Depth="0").status == 404
        assert client("GET", f"/d/{name}").status == 404
    assert storage.asked == []


def test_as_finder_copies_a_file(client: Client, storage: Watched) -> None:
    for name in ("/x", "/._x"):
        assert client("PUT", name, b"").status == 201
        reply = client.lock(name, Depth="0", Timeout="Second-600")
        token = reply.headers["lock-token"]
        assert f"<D:lockroot><D:href>{name}</D:href>" in reply.body.decode().replace("ns0:", "D:")
        assert client("PUT", name, "content", If=f"({token})").status == 204
        assert client("PUT", name, "other").status == 423
        assert client("UNLOCK", name, Lock_Token=token).status == 204
    assert tree(storage) == {"x": "content"}


def test_it_goes_where_its_folder_goes(client: Client, storage: Watched) -> None:
    fill(storage, {"d/s/x": "X", "old/y": "Y"})
    for path in ("/d/._a", "/d/s/.DS_Store", "/old/.DS_Store"):
        assert client("PUT", path, path).status == 201
    assert client.copy("/d", "/e").status == 201
    assert client.move("/d", "/old").status == 204
    for path, text in (("/e/._a", "/d/._a"), ("/old/s/.DS_Store", "/d/s/.DS_Store")):
        assert client("GET", path).body.decode() == text
    for path in ("/d/._a", "/old/.DS_Store"):
        assert client("GET", path).status == 404
    assert client("DELETE", "/old").status == 204
    assert client("MKCOL", "/old").status == 201
    assert _hrefs(client("PROPFIND", "/old", Depth="1")) == ["/old/"]


def test_it_can_be_moved_by_itself_and_become_a_file(client: Client, storage: Watched) -> None:
    fill(storage, {"x": "X"})
    assert client("PUT", "/._x", "side").status == 201
    assert client.move("/x", "/y").status == 201
    assert client("GET", "/._x").body == b"side"
    assert client.move("/._x", "/._y").status == 201
    assert client.copy("/._y", "/plain").status == 201
    assert client("DELETE", "/._y").status == 204
    assert tree(storage) == {"y": "X", "plain": "side"}


def test_what_the_storage_has_of_it_is_not_shown(client: Client, storage: Watched) -> None:
    fill(storage, {"d/.DS_Store": "old", "d/x": "X"})
    assert _hrefs(client("PROPFIND", "/d", Depth="1")) == ["/d/", "/d/x"]
    assert client("DELETE", "/d").status == 204
    assert tree(storage) == {}


def test_refused_it_can_be_neither_written_nor_found(port: int, storage: Watched, tmp_path: Path) -> None:
    fill(storage, {"._x": "there", "x": "X"})
    with served(port, {"": storage}, tmp_path, junk=Junk("refuse")) as client:
        assert client("PUT", "/._y", "Y").status == 403
        assert client("MKCOL", "/.Trashes").status == 403
        assert client.copy("/x", "/._y").status == 403
        assert client.lock("/._y").status == 403
        assert client("GET", "/._x").status == 404
        assert client("DELETE", "/._x").status == 404
        assert _hrefs(client("PROPFIND", "/", Depth="1")) == ["/", "/x"]


def test_auto_keeps_it_in_a_local_folder_and_beside_anything_else(port: int, tmp_path: Path) -> None:
    (tmp_path / "near").mkdir()
    near, far = Local(tmp_path / "near"), Memory()
    junk = Junk("auto", str(tmp_path / "side"))
    with served(port, {"near": near, "Far": far}, tmp_path / "state", junk=junk) as client:
        for share in ("near", "Far"):
            assert client("PUT", f"/{share}/.DS_Store", share).status == 201
            assert client("GET", f"/{share}/.DS_Store").body.decode() == share
    assert (tree(near), tree(far)) == ({".DS_Store": "near"}, {})


def test_each_share_has_its_own_and_finds_it_again(port: int, tmp_path: Path) -> None:
    one, two = Memory(), Memory()

    def start() -> AbstractContextManager[Client]:
        junk = Junk("side", str(tmp_path / "side"))
        return served(port, {"one": one, "two": two}, tmp_path / "state", junk=junk)

    with start() as client:
        assert client("PUT", "/one/._x", "1").status == 201
        assert client("GET", "/two/._x").status == 404
    with ExitStack() as stack:
        assert stack.enter_context(start())("GET", "/one/._x").body == b"1"
