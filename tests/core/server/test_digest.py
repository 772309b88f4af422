"""Digest authentication: what is right comes in once, and nothing else does."""

from __future__ import annotations

import hashlib
import os
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skycap.core.crypto.secret import Secret
from skycap.core.errors import ConfigInvalid, NotFound, UsageError
from skycap.core.server.digest import (
    DigestAdmission,
    Judged,
    put_digest_user,
    read_digest_users,
    remove_digest_user,
)
from skycap.core.server.digest.header import parse
from skycap.core.server.digest.nonces import LIFE_S, Nonces
from skycap.core.server.throttle import Limit, Throttle

ADDRESS = "192.0.2.1"
NAMES = {"SHA-256": "sha256", "MD5": "md5"}


class Clock:
    """Time that passes when it is told to."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


def answer(
    challenge: str,
    user: str = "Ann",
    password: str = "correct horse",
    *,
    method: str = "GET",
    uri: str = "/a",
    count: int = 1,
    **other: str,
) -> str:
    """What a client of RFC 7616 says to a challenge, written from the RFC. `other` replaces parameters."""
    said = dict(re.findall(r'(\w+)="?([^",]*)"?', challenge))

    def digest(text: str) -> str:
        return hashlib.new(NAMES[said["algorithm"]], text.encode()).hexdigest()

    first, second = digest(f"{user}:{said['realm']}:{password}"), digest(f"{method}:{uri}")
    response = digest(f"{first}:{said['nonce']}:{count:08x}:0a4f113b:auth:{second}")
    parameters = {
        "username": f'"{user}"',
        "realm": f'"{said["realm"]}"',
        "uri": f'"{uri}"',
        "algorithm": said["algorithm"],
        "nonce": f'"{said["nonce"]}"',
        "nc": f"{count:08x}",
        "cnonce": '"0a4f113b"',
        "qop": "auth",
        "response": f'"{response}"',
    } | other
    return "Digest " + ", ".join(f"{name}={value}" for name, value in parameters.items() if value)


@pytest.fixture
def users(tmp_path: Path) -> str:
    path = str(tmp_path / "users")
    put_digest_user(path, "Ann", Secret("correct horse"))
    return path


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def admission(users: str, clock: Clock) -> DigestAdmission:
    return DigestAdmission(
        users, throttle=Throttle(address=Limit(3, 10.0), clock=clock), nonces=Nonces(clock=clock)
    )


@pytest.mark.parametrize("algorithm", NAMES)
def test_who_knows_the_password_comes_in_by_either_algorithm(
    admission: DigestAdmission, algorithm: str
) -> None:
    (challenge,) = [one for one in admission.challenges() if f"algorithm={algorithm}," in one]
    assert admission.admit(ADDRESS, "GET", "/a", answer(challenge)) == Judged("Ann")


def test_the_better_algorithm_is_offered_first(admission: DigestAdmission) -> None:
    first, second = admission.challenges()
    assert "SHA-256" in first
    assert "MD5" in second
    assert 'qop="auth"' in first


def test_the_published_example_of_the_two_halves_is_what_is_stored(tmp_path: Path) -> None:
    """`printf 'Mufasa:skycap:Circle of Life' | sha256sum`, and `md5sum`."""
    path = str(tmp_path / "users")
    put_digest_user(path, "Mufasa", Secret("Circle of Life"))
    text = b"Mufasa:skycap:Circle of Life"
    wanted = f"Mufasa:{hashlib.sha256(text).hexdigest()}:{hashlib.md5(text).hexdigest()}\n"
    assert Path(path).read_text() == wanted


def test_the_example_of_the_documentation_is_right(tmp_path: Path) -> None:
    page = Path(__file__).parents[3] / "docs/formats/digest-users.md"
    path = tmp_path / "users"
    path.write_text(page.read_text().partition("```text\n")[2].partition("```")[0])
    path.chmod(0o600)
    admission = DigestAdmission(str(path))
    for number in range(2):
        challenge = admission.challenges()[number]
        assert admission.admit(ADDRESS, "GET", "/a", answer(challenge, "ann")) == Judged("ann")


@pytest.mark.parametrize(
    "wrong",
    [
        {"user": "Ben"},
        {"password": "wrong"},
        {"method": "DELETE"},
        {"uri": "/b"},
        {"response": '"' + "0" * 64 + '"'},
        {"response": '""'},
        {"qop": "auth-int"},
        {"qop": ""},
        {"realm": '"other"'},
        {"nc": "1"},
        {"nc": "0000000g"},
        {"cnonce": ""},
        {"algorithm": "MD5-sess"},
        {"algorithm": "SHA-512-256"},
        {"algorithm": ""},
        {"userhash": "true"},
        {"username": '"Ann", username="Ann"'},
        {"nonce": '"x"'},
        {"username*": "UTF-8''Ann"},
    ],
)
def test_what_is_not_wholly_right_does_not_come_in(admission: DigestAdmission, wrong: dict[str, str]) -> None:
    said = answer(admission.challenges()[0], **wrong)  # type: ignore[arg-type]
    assert admission.admit(ADDRESS, "GET", "/a", said).user is None


@pytest.mark.parametrize(
    "said", [None, "", "Digest", "Digest ,", 'Digest a="b', "Basic QW5uOng=", "Digest " + "a=b, " * 10_000]
)
def test_what_is_no_digest_is_asked_for_again_and_is_no_guess(
    admission: DigestAdmission, said: str | None
) -> None:
    for _ in range(10):
        assert admission.admit(ADDRESS, "GET", "/a", said) == Judged()


def test_a_request_that_was_overheard_does_not_come_in_again(admission: DigestAdmission) -> None:
    challenge = admission.challenges()[0]
    said = answer(challenge)
    assert admission.admit(ADDRESS, "GET", "/a", said) == Judged("Ann")
    assert admission.admit(ADDRESS, "GET", "/a", said) == Judged(stale=True)
    assert admission.admit(ADDRESS, "GET", "/a", answer(challenge, count=2)) == Judged("Ann")


def test_requests_may_overtake_each_other(admission: DigestAdmission) -> None:
    challenge = admission.challenges()[0]
    for count in (5, 3, 4, 1, 300, 299):
        assert admission.admit(ADDRESS, "GET", "/a", answer(challenge, count=count)).user == "Ann"
    for count in (3, 5, 2, 300, 0):  # counted already, or so far behind that nobody knows
        assert admission.admit(ADDRESS, "GET", "/a", answer(challenge, count=count)).user is None


def test_a_nonce_that_is_too_old_is_stale_and_asks_nobody_for_a_password(
    admission: DigestAdmission, clock: Clock
) -> None:
    challenge = admission.challenges()[0]
    clock.now += LIFE_S + 1
    assert admission.admit(ADDRESS, "GET", "/a", answer(challenge)) == Judged(stale=True)
    assert "stale=true" in admission.challenges(stale=True)[0]


def test_a_nonce_of_another_server_is_stale(admission: DigestAdmission, users: str) -> None:
    said = answer(DigestAdmission(users).challenges()[0])
    assert admission.admit(ADDRESS, "GET", "/a", said) == Judged(stale=True)


def test_who_guesses_has_to_wait(admission: DigestAdmission, clock: Clock) -> None:
    for _ in range(3):
        assert (
            admission.admit(ADDRESS, "GET", "/a", answer(admission.challenges()[0], password="no"))
            == Judged()
        )
    right = answer(admission.challenges()[0])
    assert admission.admit(ADDRESS, "GET", "/a", right) == Judged(retry_after_s=10)
    assert admission.admit("198.51.100.1", "GET", "/a", right) == Judged("Ann")
    clock.now += 10
    assert admission.admit(ADDRESS, "GET", "/a", answer(admission.challenges()[0])) == Judged("Ann")


def test_users_come_and_go_while_it_runs(admission: DigestAdmission, users: str) -> None:
    put_digest_user(users, "Jäsøn", Secret("pässword"))
    for said in (
        answer(admission.challenges()[0], "Jäsøn", "pässword"),
        answer(
            admission.challenges()[0],
            "Jäsøn",
            "pässword",
            username="",
            **{"username*": "UTF-8''J%C3%A4s%C3%B8n"},
        ),
    ):
        assert admission.admit(ADDRESS, "GET", "/a", said) == Judged("Jäsøn")
    remove_digest_user(users, "Ann")
    assert admission.admit(ADDRESS, "GET", "/a", answer(admission.challenges()[0])).user is None
    Path(users).write_text("broken\n")
    said = answer(admission.challenges()[0], "Jäsøn", "pässword")
    assert admission.admit(ADDRESS, "GET", "/a", said) == Judged("Jäsøn")


def test_another_password_takes_the_place_of_the_first(users: str) -> None:
    put_digest_user(users, "Ann", Secret("another"))
    assert list(read_digest_users(users)) == ["Ann"]
    said = answer(DigestAdmission(users).challenges()[0])
    assert DigestAdmission(users).admit(ADDRESS, "GET", "/a", said).user is None


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such modes")
def test_a_file_that_others_can_read_is_refused(users: str) -> None:
    assert os.stat(users).st_mode & 0o777 == 0o600
    os.chmod(users, 0o640)
    with pytest.raises(ConfigInvalid, match="others can read"):
        DigestAdmission(users)


@pytest.mark.parametrize("text", ["Ann\n", "Ann:x:y\n", f"Ann:{'0' * 64}:{'0' * 32}\n" * 2, "\xff"])
def test_a_file_that_makes_no_sense_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "users"
    path.write_bytes(text.encode("latin-1"))
    path.chmod(0o600)
    with pytest.raises(ConfigInvalid):
        read_digest_users(str(path))


def test_comments_stay_and_what_cannot_be_is_refused(tmp_path: Path, users: str) -> None:
    Path(users).write_text("# mine\n\n" + Path(users).read_text())
    put_digest_user(users, "Ben", Secret("x"))
    assert Path(users).read_text().startswith("# mine\n\nAnn:")
    assert list(read_digest_users(users)) == ["Ann", "Ben"]
    with pytest.raises(UsageError):
        put_digest_user(users, "a:b", Secret("x"))
    with pytest.raises(ConfigInvalid):
        put_digest_user(users, "Ann", Secret(""))
    with pytest.raises(NotFound):
        read_digest_users(str(tmp_path / "missing"))


def test_a_flood_of_nonces_takes_bounded_memory_and_makes_none_usable_again(clock: Clock) -> None:
    nonces = Nonces(most=3, clock=clock)
    made = []
    for _ in range(10):
        made.append(nonces.make())
        clock.now += 1
    assert all(nonces.use(nonce, 1) for nonce in made)
    assert not any(nonces.use(nonce, 1) for nonce in made)


@given(st.text(max_size=60))
def test_any_text_is_a_claim_or_none(text: str) -> None:
    parse(f"Digest {text}")
    parse(text)
