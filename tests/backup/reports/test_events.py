"""Events of a run, and its exit status."""

from __future__ import annotations

import io
import itertools
import json
import os
import threading
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skycap.backup.reports import codes
from skycap.backup.reports.events import EventStream
from skycap.core import errors
from skycap.core.errors import AccessDenied, Error, Locked, UploadFailed

START = 1_795_000_000_123_456_789


class Out(io.StringIO):
    """What a program would write to."""

    def __init__(self, *, terminal: bool = False) -> None:
        super().__init__()
        self.terminal = terminal

    def isatty(self) -> bool:
        return self.terminal

    @property
    def events(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.getvalue().splitlines()]


def stream(out: io.TextIOBase | Any, ticks: list[float] | None = None) -> EventStream:
    moments = iter(ticks or [])
    return EventStream(out, clock=lambda: START, ticks=lambda: next(moments, 0.0))


def test_each_event_is_a_line_with_its_type_and_time() -> None:
    out = Out()
    with stream(out) as events:
        events.item("new", b"/home/\xff", bytes=3)
        events.warning("vanished", "it is gone", b"/home/x")
        events.warning("clock", "the clocks differ")
        events.error(AccessDenied("permission denied", where="x", hint="Look."), b"/home/y")
        events.error(UploadFailed("no answer"))
        events.summary({"runId": "x"})
        events.exit(3)
    types = [event["type"] for event in out.events]
    assert types == ["item", "warning", "warning", "error", "error", "summary", "exit"]
    assert {event["t"] for event in out.events} == {"2026-11-18T11:06:40.123Z"}
    item, warning, _, error, other, summary, ended = out.events
    assert (item["action"], item["path"], item["bytes"]) == ("new", "/home/\\xff", 3)
    assert warning["path"] == "/home/x"
    assert (error["path"], error["class"], error["code"]) == ("/home/y", "AccessDenied", "access-denied")
    assert (other["code"], other["retryable"]) == ("upload-failed", True)
    assert summary["report"] == {"runId": "x"}
    assert (ended["code"], ended["failureCode"]) == (3, "partial")


@pytest.mark.parametrize(
    ("terminal", "ticks", "told"),
    [
        (True, [1.0, 1.1, 1.25, 1.3, 1.6], [0, 2, 4]),
        (False, [1.0, 5.0, 10.9, 11.0, 12.0, 21.5], [0, 3, 5]),
    ],
)
def test_status_is_told_no_more_often_than_somebody_can_read(
    terminal: bool, ticks: list[float], told: list[int]
) -> None:
    out = Out(terminal=terminal)
    events = stream(out, ticks)
    assert [events.status(files=number) for number in range(len(ticks))] == [
        number in told for number in range(len(ticks))
    ]
    assert [event["files"] for event in out.events] == told
    events.exit(0)


def test_nothing_comes_after_the_exit_status() -> None:
    out = Out()
    with stream(out) as events:
        events.exit(0)
        events.item("new", b"/x")
        events.exit(1)
    assert [event["type"] for event in out.events] == ["exit"]


@pytest.mark.parametrize(("raised", "status"), [(Locked("taken"), 24), (ValueError("a defect"), 1)])
def test_a_stream_left_by_an_exception_ends_with_its_status(raised: Exception, status: int) -> None:
    out = Out()
    events = stream(out)

    def run() -> None:
        with events:
            events.item("new", b"/x")
            raise raised

    with pytest.raises(type(raised)):
        run()
    assert out.events[-1]["type"] == "exit"
    assert out.events[-1]["code"] == status


def test_a_reader_that_goes_away_does_not_end_the_run() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    out = os.fdopen(writing, "w")
    with stream(out) as events:
        events.item("new", b"/x")
        events.item("new", b"/y")
    with pytest.raises(BrokenPipeError):
        out.close()


def test_lines_of_several_threads_do_not_mix() -> None:
    out = Out()
    with stream(out) as events:
        threads = [
            threading.Thread(target=lambda name=name: [events.item("new", name * 200) for _ in range(50)])
            for name in (b"a", b"b", b"c")
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        events.exit(0)
    assert len(out.events) == 151


def test_secrets_do_not_show_in_events() -> None:
    out = Out()
    with stream(out) as events:
        events.warning("w", "https://me:secret-one@example.com/?token=secret-two")
        events.exit(0)
    assert "secret" not in out.getvalue()


def all_errors() -> list[type[Error]]:
    found = [Error]
    for one in found:
        found += one.__subclasses__()
    return [one for one in found if one.__module__ == errors.__name__]


def test_every_status_of_the_one_table_has_a_word() -> None:
    for one in all_errors():
        assert codes.failure_code(one.exit_status) != "unknown" or one.exit_status == 1, one
    words = [codes.failure_code(status) for status in range(129)]
    used = [word for word in words if word != "unknown"]
    assert len(used) == len(set(used))
    assert codes.failure_code(1) == codes.failure_code(99) == "unknown"
    assert codes.failure_code(143) == "signal-15"


ORDER = [28, 27, 15, 17, 13, 14, 29, 34, 19, 21]


@given(
    st.lists(st.sampled_from(all_errors()), max_size=4), st.booleans(), st.none() | st.sampled_from([2, 15])
)
def test_precedence_is_that_of_the_table(kinds: list[type[Error]], lost: bool, signal: int | None) -> None:
    found = codes.decide([kind("x") for kind in kinds], items_lost=lost, signal=signal)
    statuses = {kind.exit_status for kind in kinds} | ({3} if lost else set())
    if 2 in statuses:
        statuses = statuses - {2} | {3}
    if signal is not None:
        assert found == 128 + signal
    elif 130 in statuses:
        assert found == 130
    elif named := [status for status in ORDER if status in statuses]:
        assert found == named[0]
    elif others := statuses - {3, 7}:
        assert found == min(others)
    else:
        assert found == (max(statuses) if statuses else 0)


@pytest.mark.parametrize(
    ("statuses", "wanted"),
    [((3, 13, 28), 28), ((27, 15), 27), ((15, 17), 15), ((29, 14), 14), ((29, 34), 29), ((34, 19), 34),
     ((19, 21), 19), ((21, 12), 21), ((12, 3), 12)],
)  # fmt: skip
def test_the_heavier_error_decides_in_any_order(statuses: tuple[int, ...], wanted: int) -> None:
    by_status = {kind.exit_status: kind for kind in all_errors()}
    for order in itertools.permutations(statuses):
        assert codes.decide([by_status[status]("x") for status in order]) == wanted


def test_a_scheduler_knows_what_is_worth_another_try() -> None:
    again = {status for status in range(160) if codes.is_worth_another_try(status)}
    assert again == {1, 3, 13, 14, 16, 17, 19, 20, 24, 36} | set(range(129, 160))
