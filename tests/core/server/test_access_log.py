"""One line a request that anybody can parse, and nothing in it that is secret or forged."""

from __future__ import annotations

import json
import os
import threading
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skycap.core.errors import StateWriteFailed
from skycap.core.server.access_log import AccessLog
from skycap.core.testing.clock import ManualClock


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def note(log: AccessLog, path: str = "/", **changes: Any) -> None:
    facts: dict[str, Any] = {"size": 3, "duration_s": 0.0123, "client": "127.0.0.1", "user": None}
    log.write("GET", path, 200, **{**facts, **changes})


def test_a_line_says_who_asked_what_and_what_came_of_it(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "access.log"
    with AccessLog(str(path), clock=ManualClock(1_700_000_000_250_000_000)) as log:
        log.write("PUT", "/a%20b/%C3%BC", 201, size=7, duration_s=0.0015, client="::1", user="me")
    assert lines(path) == [
        {
            "time": "2023-11-14T22:13:20.250Z",
            "client": "::1",
            "user": "me",
            "method": "PUT",
            "path": "/a b/ü",
            "status": 201,
            "bytes": 7,
            "ms": 1.5,
        }
    ]
    if os.name != "nt":
        assert path.stat().st_mode & 0o777 == 0o600
        assert path.parent.stat().st_mode & 0o777 == 0o700


def test_no_query_is_written(tmp_path: Path) -> None:
    path = tmp_path / "access.log"
    with AccessLog(str(path)) as log:
        note(log, "/a?token=secret#part")
    assert lines(path)[0]["path"] == "/a"
    assert "secret" not in path.read_text()


@given(st.text(max_size=60), st.text(max_size=20))
def test_nobody_forges_a_line(path: str, user: str) -> None:
    import contextlib
    import io

    with contextlib.redirect_stderr(io.StringIO()) as said, AccessLog() as log:
        note(log, path, user=user)
    written = said.getvalue()
    assert written.isascii()
    assert written.count("\n") == 1
    found = json.loads(written)
    assert found["path"].isprintable()
    assert found["user"].isprintable()


def test_bytes_that_are_no_text_are_shown_and_what_is_endless_is_cut(tmp_path: Path) -> None:
    path = tmp_path / "access.log"
    with AccessLog(str(path)) as log:
        note(log, "/%FF%0A")
        note(log, "/" + "x" * 9000)
    shown = [line["path"] for line in lines(path)]
    assert shown[0] == "/\\xff\\n"
    assert len(shown[1]) == 4096
    assert shown[1].endswith("…")


def test_it_is_rotated_by_size_and_keeps_a_few(tmp_path: Path) -> None:
    path = tmp_path / "access.log"
    with AccessLog(str(path), max_bytes=1000, kept=2) as log:
        for number in range(40):
            note(log, f"/{number:04}")
    names = sorted(one.name for one in tmp_path.iterdir())
    assert names == ["access.log", "access.log.1", "access.log.2"]
    assert all((tmp_path / name).stat().st_size <= 1000 for name in names)
    kept = [line["path"] for name in reversed(names) for line in lines(tmp_path / name)]
    assert kept == [f"/{number:04}" for number in range(40)][-len(kept) :]
    with AccessLog(str(path), max_bytes=1000, kept=2) as log:
        note(log, "/more")
    assert lines(path)[-1]["path"] == "/more"


def test_threads_do_not_mix_their_lines(tmp_path: Path) -> None:
    path = tmp_path / "access.log"
    with AccessLog(str(path), max_bytes=4000, kept=100) as log:
        threads = [
            threading.Thread(target=lambda: [note(log, "/" + "y" * 100) for _ in range(50)]) for _ in range(8)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert sum(len(lines(one)) for one in tmp_path.iterdir()) == 400


def test_a_log_that_cannot_be_opened_is_told_before_the_server_runs(tmp_path: Path) -> None:
    with pytest.raises(StateWriteFailed):
        AccessLog(str(tmp_path))


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="the device that is always full is of Linux")
def test_a_full_disk_costs_lines_and_no_requests(caplog: pytest.LogCaptureFixture) -> None:
    with AccessLog("/dev/full") as log:
        note(log)
        note(log)
    assert [record.getMessage() for record in caplog.records] == [
        "requests are not logged: [Errno 28] No space left on device"
    ]
