"""Who comes in, on both servers: guesses are slowed down, and a lock is its owner's alone."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from skycap.core.crypto.secret import Secret
from skycap.core.server.admission import Admission
from skycap.core.server.digest import DigestAdmission, put_digest_user
from skycap.core.server.logins import Logins
from skycap.core.server.throttle import Limit, Throttle
from skycap.core.storage.interface import Storage
from skycap.core.webdav.methods import ALL, DELETE, LOCK, MOVE, PROPPATCH, PUT, UNLOCK
from skycap.core.webdav.signing_in import SigningIn
from skycap.core.webdav.signing_in_digest import DigestSigningIn
from tests.core.server.test_digest import answer
from tests.core.webdav.attacks.conftest import FILES
from tests.core.webdav.attacks.raw import Heard, ask, head, quiet, whole, wire
from tests.core.webdav.served import Client, served, tree

PASSWORD = "correct horse"


def basic(password: str = PASSWORD, user: str = "ann") -> str:
    return f"Authorization: Basic {base64.b64encode(f'{user}:{password}'.encode()).decode()}"


def throttle() -> Throttle:
    """Three guesses, and then none for long."""
    return Throttle(address=Limit(3, 1000.0))


def test_without_a_login_no_method_does_or_tells_anything(
    port: int, storage: Storage, tmp_path: Path
) -> None:
    admission = Admission(Logins.of_user("ann", Secret(PASSWORD)))
    with served(port, {"": storage}, tmp_path / "state", signing_in=SigningIn(admission)):
        for method in (*ALL, "POST", "X"):
            for target in ("/", "/a", "/missing", "/d/"):
                heard = quiet(ask(port, whole(method, target, b"", "Destination: /n")))
                assert heard.status == 401
                assert heard.headers["www-authenticate"].startswith("Basic ")
                assert "hello" not in heard.text
        for line in ("", "Basic", "Basic !", "Basic QQ==", "Bearer x", "Basic " + "A" * 10_000, "Basic \xff"):
            assert quiet(ask(port, head("GET", "/a", f"Authorization: {line}"))).status == 401
        assert quiet(ask(port, head("GET", "/a", basic()))).status == 200
    assert tree(storage) == FILES


def test_a_body_that_nobody_may_send_changes_nothing(port: int, storage: Storage, tmp_path: Path) -> None:
    admission = Admission(Logins.of_user("ann", Secret(PASSWORD)))
    with served(port, {"": storage}, tmp_path / "state", signing_in=SigningIn(admission)), wire(port) as line:
        line.send(head(PUT, "/a", "Content-Length: 10", "Expect: 100-continue"))
        line.send(b"0123456789")  # waitress asks for every body before anybody looks
        assert line.answer().status == 401
    assert tree(storage) == FILES


def test_guesses_are_slowed_down_and_who_is_in_stays_in(port: int, storage: Storage, tmp_path: Path) -> None:
    admission = Admission(Logins.of_user("ann", Secret(PASSWORD)), throttle())
    with served(port, {"": storage}, tmp_path / "state", signing_in=SigningIn(admission)):
        for number in range(3):
            assert ask(port, head("GET", "/a", basic(f"guess {number}"))).status == 401
        heard = quiet(ask(port, head("GET", "/a", basic("guess"))))
        assert heard.status == 429
        assert int(heard.headers["retry-after"]) > 0
        assert quiet(ask(port, head("GET", "/a", basic()))).status == 429  # nobody even looks


def test_who_came_in_before_is_not_kept_out_by_guesses(port: int, storage: Storage, tmp_path: Path) -> None:
    admission = Admission(Logins.of_user("ann", Secret(PASSWORD)), throttle())
    with served(port, {"": storage}, tmp_path / "state", signing_in=SigningIn(admission)):
        assert ask(port, head("GET", "/a", basic())).status == 200
        assert [ask(port, head("GET", "/a", basic("guess"))).status for _ in range(5)][-1] == 429
        assert ask(port, head("GET", "/a", basic())).status == 200


def test_a_digest_comes_in_once_and_guesses_are_slowed_down(
    port: int, storage: Storage, tmp_path: Path
) -> None:
    users = str(tmp_path / "users")
    put_digest_user(users, "Ann", Secret(PASSWORD))
    signing_in = DigestSigningIn(DigestAdmission(users, throttle=throttle()))
    with served(port, {"": storage}, tmp_path / "state", signing_in=signing_in):

        def say(said: str, method: str = "GET", target: str = "/a") -> Heard:
            return quiet(ask(port, head(method, target, f"Authorization: {said}")))

        challenge = _challenge(ask(port, head("GET", "/a")))
        said = answer(challenge)
        assert say(said).body == b"hello world"
        again = say(said)
        assert again.status == 401
        assert "stale=true" in again.headers["www-authenticate"]
        assert say(answer(challenge, count=2), target="/d/x").status == 401  # it is for another path
        assert say(answer(challenge, count=2, method="PUT"), method=DELETE).status == 401
        assert say(basic().partition(" ")[2]).status == 401  # a password would be sent in the open
        quoted = answer(challenge, count=3, uri="/d%2fx?y")
        assert say(quoted, target="/d%2fx?y").status == 400  # it is in, and that is no path
        for _ in range(5):
            heard = say(answer(_challenge(ask(port, head("GET", "/a"))), password="guess"))
        assert heard.status == 429
    assert tree(storage) == FILES


def _challenge(heard: Heard) -> str:
    assert heard.status == 401
    return heard.headers["www-authenticate"]


def test_a_lock_is_its_owners_alone_also_for_who_knows_its_token(client: Client, storage: Storage) -> None:
    token = client.token("/a", X_User="ann")
    held = f"If: (<{token}>)"
    for method in (PUT, DELETE, MOVE, PROPPATCH):
        each = '<D:set><D:prop><x xmlns="y"/></D:prop></D:set>'
        body = f'<D:propertyupdate xmlns:D="DAV:">{each}</D:propertyupdate>'.encode()
        asked = whole(
            method, "/a", body if method == PROPPATCH else b"", held, "Destination: /n", "X-User: ben"
        )
        heard = quiet(ask(client.port, asked))
        assert heard.status == 423, method
    assert quiet(ask(client.port, head(LOCK, "/a", held, "X-User: ben", "Content-Length: 0"))).status in {
        403,
        412,
    }
    assert quiet(ask(client.port, head(UNLOCK, "/a", f"Lock-Token: <{token}>", "X-User: ben"))).status == 403
    assert tree(storage) == FILES
    assert quiet(ask(client.port, head(UNLOCK, "/a", f"Lock-Token: <{token}>", "X-User: ann"))).status == 204
    assert client("PUT", "/a", b"x", X_User="ben").status == 204


@pytest.mark.parametrize("name", ["REMOTE_USER", "Remote-User", "X-Remote-User", "X-Forwarded-User"])
def test_no_header_makes_somebody_of_a_client(port: int, storage: Storage, tmp_path: Path, name: str) -> None:
    admission = Admission(Logins.of_user("ann", Secret(PASSWORD)))
    with served(port, {"": storage}, tmp_path / "state", signing_in=SigningIn(admission)):
        assert quiet(ask(port, head("GET", "/a", f"{name}: ann"))).status == 401


def test_no_header_makes_a_client_come_from_elsewhere(port: int, storage: Storage, tmp_path: Path) -> None:
    admission = Admission(Logins.of_user("ann", Secret(PASSWORD)), throttle())
    with served(port, {"": storage}, tmp_path / "state", signing_in=SigningIn(admission)):
        for number in range(4):
            forged = f"X-Forwarded-For: 192.0.2.{number}", f"Forwarded: for=192.0.2.{number}"
            heard = ask(port, head("GET", "/a", basic(f"guess {number}"), *forged))
        assert heard.status == 429
