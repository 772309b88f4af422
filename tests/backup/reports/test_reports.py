"""Run reports: what is in them, and how they are kept."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from skycap.backup.format import canonical
from skycap.backup.reports.cleaning import TEXT_CAP, dumps, fitted
from skycap.backup.reports.fields import Remaining
from skycap.backup.reports.report import RunReport, new_run_id
from skycap.backup.reports.writing import HISTORY, save, write
from skycap.core.crypto.secret import Secret
from skycap.core.errors import (
    AccessDenied,
    Interrupted,
    OutOfSpace,
    StateWriteFailed,
    Stopped,
    TamperDetected,
    UploadFailed,
)
from skycap.core.http import redact
from skycap.core.testing.unprivileged import as_nobody

START = 1_795_000_000_123_456_789
END = START + 61_500_000_000
ID = new_run_id(START, bytes(range(1, 11)))


def a_report(**facts: Any) -> RunReport:
    return RunReport("backup", ["skycap", "backup", "run", "/home"], START, ID, **facts)


def lost(report: RunReport, count: int = 1) -> None:
    for number in range(count):
        path = b"/home/%d-\xff" % number
        report.lose("denied", path, AccessDenied("permission denied", where="x", hint="Look at its mode."))


def test_a_report_has_every_field_of_its_schema() -> None:
    found = a_report().as_json(END)
    assert set(found) == {
        *("schema", "schemaVersion", "runId", "mode", "status", "exitCode", "failureCode", "failures"),
        *("failuresTotal", "startedAt", "finishedAt", "durationMs", "command", "host", "repo", "targets"),
        *("paths", "snapshot", "counts", "bytes", "retries", "throttledMs", "concurrency", "verification"),
        *("tamper", "plan", "remaining", "warnings", "warningsTotal", "warningsByCode", "errors"),
        *("errorsTotal", "errorsByCode", "failedPaths", "failedPathsTotal", "artifacts", "signature"),
    }
    assert found["schema"] == "backup.run-report/2"
    assert found["startedAt"] == "2026-11-18T11:06:40.123Z"
    assert found["durationMs"] == 61_500
    assert set(found["command"]) == {"argv", "version", "profile", "configDigest"}
    assert set(found["host"]) == {"name", "user", "os", "pid"}
    assert set(found["paths"]) == {"source", "target", "pathFilter", "patternFilter", "sources"}
    assert set(found["counts"]) == {
        *("scannedFiles", "selectedFiles", "uploadedFiles", "downloadedFiles", "failedFiles"),
        *("verifiedFiles", "verifyFailedFiles", "deletedRemoteFiles", "retriedOperations", "newFiles"),
        *("changedFiles", "unchangedFiles", "dirs", "symlinks", "special", "sockets", "hardlinks"),
        *("changedDuringRead", "blobsNew", "blobsReused", "packsNew", "packsAdopted"),
    }
    assert set(found["counts"]["symlinks"]) == {"archived", "skipped", "followed", "loops", "broken"}
    assert set(found["bytes"]) == {
        *("scanned", "read", "uploaded", "downloaded", "stored", "dedupSaved", "compressionSaved"),
        *("resumed", "resent"),
    }
    assert set(found["retries"]) == {"put", "get", "list", "delete", "stat", "auth"}
    assert set(found["concurrency"]) == {"min", "max", "final"}
    assert set(found["artifacts"]) == {
        *("manifestPath", "logPath", "reportPath", "restoreDiffPath", "previewPath"),
    }


def test_ids_of_runs_sort_by_time_and_differ() -> None:
    assert f"{1_795_000_000_123:012x}" + bytes(range(1, 11)).hex() == ID
    assert len(new_run_id(START)) == 32
    assert new_run_id(START) != new_run_id(START)
    assert new_run_id(START) < new_run_id(START + 1_000_000)


def test_status_and_exit_code_tell_how_the_run_ended() -> None:
    def ended(report: RunReport) -> tuple[str, int, str]:
        found = report.as_json(END)
        return found["status"], found["exitCode"], found["failureCode"]

    assert ended(a_report()) == ("success", 0, "none")
    assert ended(a_report(dry_run=True)) == ("dry-run", 0, "none")
    partial = a_report()
    lost(partial)
    assert ended(partial) == ("partial", 3, "partial")
    partial.dry_run = True
    assert ended(partial) == ("dry-run", 3, "partial")
    failed = a_report(dry_run=True)
    failed.fail(UploadFailed("no answer"), op="put", attempts=8, object_="data/aa/bb")
    lost(failed)
    assert ended(failed) == ("failure", 13, "upload-failed")
    failed.fail(TamperDetected("not ours"), op="get")
    assert ended(failed) == ("failure", 28, "tamper-detected")
    stopped = a_report()
    stopped.fail(Stopped("the time is over"), op="run")
    assert ended(stopped) == ("stopped", 20, "stopped")
    failed.signal = 15
    assert ended(failed) == ("interrupted", 143, "signal-15")
    interrupted = a_report()
    interrupted.fail(Interrupted("stopped"), op="run")
    assert ended(interrupted) == ("interrupted", 130, "signal-2")


def test_the_first_failure_is_the_one_that_decided() -> None:
    report = a_report()
    report.fail(OutOfSpace("the disk is full", hint="Free some."), op="put", path=b"/spool")
    report.fail(UploadFailed("no answer"), op="put", attempts=8, object_="data/aa/bb")
    first, second = report.as_json(END)["failures"]
    assert first == {
        "code": "upload-failed",
        "class": "UploadFailed",
        "message": "no answer",
        "hint": None,
        "op": "put",
        "attempts": 8,
        "retryable": True,
        "object": "data/aa/bb",
    }
    assert second["path"] == "/spool"


def test_what_remains_is_told_only_of_a_run_that_did_not_end_well() -> None:
    report = a_report(remaining=Remaining(3, 700, True, "skycap backup run /home"))
    assert report.as_json(END)["remaining"] is None
    report.signal = 2
    assert report.as_json(END)["remaining"] == {
        "files": 3,
        "bytes": 700,
        "resumable": True,
        "nextStep": "skycap backup run /home",
    }


def test_lists_are_capped_and_their_totals_are_not() -> None:
    report = a_report()
    lost(report, 1_200)
    for number in range(1_100):
        report.warn("vanished" if number % 2 else "changed-during-read", "gone", b"/x")
    report.warn("clock", "the clocks differ")
    found = report.as_json(END)
    assert (len(found["errors"]), found["errorsTotal"]) == (1_000, 1_200)
    assert (len(found["failedPaths"]), found["failedPathsTotal"]) == (1_000, 1_200)
    assert (len(found["warnings"]), found["warningsTotal"]) == (1_000, 1_101)
    assert found["warningsByCode"] == {"vanished": 550, "changed-during-read": 550, "clock": 1}
    order = [entry["code"] for entry in found["warnings"]]
    assert order == sorted(order)
    assert found["errors"][0]["path"] == "/home/0-\\xff"


def test_a_report_is_at_most_a_mebibyte() -> None:
    report = a_report()
    for number in range(400):
        report.lose("denied", b"/%d/" % number + 3_000 * b"x", AccessDenied(3_000 * "y", hint=3_000 * "z"))
    found = report.as_json(END)
    assert len(dumps(found)) <= 1 << 20
    assert found["errorsTotal"] == 400
    assert found["errors"]
    assert len(found["errors"][0]["message"]) == TEXT_CAP


def test_what_cannot_be_cut_is_left_whole() -> None:
    assert fitted({"errors": [], "text": "x" * 100}, 10) == {"errors": [], "text": "x" * 100}


@pytest.fixture
def secret_text() -> Iterator[str]:
    from skycap.core.http.redact import register_secret

    register_secret(Secret("hunter2-correct-horse"))
    return "hunter2-correct-horse"


def test_no_secret_is_in_a_report(secret_text: str) -> None:
    report = a_report(
        repo={"location": "https://me:pw-of-mine@example.com/r"},
        paths={"sources": [f"/home/{secret_text}"]},
    )
    report.argv = ["skycap", "backup", f"--x={secret_text}", "password=of-somebody"]
    report.warn("w", f"{1_990 * '.'} {secret_text}")
    report.fail(UploadFailed(f"says {secret_text}", hint=secret_text), op="put")
    raw = dumps(report.as_json(END)).decode()
    for secret in (secret_text, "pw-of-mine", "of-somebody", "hunter2"):
        assert secret not in raw
    assert redact(secret_text) == "***"


def test_a_report_is_canonical_and_holds_what_no_text_can() -> None:
    report = a_report(verification={"seconds": 1.6, "objects": (1, 2)})
    report.warn("odd", "half a character \ud800", b"\xff\n")
    raw = dumps(report.as_json(END))
    found = canonical.loads(raw, "report")
    assert found["warnings"][0]["path"] == "\\xff\\n"
    assert found["warnings"][0]["message"] == "half a character \\ud800"
    assert found["verification"] == {"seconds": 2, "objects": [1, 2]}


def test_a_report_is_written_for_its_owner_alone_with_a_line_of_history(tmp_path: Path) -> None:
    folder = str(tmp_path / "state" / "reports")
    for status in (0, 1):
        report = a_report(snapshot={"id": "abc"} if status else None)
        if status:
            report.run_id = new_run_id(START + 10**9, bytes(range(1, 11)))
            lost(report)
        path = save(report.as_json(END), folder)
        assert path is not None
        assert os.path.basename(path) == f"20261118T110640123Z-backup-{report.run_id}.json"
        assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
        with open(path, "rb") as file:
            found = json.load(file)
        assert found["artifacts"]["reportPath"] == path
    assert stat.S_IMODE(os.stat(folder).st_mode) == 0o700
    history = os.path.join(folder, HISTORY)
    assert stat.S_IMODE(os.stat(history).st_mode) == 0o600
    with open(history, encoding="utf-8") as file:
        first, second = map(json.loads, file)
    assert (first["exitCode"], first["snapshot"]) == (0, None)
    assert (second["exitCode"], second["snapshot"], second["errorsTotal"]) == (3, "abc", 1)
    assert sorted(os.listdir(folder)) == sorted(
        {os.path.basename(first["report"]), os.path.basename(second["report"]), HISTORY}
    )


def test_a_report_goes_where_it_was_asked_to(
    tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    folder = str(tmp_path / "reports")
    chosen = tmp_path / "mine.json"
    chosen.write_text("old")
    assert save(a_report().as_json(END), folder, str(chosen)) == str(chosen)
    assert json.loads(chosen.read_bytes())["runId"] == ID
    assert save(a_report().as_json(END), folder, "-") is None
    found = json.loads(capfdbinary.readouterr().out)
    assert found["artifacts"]["reportPath"] is None
    assert os.listdir(folder) == [HISTORY]


def test_a_half_line_of_a_killed_run_does_not_spoil_the_next(tmp_path: Path) -> None:
    history = tmp_path / HISTORY
    history.write_bytes(b'{"runId":"x')
    save(a_report().as_json(END), str(tmp_path))
    half, whole = history.read_bytes().splitlines()
    assert half == b'{"runId":"x'
    assert json.loads(whole)["runId"] == ID


def test_a_long_history_begins_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("skycap.backup.reports.writing.HISTORY_CAP", 900)
    for number in range(4):
        report = a_report()
        report.run_id = new_run_id(START + number * 10**9)
        save(report.as_json(END), str(tmp_path))
    kept = (tmp_path / HISTORY).read_bytes() + (tmp_path / "history.1.ndjson").read_bytes()
    assert kept.count(b"\n") == 4
    assert (tmp_path / HISTORY).stat().st_size < 900


def test_a_report_that_cannot_be_written_leaves_what_was_there(tmp_path: Path) -> None:
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "x").touch()
    with pytest.raises(StateWriteFailed) as caught:
        write(a_report().as_json(END), str(tmp_path / "taken"))
    assert caught.value.exit_status == 17
    assert os.listdir(tmp_path) == ["taken"]
    with pytest.raises(StateWriteFailed):
        write(a_report().as_json(END), str(tmp_path / "nowhere" / "x.json"))


def test_a_history_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / HISTORY).mkdir()
    with pytest.raises(StateWriteFailed):
        save(a_report().as_json(END), str(tmp_path))


def test_nobody_without_rights_writes_a_report(tmp_path: Path) -> None:
    tmp_path.chmod(0o555)
    with pytest.raises(StateWriteFailed):
        as_nobody(write, a_report().as_json(END), str(tmp_path / "x.json"))
