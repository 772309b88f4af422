"""`skycap internxt login`, `whoami`, `status`, `logout`, as people and scripts type them."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

from skycap.core.auth.login import default_store
from skycap.core.auth.method import SERVICE
from skycap.core.crypto.secret import Secret
from skycap.core.errors import AuthExpired
from skycap.core.plugins import plugins
from skycap.internxt.emulator.running import Emulator
from skycap.internxt.endpoints import Endpoints
from skycap.internxt.login.account import Kept
from skycap.internxt.login.gate import Gate
from tests.internxt.login.people import ADA, BEA, CYR, Said
from tests.internxt.login.test_tokens import token

Skycap = Callable[..., Said]

pytestmark = pytest.mark.usefixtures("keyring")


def configured() -> dict[str, dict[str, str]]:
    path = Path(os.environ["SKYCAP_CONFIG"])
    return dict(tomllib.loads(path.read_text()).get("remotes", {})) if path.exists() else {}


def held(name: str) -> str | None:
    found = default_store(plugins().credential_store).get(SERVICE, name)
    return None if found is None else found.reveal()


def is_refused(emulator: Emulator, secret: str | None) -> bool:
    """Whether the server takes the token of a login no more."""
    assert secret is not None
    with Gate(Endpoints(emulator.drive)) as gate:
        try:
            gate.ask("/users/limit", Kept.of_secret(Secret(secret)).token)
        except AuthExpired:
            return True
    return False


def test_a_login_may_make_the_configuration_that_is_named(
    skycap: Skycap, emulator: Emulator, tmp_path: Path
) -> None:
    config = tmp_path / "new.toml"
    said = skycap(
        "--config", str(config), "internxt", "login", "--email", ADA.email, "--password-stdin",
        lines=(ADA.password,),
    )  # fmt: skip
    assert said.status == 0, said.err
    assert ADA.email in config.read_text()


def test_the_contract_remote_add_then_login_then_use(skycap: Skycap, emulator: Emulator) -> None:
    made = skycap("remote", "add", "drive", "internxt")
    assert made.status == 0
    assert '"skycap auth login drive" asks for what opens it' in made.err
    said = skycap(
        "internxt", "login", "drive", "--email", ADA.email, "--password-stdin", lines=(ADA.password,)
    )
    assert said.status == 0, said.err
    assert f"Logged in as {ADA.email}." in said.err
    assert configured()["drive"] == {
        "type": "internxt",
        "email": ADA.email,
        "session": "keyring:skycap/drive.session",
    }
    assert skycap("ls", "drive:").status == 0
    assert ADA.password not in f"{said.out}{said.err}{held('drive.session')}"


def test_without_a_name_the_remote_internxt_is_made(skycap: Skycap) -> None:
    said = skycap(
        "internxt", "login", "--json", "--email", ADA.email, "--password-stdin", lines=(ADA.password,)
    )
    assert said.status == 0, said.err
    assert said.records == [
        {"type": "login", "remote": "internxt", "email": ADA.email, "made": True, "kept": ["session"]}
    ]
    again = skycap("internxt", "login", "--json", "--password-stdin", lines=(ADA.password,))
    assert again.records[0]["made"] is False
    assert f"email is {ADA.email}" in again.err


def test_a_login_that_fails_leaves_nothing_behind(skycap: Skycap) -> None:
    said = skycap("internxt", "login", "--email", CYR.email, "--password-stdin", lines=("wrong",))
    assert said.status == 11
    assert "ten failures" in said.err
    assert configured() == {}
    assert held("internxt.session") is None


def test_a_login_that_fails_keeps_the_one_before(skycap: Skycap, emulator: Emulator) -> None:
    skycap("internxt", "login", "--email", CYR.email, "--password-stdin", lines=(CYR.password,))
    before = configured(), held("internxt.session")
    assert skycap("internxt", "login", "--password-stdin", lines=("wrong",)).status == 11
    assert (configured(), held("internxt.session")) == before
    assert not is_refused(emulator, before[1])


def test_a_code_is_given_by_flag_by_the_next_line_or_made_from_the_secret(
    skycap: Skycap, emulator: Emulator
) -> None:
    start = ("internxt", "login", "--email", BEA.email, "--password-stdin")
    code = emulator.account(BEA.email)["code"]
    for flag in ("--twofactor", "--2fa", "-w"):
        assert skycap(*start, flag, code, lines=(BEA.password,)).status == 0
    assert skycap(*start, lines=(BEA.password, code)).status == 0
    assert skycap(*start, "-t", "-", lines=(BEA.password, BEA.totp)).status == 0
    said = skycap(*start, lines=(BEA.password,))
    assert said.status == 11
    assert "--twofactor" in said.err
    assert "INXT_OTPTOKEN" in said.err
    assert "six digits" in skycap(*start, "-w", "12345", lines=(BEA.password,)).err


def test_secrets_as_words_work_and_are_warned_of(skycap: Skycap) -> None:
    said = skycap(
        "internxt", "login", "-e", BEA.email, "--password", BEA.password, "--twofactortoken", BEA.totp
    )
    assert said.status == 0, said.err
    assert said.err.count("stood on the command line") == 2
    assert BEA.password not in said.err
    assert BEA.totp not in said.err
    said = skycap("internxt", "login", "-e", ADA.email, "-p", "-", lines=(ADA.password,))
    assert said.status == 0
    assert "command line" not in said.err


def test_a_variable_of_ours_is_not_taken_for_a_word_of_the_command_line(
    skycap: Skycap, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("PASSWORD", "TWOFACTOR", "TWOFACTORTOKEN"):
        monkeypatch.setenv(f"SKYCAP_INTERNXT_LOGIN_{name}", "x")
        monkeypatch.setenv(f"SKYCAP_INTERNXT_{name}", "x")
    said = skycap("internxt", "login", "--email", ADA.email, "--password-stdin", lines=(ADA.password,))
    assert said.status == 0
    assert "command line" not in said.err


def test_everything_can_come_from_the_environment(skycap: Skycap, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in zip(("USER", "PASSWORD", "OTPTOKEN"), BEA, strict=True):
        monkeypatch.setenv(f"INTERNXT_{name}", value)
    assert skycap("internxt", "login").status == 0
    assert configured()["internxt"]["email"] == BEA.email
    skycap("remote", "add", "other", "internxt")
    assert skycap("auth", "login", "other").status == 0
    assert configured()["other"]["email"] == BEA.email
    skycap("remote", "add", "third", "internxt")
    said = skycap("auth", "status", "third")
    assert said.status == 0
    assert "by the environment" in said.out
    assert skycap("internxt", "whoami", "third").status == 0


def test_nothing_that_could_log_in_again_is_kept_unless_asked(skycap: Skycap, emulator: Emulator) -> None:
    start = ("internxt", "login", "--email", BEA.email, "--password-stdin", "-t", "-")
    lines = (BEA.password, BEA.totp)
    skycap(*start, lines=lines)
    assert held("internxt.password") is None
    assert held("internxt.twofactortoken") is None
    said = skycap(*start, "--keep-password", "--keep-twofactortoken", "--json", lines=lines)
    assert sorted(said.records[0]["kept"]) == ["password", "session", "twofactortoken"]
    assert held("internxt.password") == BEA.password
    assert held("internxt.twofactortoken") == BEA.totp
    assert configured()["internxt"]["password"] == "keyring:skycap/internxt.password"
    assert "twofactortoken: set" in skycap("auth", "status", "internxt").out
    status = skycap("internxt", "status", "--json").records[0]
    assert (status["password_kept"], status["twofactortoken_kept"]) == (True, True)
    assert skycap("internxt", "login", "--password-stdin", lines=(BEA.password,)).status == 0  # its own code
    assert held("internxt.password") is None
    assert held("internxt.twofactortoken") is None
    assert set(configured()["internxt"]) == {"type", "email", "session"}


def test_a_kept_password_brings_a_login_that_is_over_back(skycap: Skycap, emulator: Emulator) -> None:
    start = ("internxt", "login", "--email", CYR.email, "--password-stdin", "--keep-password")
    skycap(*start, lines=(CYR.password,))
    before = held("internxt.session")
    emulator.refuse_tokens()
    assert skycap("ls", "internxt:").status == 0
    assert held("internxt.session") != before
    assert skycap("internxt", "whoami").status == 0


def test_a_login_that_is_over_says_what_to_do(skycap: Skycap, emulator: Emulator) -> None:
    skycap("internxt", "login", "--email", CYR.email, "--password-stdin", lines=(CYR.password,))
    emulator.refuse_tokens()
    said = skycap("internxt", "whoami")
    assert said.status == 34
    assert "skycap internxt login internxt" in said.err


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (("--browser", "--password-stdin"), "no password"),
        (("--browser", "--keep-password"), "could be kept"),
        (("--keep-twofactortoken", "--email", "x@example.com"), "--twofactortoken"),
    ],
)
def test_flags_that_do_not_fit_are_told(words: tuple[str, ...], text: str, skycap: Skycap) -> None:
    said = skycap("internxt", "login", *words, lines=("x",))
    assert said.status == 2
    assert text in said.err
    assert configured() == {}


def test_where_nobody_answers_it_says_what_is_missing(skycap: Skycap) -> None:
    assert skycap("internxt", "login").status == 11
    said = skycap("internxt", "login", "--email", ADA.email)
    assert said.status == 11
    assert "password" in said.err
    assert "changed" in skycap("internxt", "login", "--email", ADA.email, lines=("",)).err
    assert configured() == {}


def test_a_plan_without_access_is_told_and_changes_nothing(skycap: Skycap, emulator: Emulator) -> None:
    emulator.set(tier={"rclone": False})
    said = skycap("internxt", "login", "--email", ADA.email, "--password-stdin", lines=(ADA.password,))
    assert said.status == 6
    assert "some plans only" in said.err
    assert configured() == {}


def test_the_remote_has_to_be_one_of_internxt(skycap: Skycap, tmp_path: Path) -> None:
    skycap("remote", "add", "docs", "local", f"root={tmp_path}")
    said = skycap("internxt", "login", "docs", "--email", ADA.email)
    assert said.status == 2
    assert "type local" in said.err
    said = skycap("internxt", "login", "nobody")
    assert said.status == 4
    assert "skycap remote add nobody internxt" in said.err
    for command in ("whoami", "status", "logout"):
        said = skycap("internxt", command)
        assert said.status == 4
        assert "skycap internxt login" in said.err


def test_the_only_remote_needs_no_name_and_several_do(skycap: Skycap) -> None:
    skycap("remote", "add", "one", "internxt", f"email={ADA.email}")
    assert skycap("internxt", "login", "--password-stdin", lines=(ADA.password,)).status == 0
    assert skycap("internxt", "status", "--json").records[0]["remote"] == "one"
    skycap("remote", "add", "two", "internxt")
    said = skycap("internxt", "status")
    assert said.status == 2
    assert "one, two" in said.err
    assert skycap("internxt", "status", "one:").status == 0


def test_whoami_tells_what_the_server_says(skycap: Skycap, emulator: Emulator) -> None:
    skycap("internxt", "login", "--email", ADA.email, "--password-stdin", lines=(ADA.password,))
    emulator.set(quota=10 << 30)
    found = skycap("internxt", "whoami", "--json").records[0]
    assert found == {
        "type": "account",
        "remote": "internxt",
        "email": ADA.email,
        "uuid": emulator.account(ADA.email)["uuid"],
        "name": "ada Emulated",
        "used": 0,
        "limit": 10 << 30,
    }
    emulator.set(quota=99 << 40)
    said = skycap("internxt", "whoami")
    assert ADA.email in said.out
    assert "no limit" in said.out
    emulator.fault(path="users/usage", patch={"total": None, "drive": "7", "backup": 5})
    assert skycap("internxt", "whoami", "--json").records[0]["used"] == 12
    emulator.fault(path="users/usage", status=401)
    assert skycap("internxt", "whoami").status == 0  # refused once, renewed


def test_status_asks_nobody(skycap: Skycap, emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    skycap("remote", "add", "drive", "internxt")
    assert skycap("internxt", "status").status == 11
    assert skycap("internxt", "status", "--json").records == [
        {"type": "status", "remote": "drive", "logged_in": False}
    ]
    emulator.set(login_lifetime_s=3600)
    skycap("internxt", "login", "--email", ADA.email, "--password-stdin", lines=(ADA.password,))
    monkeypatch.setenv("DRIVE_NEW_API_URL", "http://127.0.0.1:9/drive")
    found = skycap("internxt", "status", "--json").records[0]
    assert found["logged_in"]
    assert found["email"] == ADA.email
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT.*Z", found["token_expires"])
    assert not found["token_expired"]
    said = skycap("internxt", "status")
    assert "good until" in said.out
    assert said.status == 0


def test_a_token_that_ran_out_is_told_by_status(skycap: Skycap) -> None:
    skycap("internxt", "login", "--email", ADA.email, "--password-stdin", lines=(ADA.password,))
    kept = Kept.of_secret(Secret(held("internxt.session") or ""))
    old = kept.with_token(token(iat=1_600_000_000, exp=1_600_086_400)).as_secret()
    default_store(plugins().credential_store).set(SERVICE, "internxt.session", old)
    assert skycap("internxt", "status", "--json").records[0]["token_expired"]
    said = skycap("internxt", "status")
    assert said.status == 11
    assert "ran out at" in said.out


def test_logout_ends_the_login_there_and_here(skycap: Skycap, emulator: Emulator) -> None:
    start = ("internxt", "login", "--email", CYR.email, "--password-stdin", "--keep-password")
    skycap(*start, lines=(CYR.password,))
    token = held("internxt.session")
    assert not is_refused(emulator, token)
    said = skycap("internxt", "logout", "--json")
    assert said.status == 0
    assert said.records == [{"type": "logout", "remote": "internxt", "forgotten": ["session", "password"]}]
    assert "warning" not in said.err
    assert is_refused(emulator, token)
    assert (held("internxt.session"), held("internxt.password")) == (None, None)
    assert configured()["internxt"] == {"type": "internxt", "email": CYR.email}
    assert "Nobody was logged in" in skycap("internxt", "logout").err
    assert skycap("ls", "internxt:").status == 11
    assert "skycap internxt login internxt" in skycap("ls", "internxt:").err


def test_logout_forgets_here_also_when_the_server_is_away(
    skycap: Skycap, monkeypatch: pytest.MonkeyPatch
) -> None:
    skycap("internxt", "login", "--email", CYR.email, "--password-stdin", lines=(CYR.password,))
    monkeypatch.setenv("DRIVE_NEW_API_URL", "http://127.0.0.1:9/drive")
    said = skycap("auth", "logout", "internxt")
    assert said.status == 0
    assert "could not be told" in said.err
    assert held("internxt.session") is None
    assert "session" not in configured()["internxt"]


def test_removing_the_remote_forgets_its_secrets(skycap: Skycap) -> None:
    skycap("internxt", "login", "--email", CYR.email, "--password-stdin", lines=(CYR.password,))
    assert skycap("remote", "remove", "--yes", "internxt").status == 0
    assert held("internxt.session") is None


def test_a_store_that_lost_the_login_is_told(skycap: Skycap) -> None:
    skycap("internxt", "login", "--email", CYR.email, "--password-stdin", lines=(CYR.password,))
    default_store(plugins().credential_store).delete(SERVICE, "internxt.session")
    assert skycap("internxt", "status").status == 11
    said = skycap("internxt", "logout")
    assert said.status == 0
    assert "session" not in configured()["internxt"]


def test_auth_login_asks_a_line_a_question(skycap: Skycap, emulator: Emulator) -> None:
    skycap("remote", "add", "drive", "internxt")
    code = emulator.account(BEA.email)["code"]
    said = skycap("auth", "login", "drive", lines=(BEA.email, BEA.password, code))
    assert said.status == 0, said.err
    assert BEA.email in skycap("auth", "status", "drive").out
    assert "no session" in _status_of_new(skycap)


def _status_of_new(skycap: Skycap) -> str:
    skycap("remote", "add", "empty", "internxt")
    return skycap("auth", "status", "empty").out


# The browser

BROWSE = """
import sys, urllib.request
opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
with opener.open(sys.argv[1] + "&account=" + sys.argv[2], timeout=60) as page:
    print(page.read().decode(), file=open(sys.argv[3], "w"))
"""


@pytest.mark.skipif(os.name == "nt", reason="BROWSER with a command line is for Unix")
def test_a_login_by_the_browser_needs_no_password_and_no_code(
    skycap: Skycap, emulator: Emulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen, script = tmp_path / "seen.html", tmp_path / "browse.py"
    script.write_text(BROWSE)
    browser = f"{sys.executable} {script} %s {BEA.email} {seen} &"
    done = subprocess.run(
        [sys.executable, "-m", "skycap.core", "internxt", "login", "--browser"],
        env={**os.environ, **emulator.env, "SKYCAP_CREDENTIAL_STORE": "file", "BROWSER": browser},
        stderr=subprocess.PIPE,
        text=True,
        timeout=60,
        check=False,
    )
    told = done.stderr
    assert done.returncode == 0, told
    assert f"Logged in as {BEA.email}" in told
    assert f"\n{emulator.web}/login?universalLink=true&redirectUri=" in told
    assert "Logged in" in seen.read_text()
    monkeypatch.setenv("SKYCAP_CREDENTIAL_STORE", "file")
    assert skycap("ls", "internxt:").status == 0
    kept = held("internxt.session")
    assert kept is not None
    assert emulator.account(BEA.email)["mnemonic"] in kept
    assert "private" not in kept.lower()
