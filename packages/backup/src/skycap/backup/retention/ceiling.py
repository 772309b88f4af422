"""How much one run of a policy may give up before somebody is asked once more."""

from __future__ import annotations

from collections.abc import Sequence

from skycap.backup.retention.applying import Decision
from skycap.core.errors import ConfirmationRequired

FROM = 20
"""The ceiling counts where there are so many snapshots."""
PERCENT = 25


def check_ceiling(decisions: Sequence[Decision], *, most: int | None = None, percent: int = PERCENT) -> None:
    """Raise ConfirmationRequired where more is given up than `percent` of all, or than `most` snapshots."""
    gone = sum(not one.keep for one in decisions)
    hint = "Look at the plan, and say --allow-large-delete if it is meant."
    if most is not None and gone > most:
        raise ConfirmationRequired(f"{gone} snapshots would be forgotten, more than {most}", hint=hint)
    if len(decisions) >= FROM and gone * 100 > len(decisions) * percent:
        raise ConfirmationRequired(
            f"{gone} of {len(decisions)} snapshots would be forgotten, more than {percent} %", hint=hint
        )
