"""Under which condition a change may happen; checked by the store, in the same step as the change."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Condition:
    """Either nothing may be there (`version` is None), or just this version."""

    version: str | None = None


IF_ABSENT = Condition()
"""Only if nothing is there yet."""


def if_version(version: str) -> Condition:
    """Only if what is there is still this version."""
    return Condition(version)
