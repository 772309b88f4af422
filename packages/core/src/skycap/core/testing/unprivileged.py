"""Run something as a user without rights, for tests about files that must not be read.

Tests often run as root, to whom nothing is unreadable. A child process gives up its rights and does the work;
what it returns or raises comes back through a pipe.
"""

from __future__ import annotations

import os
import pickle
import traceback
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")

NOBODY = 65534


def as_nobody(call: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> R:
    """What `call` returns or raises when it runs as a user who owns nothing.

    Where this process is not root, it runs here as it is. The answer must survive pickling.
    """
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        return call(*args, **kwargs)
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        _run_and_exit(writing, lambda: call(*args, **kwargs))
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        answer = pipe.read()
    os.waitpid(child, 0)
    if not answer:
        raise RuntimeError("the child died without an answer")
    raised, value = pickle.loads(answer)  # noqa: S301 - our own child's bytes
    if raised:
        raise value
    result: R = value
    return result


def give_up_rights() -> None:
    """Become nobody; for the `preexec_fn` of a subprocess too. There is no way back."""
    os.setgroups([])
    os.setgid(NOBODY)
    os.setuid(NOBODY)


def _run_and_exit(pipe: int, call: Callable[[], Any]) -> None:
    # Nothing of the parent's may run in the child: no test goes on, no exit handler, no flush of its files.
    status = 1
    try:
        try:
            give_up_rights()
            answer = pickle.dumps((False, call()))
        except BaseException as error:  # noqa: BLE001 - carried to the parent
            answer = _dumped(error)
        with os.fdopen(pipe, "wb") as out:
            out.write(answer)
        status = 0
    finally:
        os._exit(status)


def _dumped(error: BaseException) -> bytes:
    try:
        return pickle.dumps((True, error))
    except Exception:  # noqa: BLE001 - whatever cannot be pickled is told as text
        return pickle.dumps((True, RuntimeError(traceback.format_exc())))
