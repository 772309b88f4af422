"""Runs a check for the command line: shows what differs, how far it is, and sums it up."""

from __future__ import annotations

import sys
import threading
from typing import Any

from skycap.core.cli.failures import as_ours
from skycap.core.cli.progress import Progress, make
from skycap.core.cli.session import Session
from skycap.core.cli.stopping import status_of, stopping
from skycap.core.cli.transfer_flags import CompareFlags, write_report_to
from skycap.core.errors import Error, Partial, UsageError
from skycap.core.remotes.address import shown
from skycap.core.remotes.pairing import name_of, named_file, target_of_file
from skycap.core.transfer.check import Checked, CheckResult, Finding, check
from skycap.core.transfer.events import Event, EventType
from skycap.core.transfer.options import TransferOptions
from skycap.core.transfer.report import report
from skycap.core.transfer.result import Result


def run_check(
    run: Session,
    first: str,
    second: str,
    flags: CompareFlags,
    *,
    quick: bool,
    one_way: bool,
    report_to: str | None,
) -> int:
    """Compare, and give the exit status. What ends the whole run is raised, after the report was written."""
    ways = {"--quick": quick, "--size-only": flags.size_only, "--checksum": flags.checksum}
    if len(given := [name for name, is_given in ways.items() if is_given]) > 1:
        raise UsageError(f"{' and '.join(given)} exclude each other")
    if report_to == "-" and run.json:
        raise UsageError("--report - and --json both write to standard output", hint="Give --report a file.")
    found, failure, status = Result(), None, None
    try:
        came, result = _compared(run, first, second, flags, found, content=not quick, extra=not one_way)
        found.interrupted = result.interrupted
        status = status_of(came) or result.exit_status
    except Exception as error:
        failure = as_ours(error)
        raise
    finally:
        if report_to is not None:
            found.finish()
            told = report(
                found,
                command="check",
                source=shown(first),
                target=shown(second),
                error=failure,
                status=status,
            )
            write_report_to(run, told, report_to)
    _sum_up(run, result, status)
    return status


def _compared(
    run: Session, first: str, second: str, flags: CompareFlags, found: Result, *, content: bool, extra: bool
) -> tuple[list[int], CheckResult]:
    ours = run.open(first, overrides=flags.overrides(reading=True))
    theirs = run.open(second, overrides=flags.overrides(reading=True))
    single = named_file(ours) is not None
    if single:
        theirs = target_of_file(theirs, name_of(ours))
    if (named_file(theirs) is not None) is not single:
        raise UsageError("a folder and a file cannot be compared", where=theirs.shown())
    progress = make("auto", quiet=run.quiet, environ=run.environ)
    show = _Show(run, progress, found, name_of(ours) if single else ".")
    cancel = threading.Event()
    with progress, stopping(cancel, progress.say, clear=progress.clear) as came:
        result = check(
            ours,
            theirs,
            TransferOptions(**flags.compare_options()),
            on_checked=show,
            on_planned=lambda size: progress(Event(EventType.PLANNED, "", size)),
            content=content and not flags.size_only,
            extra=extra,
            single=single,
            cancel=cancel,
        )
    found.counts.skipped = result.left_alone
    return came, result


class _Show:
    """Shows each finding, and counts it for the progress and for the report."""

    def __init__(self, run: Session, progress: Progress, found: Result, name: str) -> None:
        self._run = run
        self._progress = progress
        self._found = found
        self._name = name
        self._lock = threading.Lock()

    def __call__(self, checked: Checked) -> None:
        run = self._run
        is_same = checked.finding is Finding.SAME
        if checked.error is not None:
            run.named(checked.error)
        self._found(_as_event(checked))
        if checked.finding in {Finding.SAME, Finding.DIFFERENT}:
            self._progress(Event(EventType.COPIED, checked.path, checked.size or 0))
        if is_same and run.verbosity <= 0:
            return
        with self._lock:
            if run.json:
                record: dict[str, Any] = {"type": checked.finding.value, "path": checked.path}
                run.emit(record | ({"reason": checked.reason} if checked.reason else {}))
                return
            reason = f" ({checked.reason})" if checked.reason else ""
            line = f"{checked.finding.value} {checked.path or self._name}{reason}"
            if not sys.stdout.isatty():
                run.line(line)
                return
            with self._progress.paused():  # both are on the same screen
                run.line(line)


def _as_event(checked: Checked) -> Event:
    if checked.finding is Finding.SAME:
        return Event(EventType.UNCHANGED, checked.path, checked.size)
    error: Error = checked.error or Partial(f"{checked.finding.value}: {checked.reason}", where=checked.path)
    return Event(EventType.FAILED, checked.path, checked.size, error=error)


def _sum_up(run: Session, result: CheckResult, status: int) -> None:
    counts = {finding.value: number for finding, number in result.counts.items()}
    if run.json:
        ends = {"left_alone": result.left_alone, "exit_status": status}
        run.emit({"type": "summary", "command": "check", **counts, **ends})
    told = [f"{number} {what}" for what, number in counts.items() if number]
    if result.left_alone:
        told.append(f"{result.left_alone} left alone, such as links that one of them cannot hold")
    run.note(f"{', '.join(told) or 'Both are empty'}.")
