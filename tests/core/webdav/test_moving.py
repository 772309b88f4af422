"""COPY and MOVE on a real socket, over stores that can do much and little."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from skycap.core.storage.interface import Storage
from tests.core.webdav.served import STORES, Client, fill, make_store, served, tree


@pytest.fixture(params=STORES)
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> Storage:
    return make_store(request.param, tmp_path / "files")


@pytest.fixture
def client(port: int, storage: Storage, tmp_path: Path) -> Iterator[Client]:
    with served(port, {"": storage}, tmp_path / "state") as client:
        yield client


def test_copy_to_a_new_name_is_201_and_over_an_old_one_204(client: Client, storage: Storage) -> None:
    fill(storage, {"a": "A", "b": "B"})
    assert client.copy("/a", "/c").status == 201
    assert client.copy("/a", "/b").status == 204
    assert tree(storage) == {"a": "A", "b": "A", "c": "A"}


def test_move_to_a_new_name_is_201_and_over_an_old_one_204(client: Client, storage: Storage) -> None:
    fill(storage, {"a": "A", "b": "B", "c": "C", "d/x": "X", "e/y": "Y"})
    assert client.move("/a", "/new").status == 201
    assert client.move("/c", "/b").status == 204
    assert client.move("/d/", "/moved/").status == 201
    assert client.move("/moved", "/e").status == 204
    assert tree(storage) == {"new": "A", "b": "C", "e/x": "X"}


def test_depth_0_copies_a_collection_without_its_members(client: Client, storage: Storage) -> None:
    fill(storage, {"d/x": "X", "d/y/z": "Z", "full/q": "Q"})
    assert client.copy("/d", "/e", Depth="0").status == 201
    assert client.copy("/d", "/full/", Depth="0").status == 204
    files = {path for path, text in tree(storage).items() if text}
    assert files == {"d/x", "d/y/z"}
    assert client("MKCOL", "/e").status == 405
    assert client("MKCOL", "/full").status == 405


def test_a_collection_replaces_what_is_at_the_target_wholly(client: Client, storage: Storage) -> None:
    fill(storage, {"d/x": "new", "d/s/t": "T", "e/x": "old", "e/gone": "G", "e/s": "file", "f": "F"})
    assert client.copy("/d/", "/e/").status == 204
    assert client.copy("/d/", "/f").status == 204
    expected = {"x": "new", "s/t": "T"}
    assert tree(storage) == {f"{top}/{path}": text for top in "def" for path, text in expected.items()}


def test_a_file_replaces_a_collection_wholly(client: Client, storage: Storage) -> None:
    fill(storage, {"f": "F", "g": "G", "d/x": "X", "e/s/y": "Y"})
    assert client.copy("/f", "/d").status == 204
    assert client.move("/g", "/e").status == 204
    assert tree(storage) == {"f": "F", "d": "F", "e": "G"}


def test_overwrite_f_leaves_what_is_there(client: Client, storage: Storage) -> None:
    fill(storage, {"a": "A", "b": "B"})
    assert client.copy("/a", "/b", Overwrite="F").status == 412
    assert client.move("/a", "/b", Overwrite="F").status == 412
    assert client.move("/a", "/c", Overwrite="F").status == 201
    assert client.move("/c", "/d", Overwrite="X").status == 400
    assert tree(storage) == {"b": "B", "c": "A"}


@pytest.mark.parametrize(
    ("source", "target", "status"),
    [
        ("/a", "/a", 403),
        ("/d", "/d/", 403),
        ("/d", "/d/e", 403),
        ("/d/x", "/d", 403),
        ("/a", "/", 403),
        ("/a", "/none/a", 409),
        ("/a", "/a/b", 403),
        ("/none", "/b", 404),
        ("/a", "/d/%2e%2e/b", 400),
    ],
)
@pytest.mark.parametrize("method", ["COPY", "MOVE"])
def test_a_target_that_makes_no_sense_is_refused(
    client: Client, storage: Storage, method: str, source: str, target: str, status: int
) -> None:
    fill(storage, {"a": "A", "d/x": "X"})
    assert client.move(source, target, method).status == status
    assert tree(storage) == {"a": "A", "d/x": "X"}


def test_a_target_on_another_server_is_502_and_none_at_all_400(client: Client, storage: Storage) -> None:
    fill(storage, {"a": "A"})
    assert client("COPY", "/a", Destination="http://elsewhere.example/b").status == 502
    assert client("MOVE", "/a").status == 400
    assert client("MOVE", "/a", Destination="/b").status == 201  # an absolute path will do
    assert tree(storage) == {"b": "A"}


@pytest.mark.parametrize(
    "name", ["a b", "50%25", "q?x", "h#m", "p+q", "s;t", "(é)", "n\u0308", "😀", "it's!", "a&b"]
)
def test_any_name_arrives_as_it_was_sent(client: Client, storage: Storage, name: str) -> None:
    from urllib.parse import quote

    fill(storage, {"a": "A", "d/x": "X"})
    assert client.copy("/a", f"/{quote(name)}").status == 201
    assert client.move("/d", f"/d{quote(name)}").status == 201
    assert tree(storage) == {"a": "A", name: "A", f"d{name}/x": "X"}
    assert client("DELETE", f"/{quote(name)}").status == 204
    assert client.move(f"/d{quote(name)}/x", "/y").status == 201


def test_a_move_takes_properties_and_times_along_and_a_copy_too(client: Client, storage: Storage) -> None:
    fill(storage, {"d/x": "X"})
    assert (
        client.patch("/d/x", '<p xmlns="x:">v</p>', "<D:lastmodified>1000000000</D:lastmodified>").status
        == 207
    )
    assert client.patch("/d", '<p xmlns="x:">of the folder</p>').status == 207
    assert client.copy("/d", "/e").status == 201
    assert client.move("/d", "/f").status == 201
    assert client.copy("/f/x", "/y").status == 201
    key = client.app.shares.place("").key  # type: ignore[union-attr]
    for path in ("e/x", "f/x", "y"):
        assert "v</" in client.books.properties(f"{key}/{path}")["{x:}p"], path
        assert _mtime(client, path) == 1_000_000_000, path
    for path in ("e", "f"):
        assert "of the folder" in client.books.properties(f"{key}/{path}")["{x:}p"]
    assert client.books.properties(f"{key}/d") == {}
    assert client.books.properties(f"{key}/d/x") == {}


def _mtime(client: Client, url: str) -> int:
    from skycap.core.webdav.lookup import Lookup

    place = client.app.shares.place(url)
    assert place is not None
    entry = Lookup(client.app.shares, client.books)._ask(place)
    assert entry is not None
    assert entry.mtime_ns is not None
    return entry.mtime_ns // 10**9


def test_what_was_known_of_the_replaced_target_is_forgotten(client: Client, storage: Storage) -> None:
    fill(storage, {"a": "A", "b": "B", "d/x": "X", "e/x": "old", "e/y": "Y"})
    for path in ("/b", "/e/x", "/e/y"):
        assert client.patch(path, '<old xmlns="x:"/>').status == 207
    assert client.copy("/a", "/b").status == 204
    assert client.move("/d", "/e").status == 204
    key = client.app.shares.place("").key  # type: ignore[union-attr]
    assert [client.books.properties(f"{key}/{path}") for path in ("b", "e/x", "e/y")] == [{}, {}, {}]


def test_the_mtime_header_sets_the_time_of_the_copy(client: Client, storage: Storage) -> None:
    fill(storage, {"a": "A"})
    reply = client.copy("/a", "/b", X_OC_Mtime="1234567890")
    assert (reply.status, reply.headers["x-oc-mtime"]) == (201, "accepted")
    assert _mtime(client, "b") == 1_234_567_890


def test_locks_stay_where_they_are(client: Client, storage: Storage) -> None:
    fill(storage, {"a": "A"})
    token = client.token("/a")
    assert client.copy("/a", "/b").status == 201
    assert client.move("/a", "/c").status == 423
    assert client.move("/a", "/c", If=f"(<{token}>)").status == 201
    for path in ("/b", "/c"):
        assert client("DELETE", path).status == 204
    assert client.lock("/a").status == 201
