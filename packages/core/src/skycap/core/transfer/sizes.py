"""Files that are larger than a target takes: known before the first byte of them is sent."""

from __future__ import annotations

from collections.abc import Iterator

from skycap.core.transfer.plan import Action, ActionType


def fitting(actions: Iterator[Action], max_size: int) -> Iterator[Action]:
    """The plan, in which what is too large becomes `REFUSE`."""
    for action in actions:
        if action.type in _MOVED and action.size > max_size:
            yield action._replace(type=ActionType.REFUSE)
        else:
            yield action


_MOVED = frozenset({ActionType.COPY, ActionType.CHECK})
