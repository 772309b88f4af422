"""Kills its own process group at the n-th call of one function: a moment that a clock never hits.

Python imports this by its name when it starts, if this folder is on `PYTHONPATH`. What to do stands in
`E2E_DIE`: a name in `os`, a number, and `before` or `after`, as in `rename:17:after`. Where `E2E_ARMED` names
a file, calls count from when that is there.
"""

import itertools
import os
import signal
import sys

if "E2E_DIE" in os.environ and sys.argv[0] != "-c":
    name, number, when = os.environ["E2E_DIE"].split(":")
    call = getattr(os, name)
    calls = itertools.count(1)

    armed = os.environ.get("E2E_ARMED")
    is_there = os.path.exists

    def dying(*args, **kwargs):
        if armed and not is_there(armed):
            return call(*args, **kwargs)
        due = next(calls) == int(number)
        if due and when == "before":
            os.killpg(0, signal.SIGKILL)
        result = call(*args, **kwargs)
        if due:
            os.killpg(0, signal.SIGKILL)
        return result

    setattr(os, name, dying)
