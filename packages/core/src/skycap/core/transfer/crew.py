"""The workers of one run: they take actions as the plan gives them, and turn each into events."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from contextlib import ExitStack, contextmanager, suppress
from functools import partial

from skycap.core.errors import (
    Conflict,
    Error,
    Interrupted,
    NotFound,
    StateWriteFailed,
    Unsupported,
    UploadFailed,
)
from skycap.core.location import Location
from skycap.core.retry import Caller, Policy, RetryEvent, listening
from skycap.core.storage.entry import Entry, Kind, Metadata
from skycap.core.transfer.aside import set_aside
from skycap.core.transfer.backlog import Backlog
from skycap.core.transfer.compare import fingerprint, like, tells
from skycap.core.transfer.directories import Directories
from skycap.core.transfer.events import Event, EventType, Sum
from skycap.core.transfer.gate import Gate
from skycap.core.transfer.inspect import Inspector
from skycap.core.transfer.moving import SMALL, TINY, Mover
from skycap.core.transfer.options import BATCH_BYTES, BATCH_FILES
from skycap.core.transfer.plan import Action, ActionType
from skycap.core.transfer.state import State
from skycap.core.units import format_size

# The storages try again by themselves; this is for what only shows when a file is done, such as a wrong hash.
_WHOLE_FILE = Policy(attempts=3, base_s=0.2, cap_s=5.0, total_timeout_s=60.0)
_SHARE = 8
"""Small files that a worker takes at a time, when more wait than there are workers."""


class Crew:
    """Runs actions on an executor. `again` collects what something stood in the way of; None: no more."""

    def __init__(
        self,
        mover: Mover,
        executor: Executor,
        workers: int,
        *,
        state: State | None,
        tolerance_ns: int,
        dirs: Directories,
        again: list[Action] | None,
        each: bool = True,
        caller: Callable[..., Caller] = Caller,
    ) -> None:
        self._mover = mover
        self._source, self._target = mover.source, mover.target
        self._options = mover.options
        self._emit = mover.listener
        self._cancel = mover.cancel
        self._executor = executor
        self._state = state
        self._dirs = dirs
        self._again = again
        self._gate = Gate(workers)
        self._inspector = Inspector(
            mover.source, mover.target, mover.options.compare, tolerance_ns, cancel=mover.cancel
        )
        self._trying = caller(_WHOLE_FILE, cancelled=mover.cancel)
        self._batches = mover.takes_small and state is None  # what is written in bulk tells no version
        waiting = 4 if self._batches else 2 * _SHARE
        self._backlog: Backlog[list[Action]] = Backlog(workers, most=workers * waiting, share=_SHARE)
        self._workers = workers
        self._running: list[Future[None]] = []
        self._each = each
        self._unchanged = Sum(EventType.UNCHANGED, self._emit)
        self._planned = Sum(EventType.PLANNED, self._emit)
        self._links: dict[str, bool] = {}
        self._batch: list[Action] = []
        self._batch_bytes = 0
        self._target_mtime = "mtime_ns" in mover.target.storage.facts.scan_fields

    def take(self, action: Action) -> None:
        """Give one action to the workers; waits while too many are under way."""
        kind = action.type
        if kind is ActionType.KEEP:
            self._keep(action)
            return
        if kind is ActionType.SKIP:
            self._emit(Event(EventType.SKIPPED, action.path, action.size, reason=action.reason))
            return
        if kind is ActionType.REFUSE:
            self._emit(
                Event(EventType.FAILED, action.path, error=refused(action, self._source, self._target))
            )
            return
        if action.behind and self._is_blocked(action):
            return
        if action.target is not None and action.target.kind is Kind.OTHER:
            conflict = Conflict(
                "a device, a pipe or a socket stands at the target, and is not replaced",
                where=self._target.shown(action.path),
                hint="Remove it yourself if it is not needed.",
            )
            self._emit(Event(EventType.FAILED, action.path, error=conflict))
            return
        self._dirs.touched(action)
        if kind is ActionType.MAKE_DIR:
            self._attempt(action, self._make_dir)
        elif kind is ActionType.LINK:
            self._attempt(action, self._link)
        else:
            if kind is ActionType.COPY and self._again is not None:
                self._tell(self._planned, EventType.PLANNED, action)
            self._gather(action)

    def finish(self) -> None:
        """Wait for all of them."""
        self._unchanged.tell()
        self._planned.tell()
        if self._batch:
            self._give(self._batch)
            self._batch = []
        self._backlog.end()
        self._executor.shutdown(wait=True)
        for worker in self._running:
            worker.result()

    def give_up(self) -> None:
        """Let the workers go home after what they have in hand."""
        self._backlog.end(drop=True)

    def _tell(self, together: Sum, kind: EventType, action: Action) -> None:
        if self._each:
            self._emit(Event(kind, action.path, action.size))
        else:
            together.add(action.size)

    def _keep(self, action: Action) -> None:
        ours, theirs = action.source, action.target
        if ours is None or theirs is None:
            return
        if ours.kind is Kind.DIRECTORY:
            self._attempt(action, lambda _: self._dirs.kept(ours, theirs))
            return
        self._tell(self._unchanged, EventType.UNCHANGED, action)
        if self._mover.moving:
            self._give([action])

    def _is_blocked(self, action: Action) -> bool:
        """Whether a link stands at the target where a directory is needed: the bytes would go astray."""
        if self._again is not None:
            self._again.append(action)
            return True
        link = action.behind
        if link not in self._links:
            try:
                self._links[link] = self._target.storage.stat(self._target.below(link)).kind is Kind.SYMLINK
            except NotFound:
                self._links[link] = False
            except Error as error:
                self._emit(Event(EventType.FAILED, action.path, error=error))
                return True
        if self._links[link]:
            conflict = Conflict(
                "a link stands at the target where a directory is needed",
                where=self._target.shown(link),
                hint="Remove the link, or let sync do so.",
            )
            self._emit(Event(EventType.FAILED, action.path, error=conflict))
        return self._links[link]

    def _gather(self, action: Action) -> None:
        if not self._batches:
            self._give([action], alone=action.size > SMALL)
            return
        # Handing over costs more than copying a small file does.
        self._batch.append(action)
        self._batch_bytes += action.size
        if len(self._batch) >= BATCH_FILES or self._batch_bytes >= BATCH_BYTES:
            self._give(self._batch, alone=True)
            self._batch, self._batch_bytes = [], 0

    def _give(self, actions: list[Action], *, alone: bool = False) -> None:
        if not self._backlog.put(actions, alone=alone) and len(self._running) < self._workers:
            self._running.append(self._executor.submit(self._serve))

    def _serve(self) -> None:
        """Work until nothing is left to do. A bug in one worker ends the run."""
        with ExitStack() as broken:
            broken.callback(self.give_up)
            broken.callback(self._cancel.set)
            while batches := self._backlog.take():
                together = self._tiny_files if self._mover.takes_contents else self._tiny_local_files
                if len(batches) > 1 and (self._mover.takes_contents or self._mover.gives_contents):
                    batches = [together([action for actions in batches for action in actions])]
                for actions in batches:
                    self._run(actions)
            broken.pop_all()

    def _run(self, actions: list[Action]) -> None:
        if self._batches and len(actions) > 1:
            actions = self._small_files(actions)
        for action in actions:
            if self._cancel.is_set():
                return
            with self._gate:
                self._attempt(action, self._file)

    def _small_files(self, actions: list[Action]) -> list[Action]:
        """Copy what is small in one go; what is left, what failed included, goes the usual way."""
        kind = ActionType.COPY
        small = [a for a in actions if a.type is kind and a.size <= SMALL]
        left = [a for a in actions if a.type is not kind or a.size > SMALL]
        if len(small) < 2 or self._cancel.is_set():
            return actions
        try:
            answers = self._mover.move_small(small)
        except (Error, OSError):  # one by one, each says for itself what is wrong with it
            return actions
        copied: list[Action] = []
        for action, failure in zip(small, answers, strict=True):
            (copied if failure is None else left).append(action)
        if self._each:
            for action in copied:
                self._emit(Event(EventType.COPIED, action.path, action.size, action.size, "batch"))
        elif copied:
            size = sum(action.size for action in copied)
            self._emit(Event(EventType.COPIED, "", size, size, "batch", files=len(copied)))
        return left

    def _tiny_files(self, actions: list[Action]) -> list[Action]:
        """Read what is tiny, then write it in one go; what is left, or failed, goes the usual way."""
        left: list[Action] = []
        read: list[tuple[Action, Entry, tuple[str, bytes, Metadata]]] = []
        for action in actions:
            entry = _source_of(action)
            if action.type is not ActionType.COPY or action.size > TINY or entry.size is None:
                left.append(action)
                continue
            if self._cancel.is_set():
                return []
            told = listening(lambda event, path=action.path: self._retried(path, event))  # type: ignore[misc]
            try:
                with self._gate, told:
                    self._emit(Event(EventType.STARTED, action.path, entry.size))
                    read.append((action, entry, self._mover.read_tiny(entry)))
            except (Error, OSError):  # it says for itself what is wrong when it is tried alone
                left.append(action)
        if not read:
            return left
        try:
            answers = self._mover.write_tiny([entry for _, entry, _ in read], [item for _, _, item in read])
        except (Error, OSError):
            return [*left, *(action for action, _, _ in read)]
        for (action, entry, _), answer in zip(read, answers, strict=True):
            if isinstance(answer, Error):
                left.append(action)
            else:
                self._remember(entry, answer)
                self._emit(Event(EventType.COPIED, action.path, entry.size, entry.size or 0, "stream"))
        return left

    def _tiny_local_files(self, actions: list[Action]) -> list[Action]:
        """Read what is tiny in one go, then store each; what is left, or failed, goes the usual way."""
        tiny = [a for a in actions if a.type is ActionType.COPY and a.size <= TINY]
        left = [a for a in actions if a.type is not ActionType.COPY or a.size > TINY]
        try:
            answers = self._mover.read_all_tiny([_source_of(action) for action in tiny])
        except (Error, OSError):
            return actions
        for action, answer in zip(tiny, answers, strict=True):
            if self._cancel.is_set():
                return []
            if isinstance(answer, Error):
                left.append(action)
            else:
                with self._gate:
                    self._attempt(action, partial(self._store, content=answer))
        return left

    def _store(self, action: Action, *, content: tuple[bytes, Metadata]) -> None:
        entry = _source_of(action)
        self._emit(Event(EventType.STARTED, action.path, entry.size))
        written = self._mover.write_one_tiny(entry, *content)
        self._remember(entry, written)
        self._emit(Event(EventType.COPIED, action.path, entry.size, len(content[0]), "stream"))

    def _attempt(self, action: Action, work: Callable[[Action], None]) -> None:
        try:
            with listening(lambda event: self._retried(action.path, event)):
                self._trying(work, action)
        except Interrupted:
            return
        except StateWriteFailed:  # a run that cannot remember how far it got stops
            raise
        except Conflict as error:
            may_change = action.type is not ActionType.KEEP and self._options.overwrite in {
                "always",
                "rename",
            }
            if self._again is not None and may_change:
                self._again.append(action)
            else:
                self._emit(Event(EventType.FAILED, action.path, error=error))
        except Error as error:
            self._gate.slow_down(error)
            self._emit(Event(EventType.FAILED, action.path, error=error))

    def _retried(self, path: str, event: RetryEvent) -> None:
        self._gate.slow_down(event.error)
        self._emit(Event(EventType.RETRY, path, error=event.error, seconds=event.delay_s))

    def _make_dir(self, action: Action) -> None:
        self._target.storage.make_dir(self._target.below(action.path))
        self._dirs.made(_source_of(action))
        self._emit(Event(EventType.COPIED, action.path, strategy="directory"))

    def _link(self, action: Action) -> None:
        entry = _source_of(action)
        self._target.storage.make_symlink(self._target.below(action.path), entry.target or "")
        self._emit(Event(EventType.COPIED, action.path, strategy="link"))
        self._drop_source(entry)

    def _file(self, action: Action) -> None:
        entry = _source_of(action)
        if action.type is ActionType.CHECK and action.target is not None:
            if not self._inspector.same(entry, action.target):
                self._emit(Event(EventType.PLANNED, action.path, action.size))
                self._attempt(action._replace(type=ActionType.COPY), self._file)
                return
            self._remember(entry, action.target)
            self._emit(Event(EventType.UNCHANGED, action.path, action.size))
        elif action.type is ActionType.KEEP:
            # What only seems the same is no reason to remove what may be the only copy.
            self._inspector.must_be_same(entry, action.target or entry)
        else:
            self._emit(Event(EventType.STARTED, action.path, entry.size))
            with self._keeping_both(action):
                entry, strategy = self._copied(entry)
            self._emit(Event(EventType.COPIED, action.path, entry.size, strategy=strategy))
            if strategy == "rename":
                return
        self._drop_source(entry)

    @contextmanager
    def _keeping_both(self, action: Action) -> Iterator[None]:
        """Where that is wanted, what is there stands beside the new file; if that fails, it is put back."""
        aside, there = None, action.target
        storage, path = self._target.storage, self._target.below(action.path)
        if self._options.overwrite == "rename" and there is not None and there.kind is Kind.FILE:
            aside = set_aside(storage, path)
        try:
            yield
        except BaseException:
            if aside is not None:
                with suppress(Error):
                    storage.rename(aside, path)
            raise

    def _copied(self, entry: Entry) -> tuple[Entry, str]:
        """Copy it; what was copied, which is another than was listed if it changed while it was read."""
        try:
            written, strategy = self._mover.move(entry)
        except UploadFailed:
            now = self._source.storage.stat(self._source.below(entry.path))._replace(path=entry.path)
            if now.kind is not Kind.FILE or fingerprint(like(entry, now)) == fingerprint(entry):
                raise
            entry = like(entry, now)
            written, strategy = self._mover.move(entry)
        if self._options.verify:
            self._inspector.verify(entry)
        self._remember(entry, written)
        return entry, strategy

    def _remember(self, entry: Entry, written: Entry) -> None:
        if self._state is not None:
            shown = written if self._target_mtime else written._replace(mtime_ns=None)
            if tells(entry) and tells(shown):
                self._state.remember(entry.path, fingerprint(entry), fingerprint(shown))

    def _drop_source(self, entry: Entry) -> None:
        """In a move: the file is safe at the target, so what goes wrong now is told, and not tried again."""
        if not self._mover.moving:
            return
        try:
            self._inspector.still(entry)
            self._inspector.not_itself(entry)
            self._source.storage.remove(self._source.below(entry.path))
        except Error as error:
            self._emit(Event(EventType.FAILED, entry.path, error=error))
        else:
            self._emit(Event(EventType.REMOVED, entry.path))


def refused(action: Action, source: Location, target: Location) -> Error:
    """Why a file is not sent at all: it is too large, or would take the place of another."""
    most = target.storage.facts.max_size
    if most is not None and action.size > most:
        return Unsupported(
            f"it has {format_size(action.size)}, and the target takes files of {format_size(most)} at most",
            where=source.shown(action.path),
            hint=f"--max-size {most} leaves out what is larger.",
        )
    return Conflict(action.reason, where=source.shown(action.path), hint="Rename one of the two.")


def _source_of(action: Action) -> Entry:
    if action.source is None:
        raise ValueError(f"an action {action.type} without a source")
    return action.source
