"""How far a transfer is: bars for a terminal, a line a minute for logs, made of the transfer's events.

The listener is called from every thread that moves files, so it only counts; a thread of its own draws.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, Protocol, Self

from skycap.core.cli.telling import tell
from skycap.core.paths import printable
from skycap.core.transfer.events import Event, EventType
from skycap.core.transfer.result import DIRECTORY
from skycap.core.units import format_duration, format_size

if TYPE_CHECKING:
    from rich.progress import Progress as RichProgress
    from rich.progress import Task, TaskID

PLAIN_INTERVAL_S = 60.0
INTERVAL_VARIABLE = "SKYCAP_PROGRESS_INTERVAL"
_DRAWS_PER_S = 8.0
_SHOWN_FILES = 4
NOT_FILES = DIRECTORY | {"link"}
"""Strategies of what is no file, and was not planned as one."""


class Progress(Protocol):
    """Shows how far it is while it is entered; a listener of events."""

    def __call__(self, event: Event) -> None:
        """Something happened."""
        ...

    def say(self, text: str) -> None:
        """A line for people that stays."""
        ...

    def paused(self) -> AbstractContextManager[None]:
        """While entered, nothing is drawn: a question stands on the terminal."""
        ...

    def clear(self) -> None:
        """Take away what is drawn, for the process ends now."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None: ...


class Tally:
    """What went by, counted under a lock; `moving` are the files under way, with bytes done and size."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.files = self.files_planned = 0
        self.bytes = self.bytes_planned = 0
        self.bytes_before = 0  # there already, from an earlier run
        self.failed = 0
        self.moving: dict[str, tuple[int, int | None]] = {}

    def count(self, event: Event) -> None:
        """One event."""
        kind = event.type
        with self.lock:
            if kind is EventType.MOVED:
                self.bytes += event.bytes
                if (found := self.moving.get(event.path)) is not None:
                    self.moving[event.path] = (found[0] + event.bytes, found[1])
            elif kind is EventType.RESUMED:
                self.bytes += event.bytes
                self.bytes_before += event.bytes
                if (found := self.moving.get(event.path)) is not None:
                    self.moving[event.path] = (found[0] + event.bytes, found[1])
            elif kind is EventType.PLANNED:
                self.files_planned += event.files
                self.bytes_planned += event.size or 0
            elif kind is EventType.STARTED:
                self.moving[event.path] = (0, event.size)
            elif kind in {EventType.COPIED, EventType.FAILED, EventType.UPDATED}:
                moved, _ = self.moving.pop(event.path, (0, None))
                if kind is EventType.COPIED and event.strategy not in NOT_FILES:
                    self.files += event.files
                    # What the kernel copied went by unseen, and what was tried twice went by twice.
                    self.bytes += event.bytes if event.size is None else event.size - moved
                elif kind is EventType.FAILED:
                    self.failed += 1


class Silent:
    """Shows nothing."""

    def __call__(self, event: Event) -> None:
        """Nothing to show."""

    def say(self, text: str) -> None:
        """A line on standard error."""
        tell(printable(text))

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Nothing is drawn anyway."""
        yield

    def clear(self) -> None:
        """Nothing is drawn anyway."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        return


class _Drawing(Silent):
    """Draws now and then in a thread of its own."""

    def __init__(self, interval_s: float) -> None:
        self.tally = Tally()
        self._interval_s = interval_s
        self._ended = threading.Event()
        self._is_paused = False
        self._thread = threading.Thread(target=self._run, name="skycap-progress", daemon=True)

    def __call__(self, event: Event) -> None:
        self.tally.count(event)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._ended.wait(self._interval_s):
            if not self._is_paused:
                self.draw()

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Hold still."""
        self._is_paused = True
        try:
            yield
        finally:
            self._is_paused = False

    def draw(self) -> None:
        """Show how far it is."""
        raise NotImplementedError


class Plain(_Drawing):
    """A line now and then."""

    def __init__(
        self, interval_s: float = PLAIN_INTERVAL_S, clock: Callable[[], float] = time.monotonic
    ) -> None:
        super().__init__(interval_s)
        self._clock = clock
        self._began = clock()

    def draw(self) -> None:
        """`12 of 340 files, 1.2 GiB of 4.0 GiB, 24.0 MiB/s, 2m 05s left`."""
        self.say(self.line())

    def line(self) -> str:
        """How far it is, in one line."""
        tally = self.tally
        with tally.lock:
            files, planned = tally.files, tally.files_planned
            done, size, failed = tally.bytes, tally.bytes_planned, tally.failed
            before = tally.bytes_before
        seconds = max(self._clock() - self._began, 0.001)
        rate = max(done - before, 0) / seconds
        parts = [
            f"{files} of {planned} files",
            f"{format_size(done)} of {format_size(size)}",
            f"{format_size(int(rate))}/s",
        ]
        if rate and size > done:
            parts.append(f"{format_duration((size - done) / rate)} left")
        if failed:
            parts.append(f"{failed} failed")
        return ", ".join(parts)


class Bars(_Drawing):
    """Bars by rich: one for all, and one for each of the first files under way."""

    def __init__(self, *, colour: bool = True) -> None:
        super().__init__(1 / _DRAWS_PER_S)
        self._rich = _rich_progress(colour=colour)
        self._all = self._rich.add_task("waiting", total=None, files="")
        self._files: dict[str, TaskID] = {}

    def __enter__(self) -> Self:
        self._rich.start()
        return super().__enter__()

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        super().__exit__(kind, value, trace)
        self.draw()
        self._rich.stop()

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Take the bars away, so that nothing is painted over what stands there."""
        with super().paused():
            self._rich.stop()
            try:
                yield
            finally:
                self._rich.start()

    def clear(self) -> None:
        """Take the bars away."""
        self._ended.set()
        self._rich.stop()

    def say(self, text: str) -> None:
        """A line above the bars."""
        self._rich.console.print(printable(text), markup=False, highlight=False, soft_wrap=True)

    def draw(self) -> None:
        """Bring the bars to where the tally is."""
        tally = self.tally
        with tally.lock:
            moving = dict(list(tally.moving.items())[:_SHOWN_FILES])
            done, size = tally.bytes, tally.bytes_planned
            files = f"{tally.files}/{tally.files_planned} files"
        for path in self._files.keys() - moving.keys():
            self._rich.remove_task(self._files.pop(path))
        for path, (moved, whole) in moving.items():
            if path not in self._files:
                self._files[path] = self._rich.add_task(_short(path), total=whole, files="")
            self._rich.update(self._files[path], completed=moved, total=whole)
        self._rich.update(self._all, description="all", completed=done, total=size or None, files=files)
        self._rich.refresh()


def _short(path: str, width: int = 32) -> str:
    shown = printable(path)
    return shown if len(shown) <= width else f"…{shown[1 - width :]}"


def _rich_progress(*, colour: bool) -> RichProgress:
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        DownloadColumn,
        Progress,
        ProgressColumn,
        TextColumn,
        TimeRemainingColumn,
    )
    from rich.text import Text

    class Speed(ProgressColumn):
        """In the units of sizes, which rich's own column does not know."""

        def render(self, task: Task) -> Text:
            speed = task.finished_speed or task.speed
            return Text("?" if speed is None else f"{format_size(int(speed))}/s")

    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=24),
        DownloadColumn(binary_units=True),
        Speed(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[files]}", markup=False),
        console=Console(stderr=True, no_color=not colour),
        auto_refresh=False,
        transient=True,
    )


def make(
    mode: Literal["auto", "plain", "none"], *, quiet: bool, environ: Mapping[str, str], stream: Any = None
) -> Progress:
    """The progress that `--progress` asks for: bars only where standard error is a terminal that can."""
    stream = stream or sys.stderr
    if quiet or mode == "none":
        return Silent()
    if mode == "plain":
        return Plain(_interval(environ))
    if not stream.isatty() or environ.get("TERM") == "dumb":
        return Silent()
    return Bars(colour=not environ.get("NO_COLOR"))


def _interval(environ: Mapping[str, str]) -> float:
    from skycap.core.units import parse_duration

    value = environ.get(INTERVAL_VARIABLE)
    return max(parse_duration(value), 0.05) if value else PLAIN_INTERVAL_S
