"""Tokens that renew themselves: early, when they are refused, once for all who wait, and never lost."""

from __future__ import annotations

import logging
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from skycap.core.auth.login import default_store
from skycap.core.auth.method import SERVICE
from skycap.core.config.edit import locked
from skycap.core.crypto.secret import Secret
from skycap.core.errors import AccessDenied, AuthExpired, AuthMissing, Error, Locked, TransferFailed
from skycap.core.http import Client
from skycap.core.plugins import plugins
from skycap.core.retry import Policy
from skycap.core.state import state_folder
from skycap.internxt.emulator.running import Emulator
from skycap.internxt.endpoints import Endpoints
from skycap.internxt.login import gate as gate_module
from skycap.internxt.login.account import Kept
from skycap.internxt.login.again import Again
from skycap.internxt.login.gate import Gate
from skycap.internxt.login.session import Session
from skycap.internxt.options import InternxtOptions
from tests.internxt.login.people import ADA, BEA, CYR

DAY = 86400.0
REFRESH = "/drive/users/cli/refresh"
REFERENCE = "keyring:skycap/drive.session"
Enter = Callable[..., Kept]


class Clock:
    """A clock that is put forward by hand."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def __call__(self) -> float:
        return time.time() + self.ahead


class Log:
    """What was asked of the server since this was made."""

    def __init__(self, emulator: Emulator) -> None:
        self._emulator = emulator
        self._after = max((one["number"] for one in emulator.requests()), default=0)

    def count(self, path: str = REFRESH) -> int:
        return sum(one["path"] == path for one in self._emulator.requests(self._after))


@pytest.fixture
def log(emulator: Emulator) -> Log:
    return Log(emulator)


def put(kept: Kept) -> Kept:
    default_store(plugins().credential_store).set(SERVICE, "drive.session", kept.as_secret())
    return kept


def in_store() -> Kept:
    found = default_store(plugins().credential_store).get(SERVICE, "drive.session")
    assert found is not None
    return Kept.of_secret(found)


@pytest.fixture
def stored(enter: Enter, keyring: None) -> Kept:
    """A login of Ada in the keyring, as one of the remote `drive` is."""
    return put(replace(enter(ADA), reference=REFERENCE))


@pytest.fixture
def in_file(enter: Enter) -> Kept:
    """The same in the encrypted file."""
    return put(replace(enter(ADA), reference=REFERENCE))


@pytest.fixture
def away() -> Endpoints:
    """Where nobody answers."""
    return Endpoints("http://127.0.0.1:9/drive", "http://127.0.0.1:9/network", "http://127.0.0.1:9/web")


# Early


def test_a_fresh_token_is_shown_without_a_question(stored: Kept, endpoints: Endpoints, log: Log) -> None:
    session = Session(stored, endpoints)
    assert session.token() == stored.token
    assert session.account == stored.account
    assert log.count() == 0


def test_one_whose_half_is_over_is_renewed_once_and_put_back(
    stored: Kept, endpoints: Endpoints, log: Log
) -> None:
    clock = Clock()
    session = Session(stored, endpoints, clock=clock)
    clock.ahead = 1.6 * DAY
    new = session.token()
    assert new != stored.token
    assert session.token() == new
    assert log.count() == 1
    assert in_store() == replace(stored, token=new)


def test_another_run_takes_the_new_one_from_the_store(stored: Kept, endpoints: Endpoints, log: Log) -> None:
    clock = Clock()
    clock.ahead = 1.6 * DAY
    sessions = [Session(stored, endpoints, clock=clock) for _ in range(3)]
    assert len({one.token().reveal() for one in sessions}) == 1
    assert log.count() == 1


@pytest.mark.parametrize(
    "fault",
    [
        {"status": 503},
        {"status": 429, "headers": {"retry-after": "600"}},
        {"status": 401},
        {"status": 402},
        {"cut": "before"},
        {"cut": "after"},
        {"patch": {"newToken": None}},
    ],
    ids=lambda fault: "-".join(str(part) for part in next(iter(fault.items()))),
)
def test_a_renewal_that_fails_changes_nothing_and_is_tried_later(
    fault: dict[str, object], stored: Kept, endpoints: Endpoints, emulator: Emulator, log: Log
) -> None:
    clock = Clock()
    session = Session(stored, endpoints, clock=clock)
    emulator.fault(path="cli/refresh", **fault)
    clock.ahead = 1.6 * DAY
    assert session.token() == stored.token
    assert session.token() == stored.token
    assert log.count() == 1
    assert in_store() == stored
    clock.ahead += 61
    assert session.token() != stored.token
    assert log.count() == 2


def test_without_a_network_the_old_token_stays_also_when_its_time_is_up(
    stored: Kept, away: Endpoints, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(gate_module, "_PATIENT", Policy(attempts=1))
    clock = Clock()
    session = Session(stored, away, clock=clock)
    for days in (1.6, 8):
        clock.ahead = days * DAY
        with caplog.at_level(logging.WARNING, "skycap.internxt"):
            assert session.token() == stored.token
    assert "could not be refreshed yet" in caplog.text
    assert in_store() == stored


def test_one_that_is_over_for_good_says_so(stored: Kept, endpoints: Endpoints, emulator: Emulator) -> None:
    clock = Clock()
    clock.ahead = 3.1 * DAY
    emulator.set(clock_ahead_s=clock.ahead)
    with pytest.raises(AuthExpired, match="expired or was ended") as caught:
        Session(stored, endpoints, clock=clock).token()
    assert "skycap internxt login" in (caught.value.hint or "")
    assert in_store() == stored


def test_while_one_renews_early_the_others_go_on_with_the_old_one(
    stored: Kept, endpoints: Endpoints, emulator: Emulator, log: Log
) -> None:
    clock = Clock()
    clock.ahead = 1.6 * DAY
    session = Session(stored, endpoints, clock=clock)
    emulator.fault(path="cli/refresh", delay_ms=300)
    with ThreadPoolExecutor(8) as pool:
        found = {token.reveal() for token in pool.map(lambda _: session.token(), range(8))}
    assert log.count() == 1
    assert found <= {stored.token.reveal(), session.token().reveal()}


# Refused


def test_a_refused_token_is_renewed_once_for_all_threads(
    stored: Kept, endpoints: Endpoints, log: Log
) -> None:
    session = Session(stored, endpoints)
    with ThreadPoolExecutor(8) as pool:
        found = {token.reveal() for token in pool.map(lambda _: session.renewed(stored.token), range(8))}
    assert log.count() == 1
    assert found == {session.token().reveal()} != {stored.token.reveal()}
    assert in_store().token == session.token()


def test_a_refused_token_is_renewed_once_for_all_processes(
    in_file: Kept, endpoints: Endpoints, log: Log
) -> None:
    program = (
        "import sys\n"
        "from skycap.core.crypto.secret import Secret\n"
        "from skycap.internxt.login.account import Kept\n"
        "from skycap.internxt.login.session import Session\n"
        "from skycap.internxt.endpoints import Endpoints\n"
        "kept = Kept.of_secret(Secret(sys.stdin.readline()))\n"
        "session = Session(kept, Endpoints(*sys.argv[1:]))\n"
        "print('ready', flush=True)\n"
        "sys.stdin.readline()\n"
        "print(session.renewed(kept.token).reveal())\n"
    )
    words = [sys.executable, "-c", program, endpoints.drive, endpoints.network, endpoints.web]
    children = [
        subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(3)
    ]
    for child in children:
        assert child.stdin is not None
        child.stdin.write(f"{in_file.as_secret().reveal()}\n")
        child.stdin.flush()
    for child in children:
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
    with ThreadPoolExecutor() as pool:
        found = {said for said, _ in pool.map(lambda child: child.communicate("go\n", timeout=60), children)}
    assert log.count() == 1
    assert found == {f"{in_store().token.reveal()}\n"}


def test_requests_that_are_refused_in_the_middle_go_on_with_a_new_token(
    stored: Kept, endpoints: Endpoints, emulator: Emulator, log: Log
) -> None:
    session = Session(stored, endpoints)
    emulator.fault(path="users/limit", status=401, count=1)
    with Client(endpoints.drive, authorize=session.authorize) as client:
        assert client.request("GET", "users/limit").json()["maxSpaceBytes"] > 0
        assert client.request("GET", "users/limit").json()["maxSpaceBytes"] > 0
    assert log.count() == 1
    assert log.count("/drive/users/limit") == 3


def test_a_token_refused_while_the_network_is_away_is_kept(
    stored: Kept, away: Endpoints, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gate_module, "_PATIENT", Policy(attempts=1))
    session = Session(stored, away)
    with pytest.raises(TransferFailed):
        session.renewed(stored.token)
    assert session.token() == stored.token
    assert in_store() == stored


def test_one_that_another_run_got_meanwhile_is_taken_without_a_question(
    stored: Kept, endpoints: Endpoints, gate: Gate, log: Log
) -> None:
    session = Session(stored, endpoints)
    newer = stored.with_token(gate.refresh(stored.token).token)
    put(newer)
    assert session.renewed(stored.token) == newer.token
    assert session.renewed(stored.token) == newer.token
    assert log.count() == 1


def test_a_login_that_was_forgotten_meanwhile_is_not_put_back(stored: Kept, endpoints: Endpoints) -> None:
    session = Session(stored, endpoints)
    store = default_store(plugins().credential_store)
    store.delete(SERVICE, "drive.session")
    assert session.renewed(stored.token) != stored.token
    assert store.get(SERVICE, "drive.session") is None


def test_a_login_of_somebody_else_meanwhile_is_neither_taken_nor_changed(
    stored: Kept, endpoints: Endpoints, enter: Enter
) -> None:
    session = Session(stored, endpoints)
    other = replace(enter(CYR), reference=REFERENCE)
    put(other)
    assert session.renewed(stored.token) not in (stored.token, other.token)
    assert in_store() == other


def test_a_store_that_cannot_be_written_costs_the_next_run_and_not_this_one(
    in_file: Kept, endpoints: Endpoints, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    session = Session(in_file, endpoints)
    monkeypatch.setattr("skycap.core.auth.file_store.replace_private", full)
    with caplog.at_level(logging.WARNING, "skycap.internxt"):
        assert session.renewed(in_file.token) == session.token() != in_file.token
    assert "could not be kept for the next" in caplog.text
    assert in_store() == in_file


def test_a_store_that_does_not_open_costs_no_renewal(
    in_file: Kept, endpoints: Endpoints, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SKYCAP_PASSPHRASE", "wrong")
    assert Session(in_file, endpoints).renewed(in_file.token) != in_file.token
    monkeypatch.setenv("SKYCAP_PASSPHRASE", "correct horse")
    assert in_store() == in_file


def test_without_a_state_folder_nobody_waits(
    enter: Enter, endpoints: Endpoints, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("SKYCAP_STATE", str(tmp_path / "file"))
    kept = enter(ADA)
    assert Session(kept, endpoints).renewed(kept.token) != kept.token


@pytest.fixture
def held(stored: Kept) -> Iterator[None]:
    """Another process holds the lock, and does not let go."""
    import hashlib
    import os

    folder = os.path.join(state_folder(), "internxt")
    os.makedirs(folder)
    name = hashlib.sha256(stored.account.uuid.encode()).hexdigest()[:16]
    with locked(os.path.join(folder, f"{name}.lock")):
        yield


@pytest.mark.usefixtures("held")
def test_an_early_renewal_does_not_wait_for_another_process(
    stored: Kept, endpoints: Endpoints, log: Log
) -> None:
    clock = Clock()
    clock.ahead = 1.6 * DAY
    assert Session(stored, endpoints, clock=clock).token() == stored.token
    assert log.count() == 0


@pytest.mark.usefixtures("held")
def test_a_process_that_never_lets_go_is_told_in_the_end(
    stored: Kept, endpoints: Endpoints, gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("skycap.core.config.edit._PATIENCE_S", 0.02)
    session = Session(stored, endpoints)
    with pytest.raises(Locked):
        session.renewed(stored.token)
    assert session.token() == stored.token
    newer = stored.with_token(gate.refresh(stored.token).token)
    put(newer)
    assert session.renewed(stored.token) == newer.token


# Again


def test_where_the_password_is_kept_a_login_that_is_over_is_made_again(
    stored: Kept, endpoints: Endpoints
) -> None:
    session = Session(stored, endpoints, again=Again(ADA.email, Secret(ADA.password)))
    for _ in range(2):
        old = session.token()
        with Gate(endpoints) as gate:
            gate.logout(old)
        assert session.renewed(old) != old
    assert in_store().token == session.token()
    assert in_store().account == stored.account


def test_the_secret_of_the_second_factor_makes_its_codes(
    enter: Enter, endpoints: Endpoints, gate: Gate, emulator: Emulator
) -> None:
    kept = enter(BEA, code=lambda: emulator.account(BEA.email)["code"])
    gate.logout(kept.token)
    alone = Session(kept, endpoints, again=Again(BEA.email, Secret(BEA.password)))
    with pytest.raises(AuthExpired, match="code of the second factor") as caught:
        alone.renewed(kept.token)
    assert "--keep-twofactortoken" in (caught.value.hint or "")
    again = Again(BEA.email, Secret(BEA.password), Secret(BEA.totp))
    assert Session(kept, endpoints, again=again).renewed(kept.token) != kept.token


def test_a_password_that_was_refused_is_not_shown_a_second_time(
    enter: Enter, endpoints: Endpoints, gate: Gate, log: Log
) -> None:
    kept = enter(CYR)
    gate.logout(kept.token)
    session = Session(kept, endpoints, again=Again(CYR.email, Secret("changed meanwhile")))
    before = log.count("/drive/auth/cli/login/access")
    with pytest.raises(AuthMissing, match="password is wrong"):
        session.renewed(kept.token)
    with pytest.raises(AuthExpired):
        session.renewed(kept.token)
    assert log.count("/drive/auth/cli/login/access") == before + 1


def test_an_address_that_belongs_to_another_account_now_is_not_taken(
    enter: Enter, endpoints: Endpoints, gate: Gate
) -> None:
    kept = enter(ADA)
    gate.logout(kept.token)
    session = Session(kept, endpoints, again=Again(CYR.email, Secret(CYR.password)))
    with pytest.raises(AuthExpired, match="another account"):
        session.renewed(kept.token)


# Opened


def opened(kept: Kept, emulator: Emulator, **more: object) -> Session:
    values = {"drive_url": emulator.drive, "network_url": emulator.network, "web_url": emulator.web}
    options = InternxtOptions.parse({**values, "session": kept.as_secret(), **more}, where="test")
    return Session.open(options, {})


def test_a_session_is_opened_from_what_the_store_holds(stored: Kept, emulator: Emulator) -> None:
    session = opened(stored, emulator)
    assert session.token() == stored.token
    assert "abandon" not in repr(session)
    assert ADA.email in repr(session)


def test_a_kept_password_belongs_to_the_opened_session(stored: Kept, emulator: Emulator, gate: Gate) -> None:
    session = opened(stored, emulator, password=ADA.password)
    gate.logout(stored.token)
    assert session.renewed(stored.token) != stored.token


def environment(**names: str) -> Callable[[Emulator, str | None], Session]:
    def open_it(emulator: Emulator, email: str | None) -> Session:
        options = InternxtOptions.parse(
            {"drive_url": emulator.drive, **({"email": email} if email else {})}, where="test"
        )
        return Session.open(options, names)

    return open_it


def test_without_a_login_the_environment_logs_in_for_this_run(emulator: Emulator) -> None:
    names = {"INXT_USER": BEA.email, "INTERNXT_PASSWORD": BEA.password, "INXT_OTPTOKEN": BEA.totp}
    session = environment(**names)(emulator, None)
    assert session.account.email == BEA.email
    assert session.renewed(session.token())
    code = emulator.account(BEA.email)["code"]
    names = {"INXT_USER": BEA.email, "INXT_PASSWORD": BEA.password, "INTERNXT_2FA_TOKEN": code}
    assert environment(**names)(emulator, None).account.email == BEA.email
    del names["INTERNXT_2FA_TOKEN"]
    with pytest.raises(AuthMissing, match="no code was given") as caught:
        environment(**names)(emulator, None)
    assert "INXT_OTPTOKEN" in (caught.value.hint or "")


@pytest.mark.parametrize("names", [{}, {"INXT_USER": ADA.email}, {"INXT_PASSWORD": "x"}])
def test_where_there_is_nothing_to_log_in_with_nobody_is_logged_in(
    names: dict[str, str], emulator: Emulator
) -> None:
    with pytest.raises(AuthMissing, match="nobody is logged in") as caught:
        environment(**names)(emulator, None)
    assert "skycap internxt login" in (caught.value.hint or "")


def test_the_environment_of_one_account_does_not_open_another(emulator: Emulator, log: Log) -> None:
    names = {"INXT_USER": ADA.email, "INXT_PASSWORD": ADA.password}
    with pytest.raises(AuthMissing, match="the environment names"):
        environment(**names)(emulator, BEA.email)
    assert log.count("/drive/auth/login") == 0
    assert environment(**names)(emulator, ADA.email.upper()).account.email == ADA.email


def test_a_plan_that_lost_access_says_so_when_the_token_is_over(
    stored: Kept, endpoints: Endpoints, emulator: Emulator
) -> None:
    emulator.set(tier={"rclone": False})
    with pytest.raises(AccessDenied, match="plan"):
        Session(stored, endpoints).renewed(stored.token)


def test_a_plain_address_elsewhere_is_warned_of(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "skycap.internxt"), Gate(Endpoints(drive="http://x.example/drive")):
        pass
    assert "not encrypted" in caplog.text


def test_errors_of_a_login_are_ours_only(stored: Kept, away: Endpoints) -> None:
    with Gate(away, patient=False) as gate, pytest.raises(Error):
        gate.refresh(stored.token)
