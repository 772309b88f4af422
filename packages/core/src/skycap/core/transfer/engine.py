"""The engine: takes a plan as it comes and works it off, many files at once.

Files go to an executor that is handed in; a bounded number waits there, so that a plan of millions costs no
memory. Removals come last, after everybody could say no, and not at all where a listing had a hole.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from dataclasses import replace

from skycap.core.errors import (
    ConfirmationRequired,
    Conflict,
    Error,
    Interrupted,
    NotFound,
    ScanFailed,
    Unsupported,
    UsageError,
)
from skycap.core.location import Location
from skycap.core.paths import relative_to, split
from skycap.core.retry import Caller, RetryEvent, listening
from skycap.core.state import state_folder as usual_state_folder
from skycap.core.storage.capability import Capability
from skycap.core.transfer.aside import refuse_aside
from skycap.core.transfer.compare import tolerance_ns
from skycap.core.transfer.crew import Crew, refused
from skycap.core.transfer.directories import Directories
from skycap.core.transfer.events import Event, EventType, Listener, ignore
from skycap.core.transfer.folding import folded
from skycap.core.transfer.guards import Presence, place_itself, refuse_overlap
from skycap.core.transfer.leftovers import tidy
from skycap.core.transfer.moving import Mover, StrategyHook
from skycap.core.transfer.options import TransferOptions
from skycap.core.transfer.parts import PartsMover
from skycap.core.transfer.plan import Action, ActionType, Rules, plan
from skycap.core.transfer.removing import Removals
from skycap.core.transfer.result import Result
from skycap.core.transfer.sizes import fitting
from skycap.core.transfer.state import State
from skycap.core.transfer.walk import is_hopeless, only, walk
from skycap.core.units import format_count

Confirm = Callable[[Removals], bool]
"""Shown what would be removed; True goes ahead."""
_PARTS_AT_ONCE = 8
_OF_ONE = Event._fields.index("source")
"""So many fields of an event are of the one thing that happened; those behind are of the transfer."""


class Transfer:
    """One copy, sync or move between two locations, done once; `cancel.set()` stops it in good order.

    With `single`, the locations name two files; else what is below the one goes below the other. `listener`
    is told of events by all threads; without `each`, of many small files at once. What ends the whole run is
    raised, and sets `cancel` too, so that nobody goes on working for it. `state_folder` is where it remembers
    what was the same; None: where the command line does.
    """

    def __init__(
        self,
        source: Location,
        target: Location,
        options: TransferOptions | None = None,
        *,
        state_folder: str | None = None,
        single: bool = False,
        listener: Listener = ignore,
        each: bool = True,
        executor: Callable[[int], Executor] = ThreadPoolExecutor,
        hook: StrategyHook | None = None,
        cancel: threading.Event | None = None,
        caller: Callable[..., Caller] = Caller,
    ) -> None:
        self.source, self.target = source, target
        self.options = options or TransferOptions()
        self.result = Result()
        self._single = single
        self.cancel = cancel or threading.Event()
        self._listeners = (self.result, listener)
        self._each = each
        self._executor = executor
        self._hook = hook
        self._caller = caller
        self._state = State(state_folder or usual_state_folder(), _place(source), _place(target))
        self._parts: PartsMover | None = None
        self._holes = False
        self._root: object = None
        self._again: list[Action] = []
        self._ran = False
        self._about = (source.shown(), target.shown(), "")
        facts = (source.storage.facts, target.storage.facts)
        self._rules = Rules(
            compare=self.options.compare,
            tolerance_ns=tolerance_ns(*facts, self.options.window_ns),
            links=self.options.links,
            links_possible=target.storage.can(Capability.MAKE_SYMLINK),
            dirs=facts[0].empty_dirs and facts[1].empty_dirs,
            overwrite=self.options.overwrite,
            select=self.options.select,
        )
        self.at_source = Presence(
            self.options.select, links=self._rules.links == "keep" and self._rules.links_possible
        )
        listed = facts[0].scan_fields & facts[1].scan_fields
        self._uses_table = "mtime_ns" not in listed
        self._dirs = Directories(
            source,
            target,
            enabled=self._rules.dirs,
            metadata=self.options.metadata,
            tolerance_ns=self._rules.tolerance_ns,
        )

    @property
    def in_flight(self) -> int:
        """Bytes of large files that are being sent now, and that `cancel` waits for."""
        return self._parts.in_flight if self._parts is not None else 0

    # What there is to do

    def plan(self, *, remove: bool = False) -> Generator[Action, None, None]:
        """The plan as a stream. Directories that cannot be listed are events, and switch off removals."""
        with ExitStack() as opened:
            known = self._state.known() if self._uses_table else None
            if known is not None:
                opened.callback(known.close)
            rules = replace(self._rules, remove=remove)
            if self._single:
                ours, theirs = only(self.source), only(self.target)
            else:
                select = self.options.select
                ours = walk(self.source, self._source_hole, select, by_name=True, must_exist=True)
                ours = self.at_source.watch(ours)
                theirs = walk(self.target, self._target_hole, select, by_name=True, ahead=True)
            actions: Iterator[Action] = plan(ours, theirs, rules, known)
            if (max_size := self.target.storage.facts.max_size) is not None:
                actions = fitting(actions, max_size)
            if not (self._single or self.target.storage.facts.case_sensitive):
                actions = folded(actions)
            yield from actions

    def _source_hole(self, path: str, error: Error) -> None:
        if not path and is_hopeless(error):
            raise error
        self._holes = True
        self._emit(Event(EventType.FAILED, path, error=error))

    def _target_hole(self, path: str, error: Error) -> None:
        if not path and isinstance(error, NotFound):
            return  # the target is not there yet
        if not path and is_hopeless(error):
            raise error
        self._holes = True
        self._emit(Event(EventType.FAILED, path, error=error))

    def _emit(self, event: Event) -> None:
        if self._single:
            event = event._replace(path=split(self.source.path)[1])
        event = Event._make(event[:_OF_ONE] + self._about)
        for listener in self._listeners:
            listener(event)

    # Doing it

    def copy(self) -> Result:
        """Copy what is missing or different; nothing is removed."""
        return self._run(remove=False)

    def sync(self, confirm: Confirm | None = None) -> Result:
        """Copy, then remove what only the target has, if `confirm` agrees (None: it need not be asked).

        `Unsupported` where the target chooses the names: what was copied would be what only it has.
        """
        if self.target.storage.facts.names_on_write:
            raise Unsupported(
                "the target chooses the names of files, so nobody can tell which to remove",
                where=self.target.shown(),
                hint="Copy to it instead.",
            )
        return self._run(remove=True, confirm=confirm)

    def move(self) -> Result:
        """Copy, and remove each file at the source once it is safe at the target."""
        if self.options.links == "follow":
            raise UsageError(
                "a move that follows links would remove what lies outside of the source",
                where=self.source.shown(),
                hint="Copy with --links follow, or move with --links keep.",
            )
        return self._run(remove=False, moving=True)

    def _run(self, *, remove: bool, moving: bool = False, confirm: Confirm | None = None) -> Result:
        if self._ran:
            raise UsageError("a transfer is done once", hint="Make another Transfer for the next run.")
        self._ran = True
        refuse_overlap(self.source, self.target)
        if self.options.overwrite == "rename":
            refuse_aside(self.target, remove=remove)
        self.result.dry_run = self.options.dry_run
        self._about = (*self._about[:2], "move" if moving else "sync" if remove else "copy")
        with ExitStack() as after:
            after.push(self._ended)
            self._emit(Event(EventType.BEGUN, ""))
            after.callback(self._state.close)
            limit, emptying = self.options.max_delete, self.options.allow_empty_source
            removals = after.enter_context(closing(Removals(self.target, limit, allow_emptying=emptying)))
            after.enter_context(listening(self._retried))
            try:
                if self.options.dry_run:
                    self._foretell(removals, remove=remove)
                else:
                    self._do(removals, remove=remove, moving=moving, confirm=confirm)
            except (KeyboardInterrupt, Interrupted):
                self.cancel.set()
            self.result.interrupted = self.cancel.is_set()
            if self.result.interrupted:
                here = self.target.path
                self.result.unfinished = [relative_to(path, here) for path in self._state.unfinished()]
        return self.result

    def _ended(self, kind: object, error: BaseException | None, trace: object) -> None:
        self.result.finish()
        self._emit(Event(EventType.FINISHED, "", error=error if isinstance(error, Error) else None))

    def _retried(self, event: RetryEvent) -> None:
        self._emit(Event(EventType.RETRY, "", error=event.error, seconds=event.delay_s))

    def _foretell(self, removals: Removals, *, remove: bool) -> None:
        with closing(self.plan(remove=remove)) as actions:
            for action in actions:
                if self.cancel.is_set():
                    return
                if action.type is ActionType.REMOVE:
                    removals.add(action)
                self._emit(_as_event(action, self.source, self.target))
        removals.check()
        removals.source_is_empty = not self.at_source.found
        removals.check_emptying(self.source)

    def _do(self, removals: Removals, *, remove: bool, moving: bool, confirm: Confirm | None) -> None:
        self._root = place_itself(self.source)
        self._state.begin()
        self._work(removals, remove=remove, moving=moving)
        refused: Error | None = None
        if remove and not self.cancel.is_set():
            try:
                self._remove(removals, confirm)
            except Error as error:
                refused = error
        if self._again and not self.cancel.is_set():
            self._repeat(moving=moving)
        if not self.cancel.is_set():  # else the next run does: it sees that their times differ
            if moving:
                self._remove_emptied(removals)
            self._tidy()
            self._finish_dirs()
        if refused is not None:
            raise refused

    def _work(self, removals: Removals, *, remove: bool, moving: bool) -> None:
        with self._crew(self._workers(), moving=moving) as crew, closing(self.plan(remove=remove)) as actions:
            for action in actions:
                if self.cancel.is_set():
                    break
                if moving and action.source is not None and action.source.is_dir:
                    removals.add(action._replace(target=action.source))
                if action.type is ActionType.REMOVE:
                    removals.add(action)
                    self._dirs.touched(action)
                else:
                    crew.take(action)
            crew.finish()
        self._state.flush()

    def _remove_emptied(self, folders: Removals) -> None:
        """The folders of the source that a move left empty, deepest first."""
        for path in folders.paths():
            try:
                self.source.storage.remove(self.source.below(path))
            except Conflict:
                continue  # something in it stayed behind, and was told of
            except Error as error:
                self._emit(Event(EventType.FAILED, path, error=error))

    @contextmanager
    def _crew(self, workers: int, *, moving: bool, last_try: bool = False) -> Iterator[Crew]:
        threads = min(
            _PARTS_AT_ONCE, max(self.source.storage.facts.connections, self.target.storage.facts.connections)
        )
        memory = self.options.parts_in_flight
        parts = PartsMover(self._state, threads=threads, memory=memory, cancel=self.cancel)
        self._parts = parts
        mover = Mover(
            self.source,
            self.target,
            self.options,
            parts=parts,
            listener=self._emit,
            cancel=self.cancel,
            hook=self._hook,
            moving=moving,
        )
        with closing(parts), closing(mover), self._executor(workers) as executor:
            crew = Crew(
                mover,
                executor,
                workers,
                state=self._state if self._uses_table else None,
                tolerance_ns=self._rules.tolerance_ns,
                dirs=self._dirs,
                again=None if last_try else self._again,
                each=self._each,
                caller=self._caller,
            )
            try:
                yield crew
            except BaseException:
                self.cancel.set()  # before the executor waits for those who are at work
                crew.give_up()
                raise

    def _workers(self) -> int:
        if self.options.transfers is not None:
            if self.options.transfers < 1:
                raise UsageError("at least one transfer is needed", hint="Give --transfers 1 or more.")
            return self.options.transfers
        kernel = self.source.storage.can(Capability.LOCAL_PATH) and self.target.storage.can(
            Capability.LOCAL_PATH
        )
        both = (self.source.storage.facts.connections, self.target.storage.facts.connections)
        return 2 if kernel else max(both)

    def _tidy(self) -> None:
        """Take away what an earlier run left when it died, and what nothing can be done with any more."""
        complete = self.options.select is None and not self._holes
        for path, failure in tidy(self._state, self.target, uploads=complete):
            self._emit(Event(EventType.FAILED, path, error=failure))

    def _finish_dirs(self) -> None:
        for path, updated, failure in self._dirs.finish():
            if failure is not None:
                self._emit(Event(EventType.FAILED, path, error=failure))
            elif updated:
                self._emit(Event(EventType.UPDATED, path))

    def _remove(self, removals: Removals, confirm: Confirm | None) -> None:
        if removals.count and (reason := self._doubt()):
            error = ScanFailed(
                f"{format_count(removals.count, 'item')} at the target left alone, since {reason}",
                where=self.target.shown(),
                hint="Mend what went wrong and run the command again.",
            )
            self._emit(Event(EventType.FAILED, "", error=error))
            return
        removals.check()
        removals.source_is_empty = not self.at_source.found
        agreed = not removals.count or confirm is None or confirm(removals)
        removals.check_emptying(self.source)
        if not agreed:
            raise ConfirmationRequired(
                f"{format_count(removals.count, 'item')} would be removed, and nobody agreed to it",
                where=self.target.shown(),
                hint="Everything else is done. Say --yes to remove without a question.",
            )
        for path, failure in removals.run(self.cancel):
            if failure is None:
                if self._uses_table:
                    self._state.forget(path)
                self._emit(Event(EventType.REMOVED, path))
            else:
                self._emit(Event(EventType.FAILED, path, error=failure))

    def _doubt(self) -> str | None:
        """Why nothing may be removed now, if there is a reason."""
        if self._holes:
            return "a folder could not be listed"
        if self.result.counts.failed:
            return "some files could not be copied, and what is there may be all there is of them"
        if self._root != place_itself(self.source):
            return "the source is another folder now than it was at first"
        return None

    def _repeat(self, *, moving: bool) -> None:
        """What stood in the way may be gone now: a file where a directory belongs, or the other way round."""
        again, self._again = self._again, []
        with self._crew(1, moving=moving, last_try=True) as crew:
            for action in again:
                crew.take(action)
            crew.finish()


def _place(location: Location) -> str:
    return f"{location.storage.identity}\n{location.path}"


def _as_event(action: Action, source: Location, target: Location) -> Event:
    if action.type is ActionType.REMOVE:
        return Event(EventType.REMOVED, action.path, action.target.size if action.target else None)
    if action.type is ActionType.KEEP:
        return Event(EventType.UNCHANGED, action.path, action.size)
    if action.type is ActionType.REFUSE:
        return Event(EventType.FAILED, action.path, error=refused(action, source, target))
    if action.type is ActionType.SKIP:
        return Event(EventType.SKIPPED, action.path, action.size, reason=action.reason)
    return Event(EventType.COPIED, action.path, action.size, reason=action.reason, strategy=action.type.value)
