"""LOCK and UNLOCK on a real socket."""

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from skycap.core.errors import Locked, OutOfSpace
from skycap.core.server.locks import Lock
from skycap.core.storage.entry import Entry
from skycap.core.storage.interface import Storage
from skycap.core.storage.memory import Memory
from tests.core.webdav.served import DAV, Client, fill, lock_info, make_store, served, tree


@pytest.fixture(params=["local", "prefixes"])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> Storage:
    return make_store(request.param, tmp_path / "files")


@pytest.fixture
def client(port: int, storage: Storage, tmp_path: Path) -> Iterator[Client]:
    with served(port, {"": storage}, tmp_path / "state") as client:
        yield client


def test_a_new_lock_is_told_in_the_header_and_in_the_body(client: Client, storage: Storage) -> None:
    fill(storage, {"a": "A"})
    reply = client("LOCK", "/a", lock_info(owner="<D:href>me&amp;<b>you</b></D:href>"), Timeout="Second-600")
    assert reply.status == 200
    token = reply.headers["lock-token"]
    assert token.startswith("<opaquelocktoken:")
    active = next(reply.xml.iter(f"{DAV}activelock"))
    assert active.findtext(f"{DAV}locktoken/{DAV}href") == token.strip("<>")
    assert active.findtext(f"{DAV}depth") == "infinity"
    assert active.findtext(f"{DAV}timeout") == "Second-600"
    assert active.findtext(f"{DAV}owner/{DAV}href") == "me&"
    assert active.findtext(f"{DAV}lockroot/{DAV}href") == "/a"
    assert active.find(f"{DAV}lockscope/{DAV}exclusive") is not None


def test_a_lock_is_never_longer_than_an_hour(client: Client, storage: Storage) -> None:
    fill(storage, {"a": "A"})
    reply = client.lock("/a", Timeout="Infinite, Second-4100000000")
    assert b"Second-3600" in reply.body


def test_who_has_no_token_or_is_somebody_else_cannot_write(client: Client, storage: Storage) -> None:
    fill(storage, {"a": "A"})
    token = client.token("/a", X_User="me")
    assert client("PUT", "/a", "B", X_User="me").status == 423
    assert client("PUT", "/a", "B", X_User="other", If=f"(<{token}>)").status == 423
    assert client.patch("/a", '<p xmlns="x:"/>', X_User="me").status == 423
    assert client("PUT", "/a", "B", X_User="me", If=f"(<{token}>)").status == 204
    assert tree(storage) == {"a": "B"}


def test_locking_what_is_not_there_makes_an_empty_file(client: Client, storage: Storage) -> None:
    reply = client.lock("/new", Depth="0")
    assert reply.status == 201
    assert tree(storage) == {"new": ""}
    token = reply.headers["lock-token"].strip("<>")
    head = client("HEAD", "/new")
    put = client("PUT", "/new", "x", If_Match=head.headers["etag"], If=f"</new> (<{token}>)")
    assert put.status == 204
    assert client("UNLOCK", "/new", Lock_Token=f"<{token}>").status == 204


def test_no_file_is_made_where_a_lock_cannot_be(client: Client, storage: Storage) -> None:
    fill(storage, {"d/": "", "d/x": "X"})
    client.token("/d", X_User="other")
    assert client.lock("/d/new").status == 423
    assert client.lock("/none/new").status == 409
    assert tree(storage) == {"d/x": "X"}


def test_a_collection_whose_members_are_locked_tells_which(client: Client, storage: Storage) -> None:
    fill(storage, {"d/x": "X"})
    client.token("/d/x")
    reply = client.lock("/d")
    assert (reply.status, reply.statuses()) == (207, {"/d/x": 423, "/d/": 424})
    assert client.lock("/d", Depth="0").status == 200
    reply = client.lock("/d/x")
    assert reply.status == 423
    assert b"<D:no-conflicting-lock><D:href>/d/x</D:href>" in reply.body


def test_shared_locks_stand_beside_each_other_and_the_new_one_is_told_first(
    client: Client, storage: Storage
) -> None:
    fill(storage, {"a": "A"})
    first = client.token("/a", "shared")
    reply = client.lock("/a", "shared")
    tokens = [href.text for href in reply.xml.iterfind(f".//{DAV}locktoken/{DAV}href")]
    assert tokens == [reply.headers["lock-token"].strip("<>"), first]
    assert client.lock("/a", "exclusive").status == 423


def test_a_lock_is_refreshed_by_its_token_from_anywhere_below(client: Client, storage: Storage) -> None:
    fill(storage, {"d/x": "X", "other": "O"})
    token = client.token("/d", Timeout="Second-10")
    reply = client("LOCK", "/d/x", If=f"(<{token}>)", Timeout="Second-500")
    assert reply.status == 200
    assert "lock-token" not in reply.headers
    assert b"Second-500" in reply.body
    assert client("LOCK", "/d", If="(<opaquelocktoken:none>)").status == 412
    assert client("LOCK", "/other", If=f"</d> (<{token}>)").status == 412
    assert client("LOCK", "/d", If=f"(<{token}>)", X_User="other").status == 403
    assert client("LOCK", "/other").status == 400


def test_unlock_wants_the_token_of_a_lock_that_holds_it_and_its_owner(
    client: Client, storage: Storage
) -> None:
    fill(storage, {"d/x": "X", "other": "O"})
    token = f"<{client.token('/d')}>"
    assert client("UNLOCK", "/d").status == 400
    reply = client("UNLOCK", "/other", Lock_Token=token)
    assert reply.status == 409
    assert b"<D:lock-token-matches-request-uri/>" in reply.body
    assert client("UNLOCK", "/d", Lock_Token=token, X_User="other").status == 403
    assert client("UNLOCK", "/none", Lock_Token=token).status == 404
    assert client("UNLOCK", "/d/x", Lock_Token=token).status == 204
    assert client.lock("/d").status == 200


def test_a_lock_whose_root_is_gone_is_told_all_the_same(client: Client, storage: Storage) -> None:
    fill(storage, {"d/x": "X"})
    token = client.token("/d")
    storage.remove("d/x")
    if storage.facts.empty_dirs:
        storage.remove("d")
    storage.write("d/y", b"Y")
    reply = client("LOCK", "/d/y", If=f"(<{token}>)")
    assert reply.status == 200
    assert token.encode() in reply.body


@pytest.mark.parametrize(
    "body",
    [
        "<lockinfo/>",
        "no xml",
        '<D:lockinfo xmlns:D="DAV:"/>',
        '<D:lockinfo xmlns:D="DAV:"><D:lockscope><D:none/></D:lockscope></D:lockinfo>',
        '<!DOCTYPE x [<!ENTITY a "b">]><D:lockinfo xmlns:D="DAV:"><D:owner>&a;</D:owner></D:lockinfo>',
    ],
)
def test_a_body_that_asks_for_no_lock_is_refused(client: Client, storage: Storage, body: str) -> None:
    fill(storage, {"a": "A"})
    assert client("LOCK", "/a", body).status == 400
    assert client("LOCK", "/a", lock_info(), Depth="1").status == 400
    assert client.locks.covering(client.key("a")) == ()


def test_elements_that_nobody_knows_are_passed_over(client: Client, storage: Storage) -> None:
    fill(storage, {"a": "A"})
    body = lock_info().replace("<D:owner>", '<!-- x --><more xmlns="x:"/><D:owner>')
    assert client("LOCK", "/a", body).status == 200


def test_of_many_who_lock_at_once_one_gets_it(client: Client, storage: Storage) -> None:
    statuses: list[int] = []

    def lock(number: int) -> None:
        statuses.append(client.lock("/new", X_User=f"user{number}").status)

    threads = [threading.Thread(target=lock, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    first, *others = sorted(statuses)
    assert first in {200, 201}
    assert others == [423] * 7


def test_every_question_of_wsgidav_about_locks_is_answered_by_us() -> None:
    from wsgidav.lock_man.lock_manager import LockManager

    from skycap.core.webdav.dav.lock_manager import OurLockManager

    public = {
        name for name in vars(LockManager) if not name.startswith("_") and callable(vars(LockManager)[name])
    }
    assert public <= set(vars(OurLockManager))


class Full(Memory):
    """Has no room for another file."""

    def write(self, path: str, source: Any, **options: Any) -> Entry:
        raise OutOfSpace("no room for that")


def test_where_no_file_can_be_made_nothing_is_locked(port: int, tmp_path: Path) -> None:
    with served(port, {"": Full()}, tmp_path) as client:
        assert client.lock("/new").status == 507
        assert client.locks.covering(client.key("new")) == ()


def test_locks_outlive_the_server(port: int, tmp_path: Path) -> None:
    storage = Memory()
    fill(storage, {"a": "A"})
    with served(port, {"": storage}, tmp_path) as client:
        token = client.token("/a")
    with served(port, {"": storage}, tmp_path) as client:
        assert client("DELETE", "/a").status == 423
        assert client("UNLOCK", "/a", Lock_Token=f"<{token}>").status == 204


def test_another_door_keeps_us_out_and_we_keep_it_out(client: Client, storage: Storage) -> None:
    fill(storage, {"a": "A", "d/x": "X"})
    client.locks.acquire(Lock.wanted(client.key("d/x"), "id", door="wopi", timeout_s=60))
    assert client("PUT", "/d/x", "Y").status == 423
    assert client.lock("/d/x").status == 423
    assert client("DELETE", "/d").statuses() == {"/d/x": 423}
    client.token("/a")
    with pytest.raises(Locked):
        client.locks.acquire(Lock.wanted(client.key("a"), "id", door="wopi", timeout_s=60))
