"""Child processes for work in which threads only wait for each other's interpreter lock.

The lock is let go and taken back at each of a dozen system calls a file, and two threads that do that are
slower than one. A forked child has a lock of its own. It runs nothing but one function that makes system
calls, talks over pipes, and ends when the other end of its pipe is gone, so that it outlives nobody.
"""

from __future__ import annotations

import contextlib
import os
import queue
import signal
import struct
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")

_LENGTH = struct.Struct("<I")
# The ends that this process holds of all pipes to all children, changed under the lock. A child closes its
# copies: they would keep open what tells the children of another transfer that their parent is gone.
_held: set[int] = set()
_forking = threading.Lock()


def supported() -> bool:
    """Whether this system can fork in a process that has threads, as long as the child starts none."""
    return sys.platform == "linux"


@contextlib.contextmanager
def _untraced() -> Iterator[None]:
    """Without a tracer in this thread: one that measures coverage takes a lock that a child may never get."""
    tracer = sys.gettrace()
    sys.settrace(None)
    parent = os.getpid()
    try:
        yield
    finally:
        if os.getpid() == parent:
            sys.settrace(tracer)


class Child:
    """A forked process that runs `serve(request, reply)` on the ends of two pipes, and then ends."""

    def __init__(self, serve: Callable[[int, int], None]) -> None:
        # Before the fork: the lock of an import in another thread would never be let go in the child.
        import pickle  # noqa: F401

        with _forking:
            request, self.request = os.pipe()
            self.reply, reply = os.pipe()
            with warnings.catch_warnings():
                # Newer interpreters warn of forking beside threads: it takes no lock that one may hold.
                warnings.simplefilter("ignore", DeprecationWarning)
                with _untraced():
                    self.pid = os.fork()
            if self.pid == 0:  # pragma: no cover - another process
                _run(serve, request, reply, {*_held, self.request, self.reply})
            os.close(request)
            os.close(reply)
            _held.update((self.request, self.reply))

    def hang_up(self) -> None:
        """Close the pipes, which ends it. Twice is fine."""
        with _forking:
            for end in (self.request, self.reply):
                if end in _held:
                    os.close(end)
                    _held.discard(end)

    def wait(self) -> None:
        """Wait until it is gone; once."""
        with contextlib.suppress(ChildProcessError):
            os.waitpid(self.pid, 0)


def _run(
    serve: Callable[[int, int], None], request: int, reply: int, foreign: set[int]
) -> None:  # pragma: no cover - another process
    status = 1
    try:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent to answer
        for end in foreign:
            os.close(end)
        serve(request, reply)
        status = 0
    finally:
        os._exit(status)  # no exit handlers: they belong to the parent


class Children:
    """Some that run the functions they are told to. Threads may share them; a call takes an idle one."""

    def __init__(self, count: int) -> None:
        self._idle: queue.SimpleQueue[Child | None] = queue.SimpleQueue()
        self._all = [Child(_serve) for _ in range(count)]
        for child in self._all:
            self._idle.put(child)

    def call(self, function: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> R:
        """What a function of a module answers in a child; `BrokenPipeError` if no child is alive."""
        child = self._idle.get()
        if child is None:
            self._idle.put(None)
            raise BrokenPipeError("no child process is left")
        try:
            send(child.request, (function, args, kwargs))
            answer: R = receive(child.reply)
        except (OSError, EOFError) as error:
            self._idle.put(None)  # a child that died leaves a hole; the others finish what they have
            raise BrokenPipeError("a child process ended") from error
        self._idle.put(child)
        return answer

    def close(self) -> None:
        """End them, and wait until they are gone."""
        for child in self._all:
            child.hang_up()
        for child in self._all:
            child.wait()
        self._all.clear()


def _serve(request: int, reply: int) -> None:  # pragma: no cover - another process
    with contextlib.suppress(EOFError):
        while True:
            function, args, kwargs = receive(request)
            send(reply, function(*args, **kwargs))


def send(end: int, value: Any) -> None:
    """Write one value to a pipe."""
    import pickle

    data = pickle.dumps(value, pickle.HIGHEST_PROTOCOL)
    view = memoryview(_LENGTH.pack(len(data)) + data)
    while view:
        view = view[os.write(end, view) :]


def receive(end: int) -> Any:
    """Read one value from a pipe; `EOFError` if the other end is gone."""
    import pickle

    (length,) = _LENGTH.unpack(_exactly(end, _LENGTH.size))
    return pickle.loads(_exactly(end, length))  # noqa: S301 - from a process that is a copy of this one


def _exactly(end: int, size: int) -> bytes:
    pieces = []
    while size:
        piece = os.read(end, size)
        if not piece:
            raise EOFError
        pieces.append(piece)
        size -= len(piece)
    return b"".join(pieces)
