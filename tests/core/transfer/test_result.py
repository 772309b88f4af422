"""What came of a run: its status, its counts, and the report for those who come later."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from skycap.core.errors import (
    AccessDenied,
    Conflict,
    DeleteFailed,
    Error,
    IntegrityError,
    NotFound,
    OutOfSpace,
    PathInvalid,
    StateWriteFailed,
    Unsupported,
    UploadFailed,
)
from skycap.core.location import Location
from skycap.core.storage.entry import Entry, Kind
from skycap.core.storage.memory import Memory
from skycap.core.testing.faults import Fault, Faulty
from skycap.core.transfer.events import Event, EventType, ignore
from skycap.core.transfer.plan import Action, ActionType
from skycap.core.transfer.removing import Removals
from skycap.core.transfer.report import SCHEMA, report, write_report
from skycap.core.transfer.result import KEPT_FAILURES, Result
from tests.core.transfer.conftest import Runner, local, make_tree


def failed(*errors: Error, done: int = 0) -> Result:
    result = Result()
    for number in range(done):
        result(Event(EventType.COPIED, f"done{number}"))
    for error in errors:
        result(Event(EventType.FAILED, "x", error=error))
    return result


@pytest.mark.parametrize(
    ("errors", "done", "status"),
    [
        ([], 1, 0),
        ([NotFound("x")], 0, 4),
        ([NotFound("x")], 1, 3),
        ([AccessDenied("x"), NotFound("x")], 0, 4),
        ([Conflict("x")], 5, 3),
        ([Unsupported("x")], 1, 3),
        ([UploadFailed("x")], 5, 13),
        ([OutOfSpace("x"), NotFound("x")], 5, 29),
        ([IntegrityError("x"), OutOfSpace("x")], 5, 15),
        ([DeleteFailed("x")], 5, 16),
        ([PathInvalid("x")], 5, 3),
        ([PathInvalid("x")], 0, 3),
        ([PathInvalid("x"), AccessDenied("x")], 0, 6),
        ([PathInvalid("x"), UploadFailed("x")], 5, 13),
    ],
)
def test_the_status_is_that_of_the_failure_or_says_that_some_made_it(
    errors: list[Error], done: int, status: int
) -> None:
    assert failed(*errors, done=done).exit_status == status


def test_a_stopped_run_says_so_whatever_else_happened() -> None:
    result = failed(UploadFailed("x"))
    result.interrupted = True
    assert result.exit_status == 130


def test_a_failure_counts_however_many_came_before_it() -> None:
    result = failed(*[NotFound("x")] * (KEPT_FAILURES + 5), IntegrityError("bad"), done=1)
    assert len(result.failures) == KEPT_FAILURES
    assert result.counts.failed == KEPT_FAILURES + 6
    assert result.exit_status == 15


def test_nobody_need_listen() -> None:
    ignore(Event(EventType.COPIED, "x"))


# The report


def conforms(value: Any, schema: dict[str, Any], where: str = "report") -> None:
    """The part of JSON Schema that our schema is written in; whatever else it says is an error."""
    known = {"$schema", "title", "type", "required", "properties", "additionalProperties", "items"}
    assert schema.keys() <= known | {"const", "enum", "format", "minimum", "maxItems", "description"}, where
    types = {"object": dict, "array": list, "string": str, "integer": int, "number": (int, float)}
    if "type" in schema:
        wanted = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
        assert any(value is None if t == "null" else isinstance(value, types[t]) for t in wanted), where
        assert not isinstance(value, bool), where
    if "const" in schema:
        assert value == schema["const"], where
    if "enum" in schema:
        assert value in schema["enum"], where
    if schema.get("format") == "date-time":
        from datetime import datetime

        assert datetime.fromisoformat(value).utcoffset() is not None, where
    if "minimum" in schema:
        assert value >= schema["minimum"], where
    assert not set(schema.get("required", ())) - set(value if isinstance(value, dict) else ()), where
    if isinstance(value, dict):
        for name, item in value.items():
            below = schema.get("properties", {}).get(name, schema.get("additionalProperties"))
            if below is not None:
                conforms(item, below, f"{where}.{name}")
    if isinstance(value, list):
        assert len(value) <= schema.get("maxItems", len(value)), where
        for number, item in enumerate(value):
            conforms(item, schema.get("items", {}), f"{where}[{number}]")


def finished(result: Result) -> Result:
    result.finish()
    return result


@pytest.mark.parametrize(
    ("result", "error", "status"),
    [
        (failed(), None, "ok"),
        (failed(NotFound("x", where="y", hint="z"), done=1), None, "partial"),
        (failed(OutOfSpace("x"), done=1), None, "failed"),
        (failed(*[NotFound("x")] * 1500), None, "failed"),
        (failed(*[NotFound("x")] * 1500), StateWriteFailed("full", hint="h"), "failed"),
        (failed(), UploadFailed("x"), "failed"),
    ],
)
def test_every_report_keeps_to_the_schema(result: Result, error: Error | None, status: str) -> None:
    found = report(finished(result), command="sync", source="a", target="b", error=error)
    conforms(found, SCHEMA)
    assert json.loads(json.dumps(found)) == found
    assert found["status"] == status
    assert found["exit_status"] == (error.exit_status if error else result.exit_status)
    assert found["failures_total"] == result.counts.failed + (error is not None)
    if error is not None:
        assert found["failures"][-1]["class"] == type(error).__name__


def test_the_report_tells_directories_from_files(tmp_path: Path, transfer: Runner) -> None:
    source = local(make_tree(tmp_path / "source", {"a": b"1", "sub/b": b"2", "void": None}))
    for dry_run in (True, False):
        result = transfer(source, local(tmp_path / "target"), {"dry_run": dry_run}).copy()
        counts = report(result, command="copy", source="a", target="b")["counts"]
        assert (counts["copied"], counts["directories"]) == (4, 2)


def test_the_schema_is_not_satisfied_by_anything() -> None:
    found = report(finished(failed()), command="copy", source="a", target="b")
    for name in SCHEMA["required"]:
        with pytest.raises(AssertionError):
            conforms({key: value for key, value in found.items() if key != name}, SCHEMA)
    with pytest.raises(AssertionError):
        conforms({**found, "exit_status": -1}, SCHEMA)


def test_the_report_of_a_real_run_tells_what_failed_and_why(transfer: Runner) -> None:
    here, there = Memory(), Faulty(Memory())
    for name in ("a", "b", "\udcff"):
        here.write(name, b"12")
    there.on("write", Fault(AccessDenied("no", where="there:b", hint="ask")), path="b")
    result = transfer(Location(here), Location(there)).copy()
    found = report(result, command="copy", source="here:", target="there:")
    conforms(found, SCHEMA)
    assert found["status"] == "partial"
    assert found["counts"]["copied"] == 2
    assert found["strategies"] == {"stream": 2}
    assert found["failures"] == [
        {"path": "b", "class": "AccessDenied", "error": "there:b: no", "hint": "ask", "exit_status": 6}
    ]


def test_a_dry_and_a_stopped_run_are_named_so(transfer: Runner) -> None:
    run = transfer(Location(Memory()), Location(Memory()), {"dry_run": True})
    assert report(run.copy(), command="copy", source="a", target="b")["status"] == "dry-run"
    run = transfer(Location(Memory()), Location(Memory()))
    run.cancel.set()
    found = report(run.copy(), command="copy", source="a", target="b")
    conforms(found, SCHEMA)
    assert (found["status"], found["exit_status"]) == ("interrupted", 130)


def test_a_report_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    found = report(finished(failed()), command="copy", source="a", target="b")
    path = tmp_path / "report.json"
    write_report(found, str(path))
    assert json.loads(path.read_text()) == found
    assert os.listdir(tmp_path) == ["report.json"]
    with pytest.raises(StateWriteFailed) as caught:
        write_report(found, str(tmp_path / "none" / "report.json"))
    assert caught.value.hint
    assert caught.value.where == str(tmp_path / "none" / "report.json")


# Removals


def removals(names: list[tuple[str, Kind]], limit: int | None = None) -> Removals:
    found = Removals(Location(Memory(), "top"), limit)
    for name, kind in names:
        found.add(Action(ActionType.REMOVE, name, None, Entry(name, kind, 1 if kind is Kind.FILE else None)))
    return found


def test_files_go_first_and_directories_deepest_first_however_they_are_named() -> None:
    names = ["a", "a\nb", "é", "\udcff", "x/y"]
    dirs = ["d", "d/e", "d/e/\udcfe\n", "z"]
    found = removals([*((n, Kind.DIRECTORY) for n in dirs), *((n, Kind.FILE) for n in names)])
    assert list(found.paths()) == [*names, *reversed(dirs)]
    assert list(found.paths()) == [*names, *reversed(dirs)]
    assert (found.count, found.bytes) == (9, 5)
    found.close()


def test_many_removals_wait_on_disk_in_order() -> None:
    names = [f"{'n' * 50}{number:06}" for number in range(20_000)]
    found = removals([(name, Kind.DIRECTORY if i % 2 else Kind.FILE) for i, name in enumerate(names)])
    assert list(found.paths()) == names[::2] + names[1::2][::-1]
    found.close()


def test_a_preview_that_was_not_read_to_its_end_loses_nothing(tmp_path: Path, transfer: Runner) -> None:
    target = make_tree(tmp_path / "target", {f"d{n}/f": b"1" for n in range(30)})
    source = make_tree(tmp_path / "source", {})

    def look(found: Removals) -> bool:
        next(iter(found.paths()))
        return True

    run = transfer(local(source), local(target), {"allow_empty_source": True})
    assert run.sync(look).counts.removed == 60
    assert os.listdir(target) == []
