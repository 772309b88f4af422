"""Logs, redaction, progress lines, doctor and info."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from skycap.core.cli.failures import as_ours, as_record
from skycap.core.cli.logs import FILE_NAME, KEPT, MAX_BYTES
from skycap.core.cli.progress import Bars, Plain, Silent, make
from skycap.core.cli.redact import redact
from skycap.core.errors import AccessDenied, NotFound, OutOfSpace
from skycap.core.transfer.events import Event, EventType
from tests.core.cli.conftest import Skycap


def log_path() -> Path:
    return Path(os.environ["SKYCAP_STATE"]) / "logs" / FILE_NAME


def test_errors_and_transfers_are_logged_as_json_lines(skycap: Skycap, tree: Path, home: Path) -> None:
    skycap("ls", home / "nope")
    skycap("copy", tree, home / "out")
    lines = [json.loads(line) for line in log_path().read_text().splitlines()]
    assert [line["level"] for line in lines] == ["error", "info"]
    assert lines[0]["error"]["class"] == "NotFound"
    assert lines[1]["run"]["copied"] >= 3
    assert skycap("logs").out.strip() == str(log_path().parent)
    assert json.loads(skycap("logs", "--last", "1").out) == lines[1]
    if os.name != "nt":
        assert log_path().stat().st_mode & 0o777 == 0o600


def test_a_long_log_is_rotated_and_old_ones_go(skycap: Skycap, home: Path) -> None:
    log_path().parent.mkdir(parents=True)
    for _ in range(KEPT + 2):
        log_path().write_bytes(b"x" * MAX_BYTES)
        skycap("ls", home / "nope")
    names = sorted(path.name for path in log_path().parent.iterdir())
    assert names == [FILE_NAME, *(f"{FILE_NAME}.{number}" for number in range(1, KEPT + 1))]
    assert log_path().stat().st_size < 10_000


def test_a_state_folder_that_cannot_be_written_ends_no_command(
    skycap: Skycap, tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SKYCAP_STATE", "/dev/null/state")
    assert skycap("ls", tree).status == 0
    assert skycap("ls", tree / "nope").status == 4
    assert skycap("doctor").status == 1


@pytest.mark.parametrize(
    "text",
    [
        "GET https://user:hunter2hunter2@host/x",
        "X-Amz-Signature=hunter2hunter2&x=1",
        "Authorization: Bearer hunter2hunter2",
        '{"password": "hunter2hunter2"}',
    ],
)
def test_what_looks_secret_is_taken_out(text: str) -> None:
    assert "hunter2" not in redact(text)


def test_other_text_stays_as_it_is() -> None:
    assert redact("photos:2024/a.jpg: no such file") == "photos:2024/a.jpg: no such file"


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (FileNotFoundError(2, "No such file", "/x"), NotFound),
        (PermissionError(13, "Permission denied", "/x"), AccessDenied),
        (OSError(28, "No space left on device", "/x"), OutOfSpace),
    ],
)
def test_errors_of_the_system_become_ours(error: OSError, kind: type[Exception]) -> None:
    found = as_ours(error)
    assert isinstance(found, kind)
    assert found.where == "/x"


def test_a_record_of_an_error_can_carry_its_item() -> None:
    assert as_record(NotFound("gone"), path="a")["path"] == "a"


def test_a_plain_line_tells_how_far_how_fast_and_how_long() -> None:
    now = [0.0]
    progress = Plain(clock=lambda: now[0])
    for path in ("a", "b"):
        progress(Event(EventType.PLANNED, path, size=2048))
    progress(Event(EventType.STARTED, "a", size=2048))
    progress(Event(EventType.MOVED, "a", bytes=1024))
    progress(Event(EventType.MOVED, "a", bytes=1024))
    progress(Event(EventType.COPIED, "a", size=2048))
    progress(Event(EventType.FAILED, "c"))
    now[0] = 2.0
    assert progress.line() == "1 of 2 files, 2.0 KiB of 4.0 KiB, 1.0 KiB/s, 2.0s left, 1 failed"
    assert progress.tally.moving == {}


class Screen:
    """A stream that is a terminal, or says that it is none."""

    def __init__(self, *, terminal: bool) -> None:
        self._terminal = terminal

    def isatty(self) -> bool:
        return self._terminal


def test_bars_are_for_terminals_that_can() -> None:
    terminal, pipe = Screen(terminal=True), Screen(terminal=False)
    assert isinstance(make("auto", quiet=False, environ={}, stream=terminal), Bars)
    for mode, quiet, environ, stream in (
        ("auto", False, {}, pipe),
        ("auto", False, {"TERM": "dumb"}, terminal),
        ("auto", True, {}, terminal),
        ("none", False, {}, terminal),
        ("plain", True, {}, pipe),
    ):
        assert type(make(mode, quiet=quiet, environ=environ, stream=stream)) is Silent  # type: ignore[arg-type]
    assert isinstance(make("plain", quiet=False, environ={}, stream=pipe), Plain)


def test_doctor_finds_what_is_wrong_and_says_what_to_do(skycap: Skycap) -> None:
    assert skycap("doctor").status == 0
    config = Path(os.environ["SKYCAP_CONFIG"])
    config.parent.mkdir(exist_ok=True)
    config.write_text('[remotes.docs]\ntype = "locale"\n')
    config.chmod(0o644)
    outcome = skycap("doctor")
    assert outcome.status == 1
    assert "Did you mean 'local'?" in outcome.err
    if os.name != "nt":
        assert "chmod 600" in outcome.err


def test_info_holds_what_a_bug_report_needs_and_no_secret(
    skycap: Skycap, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SKYCAP_REMOTE_BOX_SECRET_ACCESS_KEY", "hunter2hunter2")
    outcome = skycap("info", "--json")
    record = outcome.records[0]
    assert {
        "skycap",
        "python",
        "platform",
        "configuration",
        "state",
        "plugin cloudproviders",
    } <= record.keys()
    assert "hunter2" not in outcome.out


def test_the_editor_is_run_on_the_configuration(skycap: Skycap, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("VISUAL", raising=False)
    monkeypatch.setenv("EDITOR", "true")
    assert skycap("config", "edit").status == 0
    assert Path(os.environ["SKYCAP_CONFIG"]).exists()
    monkeypatch.setenv("EDITOR", "no-such-editor-anywhere")
    assert skycap("config", "edit").status == 10


def test_a_move_that_is_only_shown_is_called_one(skycap: Skycap, tree: Path, home: Path) -> None:
    outcome = skycap("move", "--dry-run", tree, home / "out")
    assert "move a.txt (new, 5 B)\n" in outcome.out
    assert "copy" not in outcome.out + outcome.err
    assert "Would move 3 files" in outcome.err


def test_a_forgotten_colon_is_told(skycap: Skycap, tree: Path) -> None:
    skycap("remote", "add", "docs", "local", f"root={tree}")
    outcome = skycap("ls", "docs")
    assert outcome.status == 4
    assert "Then write docs:" in outcome.err


def test_wildcards_are_told_where_they_find_nothing(skycap: Skycap, tree: Path) -> None:
    outcome = skycap("copy", f"{tree}/*.jpg", "out")
    assert outcome.status == 4
    assert "--include" in outcome.err


def test_a_logout_of_nothing_says_so(skycap: Skycap) -> None:
    skycap("remote", "add", "v", "crypt", "remote=/x")
    assert "Nothing was stored for v" in skycap("auth", "logout", "v").err
    assert "no passphrase is set" in skycap("auth", "status").out


def test_a_completion_without_a_shell_is_one_line(skycap: Skycap) -> None:
    outcome = skycap("completion")
    assert outcome.status == 2
    assert "Choose from: bash, zsh, fish\n" in outcome.err


def test_an_engine_that_is_not_there_is_told(skycap: Skycap, tree: Path) -> None:
    outcome = skycap("copy", "--engine", "warp", tree, "out")
    assert outcome.status == 2
    assert "No plugin that is installed brings one." in outcome.err


def test_the_doctor_names_the_remote_that_leads_nowhere(
    skycap: Skycap, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, other in (("A", "b"), ("B", "a")):
        monkeypatch.setenv(f"SKYCAP_REMOTE_{name}_TYPE", "crypt")
        monkeypatch.setenv(f"SKYCAP_REMOTE_{name}_REMOTE", f"{other}:")
        monkeypatch.setenv(f"SKYCAP_REMOTE_{name}_PASSPHRASE", "env:NONE")
    assert "skycap remote show a" in skycap("doctor").out + skycap("doctor").err
