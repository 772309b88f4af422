"""DELETE and MKCOL on a real socket."""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from skycap.core.errors import AccessDenied, Error
from skycap.core.storage.capability import Capability
from skycap.core.storage.interface import Storage
from skycap.core.storage.memory import Memory
from tests.core.webdav.served import STORES, Client, fill, make_store, served, tree


@pytest.fixture(params=STORES)
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> Storage:
    return make_store(request.param, tmp_path / "files")


@pytest.fixture
def client(port: int, storage: Storage, tmp_path: Path) -> Iterator[Client]:
    with served(port, {"": storage}, tmp_path / "state") as client:
        yield client


def test_a_file_and_a_tree_are_removed(client: Client, storage: Storage) -> None:
    fill(storage, {"a": "A", "d/x": "X", "d/s/t/u": "U", "e/y": "Y"})
    assert client("DELETE", "/a").status == 204
    assert client("DELETE", "/d/").status == 204
    assert client("DELETE", "/d").status == 404
    assert tree(storage) == {"e/y": "Y"}


def test_a_folder_stays_when_its_last_file_goes(client: Client, storage: Storage) -> None:
    fill(storage, {"d/x": "X", "e/y": "Y"})
    assert client("DELETE", "/d/x").status == 204
    assert client.move("/e/y", "/z").status == 201
    for path in ("/d", "/e"):
        assert client("PROPFIND", path, Depth="0").status == 207
        assert client("MKCOL", path).status == 405
        assert client("DELETE", path).status == 204
        assert client("PROPFIND", path, Depth="0").status == 404


def test_a_collection_is_made_once_and_only_in_another(client: Client, storage: Storage) -> None:
    assert client("MKCOL", "/d").status == 201
    assert client("MKCOL", "/d/e/").status == 201
    assert client("MKCOL", "/d").status == 405
    assert client("MKCOL", "/none/e").status == 409
    assert client("MKCOL", "/f", "<mkcol/>").status == 415
    fill(storage, {"file": "F"})
    assert client("MKCOL", "/file").status == 405
    assert client("MKCOL", "/file/e").status == 409
    assert client("PROPFIND", "/d/e", Depth="0").status == 207


def test_the_mtime_header_gives_a_collection_its_time(client: Client) -> None:
    reply = client("MKCOL", "/d", X_OC_Mtime="1234567890.5")
    assert (reply.status, reply.headers["x-oc-mtime"]) == (201, "accepted")
    assert b"Fri, 13 Feb 2009 23:31:30 GMT" in client("PROPFIND", "/d", Depth="0").body
    assert client("MKCOL", "/e", X_OC_Mtime="soon").status == 400


@pytest.mark.parametrize("headers", [{"Depth": "0"}, {"Depth": "1"}])
def test_a_collection_is_removed_with_all_in_it_or_not_at_all(
    client: Client, storage: Storage, headers: dict[str, str]
) -> None:
    fill(storage, {"d/x": "X"})
    assert client("DELETE", "/d", **headers).status == 400
    assert tree(storage) == {"d/x": "X"}


def test_the_top_stays(client: Client, storage: Storage) -> None:
    fill(storage, {"a": "A"})
    assert client("DELETE", "/").status == 403
    assert client.move("/", "/b").status == 403
    assert tree(storage) == {"a": "A"}


def test_what_was_known_of_it_is_forgotten(client: Client, storage: Storage) -> None:
    fill(storage, {"d/x": "X", "d/y": "Y"})
    assert client.patch("/d/x", '<p xmlns="x:"/>').status == 207
    client.token("/d/y")
    assert client("DELETE", "/d").status == 207
    token = client.locks.at_or_below(client.key("d"))[0].token
    assert client("DELETE", "/d", If=f"</d/y> (<{token}>)").status == 204
    assert client.books.properties(client.key("d/x")) == {}
    assert client.locks.at_or_below(client.key("d")) == ()


def test_what_others_hold_a_lock_on_stays_with_the_collections_it_is_in(
    client: Client, storage: Storage
) -> None:
    fill(storage, {"d/x": "X", "d/s/held": "H", "d/s/free": "F", "d/t/y": "Y"})
    client.token("/d/s/held", X_User="other")
    reply = client("DELETE", "/d")
    assert (reply.status, reply.statuses()) == (207, {"/d/s/held": 423})
    assert {path for path, text in tree(storage).items() if text} == {"d/s/held"}


def test_a_lock_on_the_collection_itself_keeps_all_of_it(client: Client, storage: Storage) -> None:
    fill(storage, {"d/x": "X"})
    client.token("/d", X_User="other")
    for path in ("/d", "/d/x"):
        reply = client("DELETE", path)
        assert reply.status == 423
        assert b"<D:lock-token-submitted><D:href>/d" in reply.body
    assert tree(storage) == {"d/x": "X"}


class Stubborn(Memory):
    """Does not let go of files of one name."""

    def remove(self, path: str, **condition: object) -> None:
        if path.endswith("stuck"):
            raise AccessDenied("permission denied")
        super().remove(path, **condition)  # type: ignore[arg-type]


def test_members_that_cannot_be_removed_are_told_and_no_others(port: int, tmp_path: Path) -> None:
    without = {Capability.LOCAL_PATH, Capability.REMOVE_TREE, Capability.REMOVE_MANY}
    storage = Stubborn(capabilities=frozenset(Capability) - without)
    fill(storage, {"d/a": "A", "d/s/stuck": "S", "d/z": "Z"})
    with served(port, {"": storage}, tmp_path) as client:
        reply = client("DELETE", "/d")
        assert (reply.status, reply.statuses()) == (207, {"/d/s/stuck": 403})
        assert tree(storage) == {"d/s/stuck": "S"}
        assert client("DELETE", "/d/s/stuck").status == 403


def test_a_move_that_cannot_remove_says_so_and_loses_nothing(port: int, tmp_path: Path) -> None:
    four = {Capability.READ, Capability.LIST, Capability.WRITE, Capability.REMOVE}
    storage = Stubborn(capabilities=four)
    fill(storage, {"d/a": "A", "d/stuck": "S", "e/old": "O"})
    with served(port, {"": storage}, tmp_path) as client:
        reply = client.move("/d", "/f")
        assert (reply.status, reply.statuses()) == (207, {"/d/stuck": 403})
        assert tree(storage) == {"d/stuck": "S", "f/a": "A", "f/stuck": "S", "e/old": "O"}


@pytest.mark.skipif(os.name == "nt", reason="needs symbolic links")
def test_links_go_with_their_folder_but_are_not_followed(port: int, tmp_path: Path) -> None:
    storage = make_store("local", tmp_path / "files")
    fill(storage, {"d/x": "X", "kept/y": "Y"})
    (tmp_path / "files" / "d" / "link").symlink_to(tmp_path / "files" / "kept")
    with served(port, {"": storage}, tmp_path / "state") as client:
        assert client("DELETE", "/d").status == 204
    assert tree(storage) == {"kept/y": "Y"}


def test_a_thousand_levels_are_copied_and_removed(port: int, tmp_path: Path) -> None:
    four = {Capability.READ, Capability.LIST, Capability.WRITE, Capability.REMOVE}
    storage = Memory(capabilities=four)
    deep = "/".join("d" for _ in range(1200))
    storage.write(f"{deep}/x", b"X")
    with served(port, {"": storage}, tmp_path) as client:
        assert client.copy("/d", "/e").status == 201
        assert storage.stat(f"e{deep[1:]}/x").size == 1
        assert client("DELETE", "/d").status == 204
        assert [entry.path for entry in storage.scan("")] == ["e"]


class HalfWay(Stubborn):
    """Removes a tree in one go, until something is in the way."""

    def remove_tree(self, path: str) -> None:
        raise AccessDenied("permission denied")

    def remove_many(self, paths: Iterable[str]) -> Iterator[tuple[str, Error | None]]:
        for path in paths:
            try:
                self.remove(path)
            except Error as error:
                yield path, error
            else:
                yield path, None


def test_where_a_tree_does_not_go_at_once_it_goes_file_by_file(port: int, tmp_path: Path) -> None:
    storage = HalfWay()
    fill(storage, {"d/a": "A", "d/b": "B", "d/s/stuck": "S", "d/s/c": "C"})
    with served(port, {"": storage}, tmp_path) as client:
        reply = client("DELETE", "/d")
        assert (reply.status, reply.statuses()) == (207, {"/d/s/stuck": 403})
    assert tree(storage) == {"d/s/stuck": "S"}


def test_a_folder_of_more_files_than_go_at_once(port: int, tmp_path: Path) -> None:
    storage = HalfWay()
    fill(storage, {f"d/{number}": "x" for number in range(2100)})
    with served(port, {"": storage}, tmp_path) as client:
        assert client("DELETE", "/d").status == 204
    assert tree(storage) == {}
