"""Which servers have answered in this process.

A connection that is refused, or a host that nobody knows, is mostly a slip in an address as long as nothing
was ever heard from there, and no wait mends that. Once a server has answered, the same is a bad network in
the middle of a run, and is worth all the patience there is.
"""

from __future__ import annotations

from skycap.core.errors import Error

TRIES = 3
"""How often a server that has never answered is asked, by the first who tries; others then ask it once."""
WAIT_S = 1.0
"""The longest wait between these."""
_answered: set[str] = set()
_given_up: set[str] = set()


def answered(server: str) -> None:
    """A server has given an answer, whatever it said."""
    if server not in _answered:
        _answered.add(server)
        _given_up.discard(server)


def never_reached(error: Error) -> bool:
    """Whether an error says that a server takes no connection which has not answered yet, either."""
    return error.unreached is not None and error.unreached not in _answered


def give_up(error: Error) -> None:
    """Somebody has tried often enough."""
    if error.unreached is not None:
        _given_up.add(error.unreached)


def tries(error: Error, attempts: int) -> int:
    """How many attempts there are, of those a policy allows."""
    if not never_reached(error):
        return attempts
    return min(attempts, 1 if error.unreached in _given_up else TRIES)
