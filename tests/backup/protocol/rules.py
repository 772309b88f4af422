"""The rules of docs/backup/format.md as switches, so that a test can break one and see it matter."""

from __future__ import annotations

from dataclasses import dataclass

LAGS = (5, 45)
"""How late a listing may be. The grace is more than twice that."""
GRACE = 100
LONGEST_PAUSE = 600
INTENT_LIFE = 2_000


@dataclass(frozen=True)
class Rules:
    """All as the page has them. Times in minutes of the store."""

    recheck: bool = True
    """B4: look again before the snapshot."""
    intent: bool = True
    """B4: the intent is stored before that look. Without it, the snapshot follows within `commit_within`."""
    commit_within: int = 20
    marks_first: bool = True
    """Marks are read before the index, always."""
    grace: int = GRACE
    age_first: bool = True
    """P4: how old a mark is, is measured before that look begins, not while it is used."""
    fresh_list: bool = True
    """P4: snapshots are listed again, after the grace."""
    random_names: bool = True
    """No name of a pack comes back."""
    marks_stay: bool = True
    """A mark is deleted only when its packs were dropped a grace ago."""
    drops: bool = True
    """What was dropped stays dropped, whichever index object lists it."""
    drops_are_carried: bool = True
    """Whoever replaces index objects keeps what they dropped."""
    marked_is_gone: bool = True
    """A marked pack does not count as a place where a blob is safe."""
    rescue: bool = True
    """P4: blobs that are needed after all are copied. Without it, their packs are un-marked."""
    intents_count: bool = True
    """P1 and P4: what an intent needs is needed."""
    intents_stay: bool = True
    """An intent goes a grace after the snapshot that supersedes it, not at once."""
    old_index_stays: bool = True
    """A replaced index object is deleted after a grace, not at once."""
