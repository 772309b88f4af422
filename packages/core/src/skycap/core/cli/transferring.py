"""Runs a copy, move or sync for the command line: opens both places, shows what happens, sums it up."""

from __future__ import annotations

import logging
from collections.abc import Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from typing import Any, cast

from skycap.core import plugins
from skycap.core.cli.answers import YES, Choice, ask, is_terminal
from skycap.core.cli.failures import as_ours
from skycap.core.cli.progress import Progress, Silent, make
from skycap.core.cli.session import Session
from skycap.core.cli.showing import (
    FEW,
    Show,
    Verb,
    foretold,
    stopped,
    summary,
    summary_record,
)
from skycap.core.cli.stopping import ends_at_once, stopping
from skycap.core.cli.transfer_flags import SyncFlags, TransferFlags, write_report_to
from skycap.core.errors import ConfirmationRequired, Error, Interrupted, Partial, UsageError
from skycap.core.location import Location
from skycap.core.remotes.address import shown
from skycap.core.remotes.pairing import name_of, named_file, target_of_file, target_of_folder
from skycap.core.state import state_folder
from skycap.core.transfer.engine import Transfer
from skycap.core.transfer.events import Event, EventType, Listener
from skycap.core.transfer.removing import Removals
from skycap.core.transfer.report import report
from skycap.core.transfer.result import Result
from skycap.core.units import format_count, format_size

_PREVIEWED = 20
_log = logging.getLogger("skycap.transfer")


def run_transfer(run: Session, verb: Verb, source_text: str, target_text: str, flags: TransferFlags) -> int:
    """Do it; the exit status. What ends the whole run is raised, after the report was written."""
    if "-" in {source_text, target_text}:
        raise UsageError(
            f"a pipe cannot be part of a {verb}",
            hint=f"skycap copy {source_text} {target_text}; a file of this name is written ./-",
        )
    if flags.report == "-" and (run.json or flags.dry_run):
        raise UsageError(
            f"--report - and {'--json' if run.json else '--dry-run'} both write to standard output",
            hint="Give --report a file.",
        )
    progress = Silent() if flags.dry_run else make(flags.progress, quiet=run.quiet, environ=run.environ)
    transfer: Transfer | None = None
    failure: Error | None = None
    try:
        source, target, single = open_both(run, verb, source_text, target_text, flags)
        options = flags.options()
        if flags.interactive and not flags.dry_run:
            options = _asked(run, verb, source, target, flags, single=single)
        show = Show(run, progress, verb, dry_run=flags.dry_run, single=single)
        # Nothing happens in a dry run, so nobody is told that it did.
        observer = None if options.dry_run else plugins.plugins().transfer_event()
        transfer = Transfer(
            source,
            target,
            options,
            state_folder=state_folder(run.environ),
            single=single,
            listener=_listener(show, progress, observer),
            each=show.each or observer is not None,
            executor=_executor(flags.engine),
            hook=plugins.plugins().transfer_strategy(),
        )
        signals = stopping(
            transfer.cancel,
            progress.say,
            in_flight=lambda: transfer.in_flight,
            clear=progress.clear,
        )
        with progress, signals as came:
            try:
                _go(verb, transfer, flags, progress, came)
            finally:
                transfer.result.signal = came[0] if came else None
    except Exception as error:
        failure = as_ours(error)
        raise
    finally:
        if flags.report:
            result = transfer.result if transfer is not None else Result()
            source_shown, target_shown = shown(source_text), shown(target_text)
            found = report(result, command=verb, source=source_shown, target=target_shown, error=failure)
            write_report_to(run, found, flags.report)
        if transfer is not None:
            _log_run(verb, transfer.result, failure)
    if run.verbosity == 0 and show.left_alone > FEW:
        run.note(f"{show.left_alone - FEW} more were left alone; -v names them.")
    return _sum_up(run, verb, transfer.result, single=single)


def _go(verb: Verb, transfer: Transfer, flags: TransferFlags, progress: Progress, came: list[int]) -> None:
    if verb == "copy":
        transfer.copy()
    elif verb == "move":
        transfer.move()
    else:
        declined = 0

        def confirm(removals: Removals) -> bool:
            nonlocal declined
            answer = _agreed(removals, progress, came)
            declined = removals.count if answer is False else 0
            return bool(answer)

        try:
            agreed = flags.interactive or (isinstance(flags, SyncFlags) and flags.yes)
            transfer.sync(None if agreed else confirm)
        except ConfirmationRequired as error:
            if not declined:
                raise
            raise ConfirmationRequired(
                f"kept {format_count(declined, 'item')} that only the target has",
                where=error.where,
                hint="Everything else is done.",
            ) from None


def open_both(
    run: Session, verb: str, source_text: str, target_text: str, flags: TransferFlags
) -> tuple[Location, Location, bool]:
    """Both places, and whether a single file is meant."""
    source = run.open(source_text, overrides=flags.overrides(reading=True))
    single = named_file(source) is not None
    if single and verb == "sync":
        raise UsageError(
            "sync makes folders the same, and this is a file",
            where=source.shown(),
            hint=f"skycap copy {source_text} {target_text}",
        )
    overrides = flags.overrides(reading=False)
    target = run.open(target_text, for_writing=True, as_file=single, overrides=overrides)
    if single:
        return source, target_of_file(target, name_of(source)), True
    return source, target_of_folder(target), False


def _listener(show: Show, progress: Progress, observer: Listener | None) -> Listener:
    listeners: list[Listener] = [progress, show]
    if observer is not None:
        listeners.append(observer)

    def tell(event: Event) -> None:
        for listener in listeners:
            listener(event)

    return tell


def _executor(name: str | None) -> Callable[[int], Executor]:
    if name is None:
        return ThreadPoolExecutor
    engines = plugins.plugins().transfer_engines()
    if name not in engines:
        from skycap.core.storage.options import nearest

        hint = nearest(name, list(engines)) if engines else "No plugin that is installed brings one."
        raise UsageError(f"unknown engine {name!r}", where="--engine", hint=hint)
    return cast("Callable[[int], Executor]", plugins.load(engines[name], "the engine", name))


def _agreed(removals: Removals, progress: Progress, came: list[int]) -> bool | None:
    """Show what would be removed and ask; None where nobody is there."""
    with progress.paused():
        return _ask_about(removals, progress, came)


def _ask_about(removals: Removals, progress: Progress, came: list[int]) -> bool | None:
    are = "is" if removals.count == 1 else "are"
    size = format_size(removals.bytes)
    progress.say(f"{format_count(removals.count, 'item')} ({size}) {are} only at the target:")
    for number, path in enumerate(removals.paths()):
        if number == _PREVIEWED:
            progress.say(f"  … and {removals.count - number} more")
            break
        progress.say(f"  remove {path}")
    if not is_terminal():
        return None
    which = "it" if removals.count == 1 else "them"
    empty = "The source has no file at all: is it mounted? " if removals.emptying else ""
    with ends_at_once(came):
        agreed = ask(f"{empty}Remove {which}? [y/N]").strip() in YES
    if agreed:
        removals.allow_emptying()
    return agreed


class _Chosen:
    """A filter that leaves out what somebody said no to."""

    def __init__(self, inner: Any, declined: set[str]) -> None:
        self._inner = inner
        self._declined = declined

    def matches(self, path: str, **facts: Any) -> bool:
        """Whether the entry is wanted."""
        return path not in self._declined and (self._inner is None or self._inner.matches(path, **facts))

    def names(self, path: str, *, is_dir: bool) -> bool:
        """Whether the name alone is wanted."""
        return path not in self._declined and (self._inner is None or self._inner.names(path, is_dir=is_dir))

    def fits(self, size: int | None, mtime_ns: int | None) -> bool:
        """Whether size and age are wanted."""
        return self._inner is None or self._inner.fits(size, mtime_ns)

    def prunes(self, path: str) -> bool:
        """Whether nothing below this directory is wanted."""
        return self._inner is not None and self._inner.prunes(path)


def _asked(
    run: Session, verb: Verb, source: Location, target: Location, flags: TransferFlags, *, single: bool
) -> Any:
    """Ask for each thing that would be done; the options that leave out what was declined."""
    from dataclasses import replace

    choice = Choice()
    options = flags.options()
    declined: set[str] = set()

    def ask_about(event: Event) -> None:
        # The transfer that looks ends early where they want to stop, and says so in its result.
        if event.type in {EventType.COPIED, EventType.REMOVED} and not choice.wants(foretold(event, verb)):
            declined.add(event.path)

    look = Transfer(
        source,
        target,
        replace(options, dry_run=True, allow_empty_source=True),
        state_folder=state_folder(run.environ),
        single=single,
        listener=ask_about,
    )
    if verb == "sync":
        look.sync()
    else:
        look.copy()
    if look.result.interrupted:
        raise Interrupted("stopped; nothing was changed")
    # What was declined must not make a source look empty that is not.
    allowed = options.allow_empty_source or look.at_source.found
    return replace(options, select=_Chosen(options.select, declined), allow_empty_source=allowed)


def _sum_up(run: Session, verb: Verb, result: Result, *, single: bool) -> int:
    """Say what came of it; the exit status, or the error that says it."""
    status = result.exit_status
    counts = result.counts
    if run.json:
        run.emit(summary_record(verb, result))
    if not result.interrupted:
        run.note(summary(verb, result))
    else:
        for path in result.unfinished[:_PREVIEWED]:
            run.note(f"unfinished: {path}")
        error = Interrupted(
            stopped(result),
            hint="The same command goes on where this one stopped.",
        )
        raise _with_status(error, status)
    if not status:
        return 0
    if single and result.failures:
        raise _with_status(result.failures[0].error, status)
    kinds = [found.error for found in result.failures if found.error.exit_status == status]
    kind = Partial if status == Partial.exit_status or not kinds else type(kinds[0])
    failed = counts.failed
    hint = "-v shows a hint for each." if run.verbosity <= 0 and failed > FEW else None
    raise _with_status(kind(f"{format_count(failed, 'item')} did not make it", hint=hint), status)


def _with_status(error: Error, status: int) -> Error:
    vars(error)["exit_status"] = status
    return error


def _log_run(verb: Verb, result: Result, failure: Error | None) -> None:
    record = summary_record(verb, result)
    _log.info("%s", f"failed: {failure}" if failure else f"{verb} ended", extra={"run": record})
