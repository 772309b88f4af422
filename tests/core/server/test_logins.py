"""Users come in with their password and nobody else; hashes are few at a time, and remembered for a while."""

from __future__ import annotations

import io
import logging
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skycap.core.crypto.kdf import Argon2Parameters
from skycap.core.crypto.secret import Secret
from skycap.core.errors import AuthMissing, ConfigInvalid, NotFound, StateWriteFailed, UsageError
from skycap.core.server.logins import Logins
from skycap.core.server.passwords import PARAMETERS, Hash, hash_password, read_password
from skycap.core.server.users import put_user, read_users, remove_user
from skycap.core.testing.clock import ManualClock

CHEAP = Argon2Parameters(memory_kib=8, iterations=1, lanes=1)


def users_file(folder: Path, **users: str) -> str:
    path = folder / "users"
    for name, password in users.items():
        put_user(str(path), name, hash_password(Secret(password), parameters=CHEAP))
    return str(path)


def logins(path: str, clock: ManualClock | None = None) -> Logins:
    return Logins.of_file(path, weak=True, parameters=CHEAP, clock=(clock or ManualClock()).monotonic)


TEXT = st.text(st.characters(codec="utf-8"), min_size=1, max_size=40)


@given(TEXT, TEXT)
def test_a_hash_fits_its_password_and_no_other(password: str, other: str) -> None:
    hashed = Hash.parse(str(hash_password(Secret(password), parameters=CHEAP)))
    assert hashed.fits(Secret(password))
    assert hashed.fits(Secret(other)) == (password == other)


def test_the_published_example_of_a_hash_is_read() -> None:
    """From the tests of the reference implementation of Argon2."""
    text = "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4"
    hashed = Hash.parse(text)
    assert hashed.fits(Secret("password"))
    assert not hashed.fits(Secret("passwort"))
    assert str(hashed) == text


def test_two_hashes_of_one_password_differ() -> None:
    one, other = (str(hash_password(Secret("x"), parameters=CHEAP)) for _ in range(2))
    assert one != other


def test_what_a_hash_costs_by_itself_is_strong_enough() -> None:
    PARAMETERS.require_strength()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "secret",
        "$argon2i$v=19$m=8,t=1,p=1$c29tZXNhbHQ$" + "A" * 43,
        "$argon2id$v=16$m=8,t=1,p=1$c29tZXNhbHQ$" + "A" * 43,
        "$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHQ$" + "A" * 45,
        "$argon2id$v=19$m=99999999,t=1,p=1$c29tZXNhbHQ$" + "A" * 43,
        "$argon2id$v=19$m=8,t=0,p=1$c29tZXNhbHQ$" + "A" * 43,
    ],
)
def test_what_is_no_hash_is_refused(text: str) -> None:
    with pytest.raises(ConfigInvalid):
        Hash.parse(text)


@pytest.mark.parametrize("password", ["", "x" * 1025, "\udcff"])
def test_a_password_that_protects_nothing_or_is_a_flood_is_refused(password: str) -> None:
    with pytest.raises(ConfigInvalid, match="password"):
        hash_password(Secret(password), parameters=CHEAP)
    with pytest.raises(ConfigInvalid, match="password"):
        Logins.of_user("me", Secret(password))


def test_one_user_comes_in_with_the_password_alone() -> None:
    one = Logins.of_user("jürgen", Secret("päss:wörd"))
    assert one.verify("jürgen", Secret("päss:wörd"))
    assert not one.verify("jürgen", Secret("pass"))
    assert not one.verify("jurgen", Secret("päss:wörd"))
    assert not one.verify("jürgen", Secret(""))
    assert not one.verify("jürgen", Secret("x" * 5000))
    assert not one.verify("jürgen", Secret("\udcff"))
    assert one.remembers("jürgen", Secret("päss:wörd"))
    assert not one.remembers("jürgen", Secret("x" * 5000))


def test_users_of_a_file_come_in_each_with_their_own(tmp_path: Path) -> None:
    one = logins(users_file(tmp_path, ann="first", bob="second"))
    assert one.verify("ann", Secret("first"))
    assert one.verify("bob", Secret("second"))
    assert not one.verify("ann", Secret("second"))
    assert not one.verify("eve", Secret("first"))


def test_to_refuse_an_unknown_user_costs_one_hash_like_that_of_the_dearest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = users_file(tmp_path, ann="first")
    dear = Argon2Parameters(memory_kib=64, iterations=2, lanes=1)
    put_user(path, "bob", hash_password(Secret("second"), parameters=dear))
    one = logins(path)
    paid: list[Argon2Parameters] = []
    fits = Hash.fits

    def noted(self: Hash, password: Secret[str]) -> bool:
        paid.append(self.parameters)
        return fits(self, password)

    monkeypatch.setattr(Hash, "fits", noted)
    assert not one.verify("eve", Secret("guess"))
    assert not one.verify("bob", Secret("guess"))
    assert paid == [dear, dear]


def test_name_and_password_do_not_run_together() -> None:
    one = Logins.of_user("ab", Secret("c"))
    assert one.verify("ab", Secret("c"))
    assert not one.remembers("a", Secret("bc"))
    assert not one.verify("a", Secret("bc"))


def test_a_user_that_is_added_comes_in_at_once_and_one_that_is_removed_does_not(tmp_path: Path) -> None:
    path = users_file(tmp_path, ann="first")
    one = logins(path)
    assert one.verify("ann", Secret("first"))
    users_file(tmp_path, bob="second")
    assert one.verify("bob", Secret("second"))
    remove_user(path, "ann")
    remove_user(path, "ann")
    assert not one.remembers("ann", Secret("first"))
    assert not one.verify("ann", Secret("first"))
    put_user(path, "bob", hash_password(Secret("third"), parameters=CHEAP))
    assert not one.verify("bob", Secret("second"))
    assert one.verify("bob", Secret("third"))


def test_a_file_that_breaks_or_goes_away_leaves_those_who_were_known(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = users_file(tmp_path, ann="first")
    one = logins(path)
    Path(path).write_text("nonsense\n")
    assert one.verify("ann", Secret("first"))
    assert "this is no user" in caplog.text
    Path(path).unlink()
    assert one.verify("ann", Secret("first"))


def test_what_was_right_is_remembered_for_five_minutes(tmp_path: Path) -> None:
    clock = ManualClock()
    one = logins(users_file(tmp_path, ann="first"), clock)
    assert not one.remembers("ann", Secret("first"))
    assert one.verify("ann", Secret("first"))
    assert one.remembers("ann", Secret("first"))
    assert not one.remembers("ann", Secret("other"))
    clock.advance(301)
    assert not one.remembers("ann", Secret("first"))
    assert one.verify("ann", Secret("first"))


def test_what_is_remembered_is_bounded() -> None:
    looked: list[str] = []

    def look(user: str, password: Secret[str]) -> bool:
        looked.append(user)
        return True

    one = Logins(look, most=3)
    for name in "abcd":
        assert one.verify(name, Secret("x"))
    assert [one.remembers(name, Secret("x")) for name in "abcd"] == [False, True, True, True]
    assert one.verify("d", Secret("x"))
    assert looked == list("abcd")


def test_forty_requests_of_one_user_cost_one_hash() -> None:
    entered, leave = threading.Event(), threading.Event()
    looked: list[str] = []

    def look(user: str, password: Secret[str]) -> bool:
        looked.append(user)
        entered.set()
        assert leave.wait(30)
        return True

    one = Logins(look)
    with ThreadPoolExecutor(40) as pool:
        answers = [pool.submit(one.verify, "me", Secret("x")) for _ in range(40)]
        assert entered.wait(30)
        leave.set()
        assert all(answer.result(30) for answer in answers)
    assert looked == ["me"]


def test_hashes_of_many_users_are_few_at_a_time() -> None:
    lock = threading.Lock()
    both = threading.Barrier(2)
    now, most = [0], [0]

    def look(user: str, password: Secret[str]) -> bool:
        with lock:
            now[0] += 1
            most[0] = max(most[0], now[0])
        both.wait(30)  # two are in here at once, or this fails
        with lock:
            now[0] -= 1
        return False

    one = Logins(look, at_once=2)
    with ThreadPoolExecutor(20) as pool:
        answers = [pool.submit(one.verify, str(number), Secret("x")) for number in range(20)]
        assert not any(answer.result(60) for answer in answers)
    assert most == [2]


def test_a_look_that_fails_lets_nobody_in_and_holds_nobody_up() -> None:
    def look(user: str, password: Secret[str]) -> bool:
        raise ConfigInvalid("broken")

    one = Logins(look)
    for _ in range(3):
        with pytest.raises(ConfigInvalid):
            one.verify("me", Secret("x"))


def test_a_password_that_became_wrong_while_it_was_looked_at_is_not_remembered() -> None:
    changed = [False]

    def look(user: str, password: Secret[str]) -> bool:
        changed[0] = True
        one.remembers(user, password)  # another request meanwhile, which sees that the file is another
        changed[0] = False
        return True

    one = Logins(look, changed=lambda: changed[0])
    one.verify("me", Secret("x"))
    assert not one.remembers("me", Secret("x"))


class TestUsersFile:
    def test_the_example_of_its_page_is_read(self, tmp_path: Path) -> None:
        page = Path(__file__).parents[3] / "docs/formats/users.md"
        path = tmp_path / "users"
        path.write_text(
            page.read_text(encoding="utf-8").split("```text\n")[1].split("```")[0], encoding="utf-8"
        )
        path.chmod(0o600)
        one = Logins.of_file(str(path))
        assert one.verify("ann", Secret("correct horse"))
        assert not one.verify("ann", Secret("correct horses"))
        assert not one.verify("the family", Secret("correct horse"))

    def test_it_is_private_and_comments_stay(self, tmp_path: Path) -> None:
        path = tmp_path / "users"
        path.write_text("# the family\n\n")
        users_file(tmp_path, ann="first", bob="second")
        users_file(tmp_path, ann="third")
        lines = path.read_text().splitlines()
        assert lines[:2] == ["# the family", ""]
        assert [line.partition(":")[0] for line in lines[2:]] == ["ann", "bob"]
        assert "first" not in path.read_text()
        if os.name != "nt":
            assert path.stat().st_mode & 0o777 == 0o600

    @pytest.mark.parametrize("name", ["", "a:b", "a\nb", "#a", "x" * 256, "\x7f"])
    def test_what_cannot_be_a_name_is_refused(self, tmp_path: Path, name: str) -> None:
        with pytest.raises(UsageError, match="cannot be a user's name"):
            put_user(str(tmp_path / "users"), name, hash_password(Secret("x"), parameters=CHEAP))

    @pytest.mark.parametrize(
        ("text", "said"),
        [
            ("ann\n", "this is no user"),
            (":x\n", "this is no user"),
            ("ann:x\n", "no hash of Argon2id"),
            ("# a\nann:{cheap}\nann:{cheap}\n", "there twice"),
        ],
    )
    def test_what_is_wrong_in_it_is_told_with_the_line(self, tmp_path: Path, text: str, said: str) -> None:
        path = tmp_path / "users"
        path.write_text(text.replace("{cheap}", str(hash_password(Secret("x"), parameters=CHEAP))))
        with pytest.raises(ConfigInvalid, match=said) as caught:
            read_users(str(path), weak=True)
        assert caught.value.where == f"{path}:{text.count(chr(10))}"
        assert caught.value.hint

    def test_hashes_that_are_cheap_to_guess_are_refused(self, tmp_path: Path) -> None:
        with pytest.raises(ConfigInvalid, match="makes guessing cheap"):
            Logins.of_file(users_file(tmp_path, ann="first"))

    def test_one_that_is_absent_or_no_text_is_told(self, tmp_path: Path) -> None:
        with pytest.raises(NotFound):
            Logins.of_file(str(tmp_path / "none"))
        with pytest.raises(ConfigInvalid, match="cannot be read"):
            read_users(str(tmp_path))
        (tmp_path / "raw").write_bytes(b"\xff\xfe:x\n")
        with pytest.raises(ConfigInvalid, match="UTF-8"):
            read_users(str(tmp_path / "raw"))

    def test_a_folder_that_is_not_there_is_told(self, tmp_path: Path) -> None:
        with pytest.raises(StateWriteFailed):
            remove_user(str(tmp_path / "none" / "users"), "ann")

    @pytest.mark.skipif(os.name == "nt", reason="modes are those of POSIX")
    def test_one_that_others_may_read_is_warned_of(
        self, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        path = users_file(tmp_path, ann="first")
        read_users(path, weak=True)
        assert not caplog.records
        os.chmod(path, 0o644)
        read_users(path, weak=True)
        assert "can be read by others" in caplog.text


class TestPasswordFile:
    def test_the_first_line_is_the_password(self, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
        path = tmp_path / "password"
        path.write_bytes("  hünter2 \r\nsecond\n".encode())
        path.chmod(0o600)
        with caplog.at_level(logging.WARNING):
            assert read_password(str(path)).reveal() == "  hünter2 "
        assert not caplog.records

    def test_a_dash_is_standard_input(self) -> None:
        assert read_password("-", stdin=io.StringIO("hunter2\n")).reveal() == "hunter2"

    @pytest.mark.skipif(os.name == "nt", reason="modes are those of POSIX")
    def test_one_that_others_may_read_is_warned_of(
        self, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        path = tmp_path / "password"
        path.write_text("hunter2\n")
        path.chmod(0o640)
        read_password(str(path))
        assert "can be read by others" in caplog.text
        assert "hunter2" not in caplog.text

    @pytest.mark.parametrize(("raw", "said"), [(b"", "empty"), (b"\nx\n", "empty"), (b"\xff\n", "UTF-8")])
    def test_one_without_a_password_is_told(self, tmp_path: Path, raw: bytes, said: str) -> None:
        path = tmp_path / "password"
        path.write_bytes(raw)
        with pytest.raises(AuthMissing, match=said) as caught:
            read_password(str(path))
        assert caught.value.where == str(path)

    def test_one_that_is_absent_is_told(self, tmp_path: Path) -> None:
        with pytest.raises(AuthMissing, match="cannot be read"):
            read_password(str(tmp_path / "none"))
