"""Child processes that copy small files: where a file costs microseconds, threads only wait for each other.

The interpreter lock is let go and taken back at each of a dozen system calls a file, and two threads that do
that are slower than one. A forked child has a lock of its own. It runs nothing but the copy loop, talks over
two pipes, and ends when the other end of its pipe is gone, so that it outlives nobody.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import queue
import signal
import struct
import sys
import threading
import warnings
from collections.abc import Callable
from typing import Any

_LENGTH = struct.Struct("<I")
# The ends that this process holds of all pipes to all children, changed under the lock. A child closes its
# copies: they would keep open what tells the children of another transfer that their parent is gone.
_held: set[int] = set()
_forking = threading.Lock()


def supported() -> bool:
    """Whether this system can fork in a process that has threads, as long as the child starts none."""
    return sys.platform == "linux"


class Children:
    """Forked processes that all run one function. Threads may share them; a call takes an idle one."""

    def __init__(self, function: Callable[..., Any], count: int) -> None:
        self._function = function
        self._pids: list[int] = []
        self._ends: list[int] = []
        self._idle: queue.SimpleQueue[tuple[int, int] | None] = queue.SimpleQueue()
        for _ in range(count):
            with _forking:
                self._start()

    def _start(self) -> None:
        request_read, request_write = os.pipe()
        reply_read, reply_write = os.pipe()
        with warnings.catch_warnings():
            # Newer interpreters warn of forking beside threads: the child takes no lock that one may hold.
            warnings.simplefilter("ignore", DeprecationWarning)
            pid = os.fork()
        if pid == 0:  # pragma: no cover - another process
            for end in (*_held, request_write, reply_read):
                os.close(end)
            _serve(self._function, request_read, reply_write)
        os.close(request_read)
        os.close(reply_write)
        self._pids.append(pid)
        self._ends += [request_write, reply_read]
        _held.update((request_write, reply_read))
        self._idle.put((request_write, reply_read))

    def call(self, *arguments: Any) -> Any:
        """What the function answers in a child; `BrokenPipeError` if no child is alive."""
        ends = self._idle.get()
        if ends is None:
            self._idle.put(None)
            raise BrokenPipeError("no child process is left")
        try:
            _send(ends[0], arguments)
            answer = _receive(ends[1])
        except (OSError, EOFError) as error:
            self._idle.put(None)  # a child that died leaves a hole; the others finish what they have
            raise BrokenPipeError("a child process ended") from error
        self._idle.put(ends)
        return answer

    def close(self) -> None:
        """End them, and wait until they are gone."""
        with _forking:
            for end in self._ends:
                os.close(end)
            _held.difference_update(self._ends)
            self._ends.clear()
        for pid in self._pids:
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, 0)
        self._pids.clear()


def _serve(
    function: Callable[..., Any], request: int, reply: int
) -> None:  # pragma: no cover - another process
    status = 1
    try:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent to answer
        while True:
            try:
                arguments = _receive(request)
            except EOFError:
                break
            _send(reply, function(*arguments))
        status = 0
    finally:
        os._exit(status)  # no exit handlers: they belong to the parent


def _send(end: int, value: Any) -> None:
    data = pickle.dumps(value, pickle.HIGHEST_PROTOCOL)
    view = memoryview(_LENGTH.pack(len(data)) + data)
    while view:
        view = view[os.write(end, view) :]


def _receive(end: int) -> Any:
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
