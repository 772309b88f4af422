"""Whether two places hold the same: every path of both, compared by content unless asked for less."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from enum import StrEnum

from skycap.core.errors import DownloadFailed, Error, Interrupted, NotFound, Partial, UsageError
from skycap.core.location import Location
from skycap.core.storage.capability import Capability
from skycap.core.storage.entry import Entry, Kind
from skycap.core.transfer.compare import Compare, Verdict, tolerance_ns, verdict
from skycap.core.transfer.inspect import Inspector
from skycap.core.transfer.options import TransferOptions
from skycap.core.transfer.plan import Action, ActionType, Rules, plan
from skycap.core.transfer.walk import fits, is_hopeless, only, walk


class Finding(StrEnum):
    """What a check says of one path."""

    SAME = "same"
    DIFFERENT = "different"
    MISSING = "missing"
    """Only the first place has it."""
    EXTRA = "extra"
    """Only the second place has it."""
    UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True)
class Checked:
    """One path and what was found."""

    finding: Finding
    path: str
    reason: str = ""
    error: Error | None = None
    size: int | None = None


@dataclass(slots=True)
class CheckResult:
    """Counts by finding."""

    counts: dict[Finding, int] = field(default_factory=lambda: dict.fromkeys(Finding, 0))
    bytes: int = 0
    left_alone: int = 0
    """What no copy would bring along, such as links where there are none; what a filter leaves out is not."""
    interrupted: bool = False

    @property
    def exit_status(self) -> int:
        """0 equal, 3 differing, 14 where something could not be read."""
        if self.interrupted:
            return 130
        if self.counts[Finding.UNREADABLE]:
            return DownloadFailed.exit_status
        differing = (Finding.DIFFERENT, Finding.MISSING, Finding.EXTRA)
        return Partial.exit_status if any(self.counts[finding] for finding in differing) else 0


def check(
    first: Location,
    second: Location,
    options: TransferOptions | None = None,
    *,
    on_checked: Callable[[Checked], None],
    on_planned: Callable[[int], object] = id,
    content: bool = True,
    extra: bool = True,
    single: bool = False,
    executor: Callable[[int], Executor] = ThreadPoolExecutor,
    cancel: threading.Event | None = None,
) -> CheckResult:
    """Compare two places, telling `on_checked` of every path, from the threads that find out.

    `on_planned` is told the size in bytes of each file that both places have, before it is looked at.
    Without `content`, time and size decide, or what `options.compare` says; without `extra`, what only the
    second place has is no difference. `single` compares two files.
    """
    return _Check(
        first,
        second,
        options or TransferOptions(),
        on_checked,
        on_planned,
        content=content,
        extra=extra,
        cancel=cancel or threading.Event(),
    ).run(executor, single=single)


class _Check:
    def __init__(
        self,
        first: Location,
        second: Location,
        options: TransferOptions,
        on_checked: Callable[[Checked], None],
        on_planned: Callable[[int], object],
        *,
        content: bool,
        extra: bool,
        cancel: threading.Event,
    ) -> None:
        self._first, self._second = first, second
        self._options = options
        self._content = content and options.compare is not Compare.SIZE
        self._extra = extra
        self._cancel = cancel
        self._on_checked = on_checked
        self._on_planned = on_planned
        self._lock = threading.Lock()
        self._result = CheckResult()
        facts = (first.storage.facts, second.storage.facts)
        self._tolerance = tolerance_ns(*facts, options.window_ns)
        compare = Compare.CHECKSUM if self._content else options.compare
        self._inspector = Inspector(first, second, compare, self._tolerance, cancel=cancel)
        self._rules = Rules(
            compare=Compare.CHECKSUM,  # leaves every pair of files of one size to be looked at
            links="keep",
            links_possible=second.storage.can(Capability.MAKE_SYMLINK),
            select=options.select,
            dirs=facts[0].empty_dirs and facts[1].empty_dirs,
            remove=True,
        )
        if options.transfers is not None and options.transfers < 1:
            raise UsageError("at least one transfer is needed", hint="Give --transfers 1 or more.")
        self._workers = options.transfers or max(facts[0].connections, facts[1].connections)

    def run(self, executor: Callable[[int], Executor], *, single: bool) -> CheckResult:
        waiting = threading.BoundedSemaphore(self._workers * 4)
        failures: list[BaseException] = []

        def done(future: Future[None]) -> None:
            waiting.release()
            if failure := future.exception():
                failures.append(failure)

        interrupted = False
        with executor(self._workers) as pool, closing(self._actions(single=single)) as actions:
            try:
                for action in actions:
                    if self._cancel.is_set() or failures:
                        break
                    if action.type in {ActionType.KEEP, ActionType.CHECK, ActionType.COPY} and action.target:
                        self._on_planned(action.size or 0)
                        waiting.acquire()
                        pool.submit(self._pair, action).add_done_callback(done)
                    else:
                        self._only_one(action)
            except (KeyboardInterrupt, Interrupted):
                interrupted = True
                self._cancel.set()
            except BaseException:
                self._cancel.set()  # before the executor waits for those who are at work
                raise
        if failures:
            raise failures[0]
        self._result.interrupted = interrupted or self._cancel.is_set()
        return self._result

    def _actions(self, *, single: bool) -> Generator[Action, None, None]:
        if single:
            ours, theirs = only(self._first), only(self._second)
        else:
            select = self._options.select
            ours = walk(self._first, self._unreadable, select, by_name=True)
            theirs = walk(self._second, self._unreadable, select, by_name=True)
        yield from plan(ours, theirs, self._rules)

    def _unreadable(self, path: str, error: Error) -> None:
        if not path and (isinstance(error, NotFound) or is_hopeless(error)):
            raise error  # there is nothing to compare with
        self._tell(Checked(Finding.UNREADABLE, path, error.message, error))

    def _only_one(self, action: Action) -> None:
        if action.type is ActionType.REMOVE:
            if self._extra:
                self._tell(Checked(Finding.EXTRA, action.path, "only in the second place"))
        elif action.type is ActionType.LINK and action.target is not None:
            self._tell(Checked(Finding.DIFFERENT, action.path, "the link leads elsewhere"))
        elif action.type is ActionType.SKIP and _are_of_two_kinds(action):
            self._tell(Checked(Finding.DIFFERENT, action.path, "of two kinds"))
        elif action.type is ActionType.KEEP or self._is_left_out(action):
            if action.source is not None and action.type is ActionType.SKIP:
                self._result.left_alone += action.source.kind is not Kind.FILE
        else:
            self._tell(Checked(Finding.MISSING, action.path, "only in the first place"))

    def _is_left_out(self, action: Action) -> bool:
        """What no copy would bring along: links that cannot be kept, pipes, what a filter leaves out."""
        entry, select = action.source, self._options.select
        if action.type is not ActionType.SKIP or entry is None:
            return False
        return entry.kind is not Kind.FILE or (select is not None and not fits(entry, select))

    def _pair(self, action: Action) -> None:
        ours, theirs = action.source, action.target
        if self._cancel.is_set() or ours is None or theirs is None:
            return
        if ours.kind is not theirs.kind:
            self._tell(Checked(Finding.DIFFERENT, action.path, f"{ours.kind.noun} and {theirs.kind.noun}"))
        elif ours.kind is not Kind.FILE:
            self._tell(Checked(Finding.SAME, action.path))
        elif None not in {ours.size, theirs.size} and ours.size != theirs.size:
            self._tell(Checked(Finding.DIFFERENT, action.path, "another size", size=ours.size))
        else:
            try:
                same = self._same(ours, theirs)
            except Interrupted:
                return
            except Error as error:
                self._tell(Checked(Finding.UNREADABLE, action.path, error.message, error))
                return
            finding = Finding.SAME if same else Finding.DIFFERENT
            reason = "" if same else "another content" if self._content else "another time"
            self._tell(Checked(finding, action.path, reason, size=ours.size))

    def _same(self, ours: Entry, theirs: Entry) -> bool:
        if self._content:
            return self._inspector.same(ours, theirs)
        answer = verdict(ours, theirs, self._options.compare, self._tolerance)
        return answer is Verdict.SAME or (answer is Verdict.UNSURE and self._inspector.same(ours, theirs))

    def _tell(self, checked: Checked) -> None:
        with self._lock:
            self._result.counts[checked.finding] += 1
            self._result.bytes += checked.size or 0
        self._on_checked(checked)


def _are_of_two_kinds(action: Action) -> bool:
    ours, theirs = action.source, action.target
    return ours is not None and theirs is not None and ours.kind is not theirs.kind
