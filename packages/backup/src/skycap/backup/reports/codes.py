"""The words for exit statuses, and the one status of a run.

The numbers are those of `skycap.core.errors`, and so is the order in which they count when several apply.
"""

from __future__ import annotations

from collections.abc import Iterable

from skycap.core.errors import Error, Partial, exit_status

_SIGNAL = 128
_WORDS = {
    0: "none",
    1: "unknown",
    2: "usage-error",
    3: "partial",
    4: "not-found",
    6: "access-denied",
    7: "unsupported",
    10: "dependency-missing",
    11: "auth-missing",
    12: "scan-failed",
    13: "upload-failed",
    14: "download-failed",
    15: "verify-failed",
    16: "delete-failed",
    17: "state-write-failed",
    18: "state-read-failed",
    19: "timeout",
    20: "stopped",
    21: "provider-error",
    22: "repo-missing",
    23: "repo-exists",
    24: "repo-locked",
    25: "no-key",
    26: "format-unsupported",
    27: "repo-damaged",
    28: "tamper-detected",
    29: "no-space",
    30: "sanity-refused",
    31: "confirmation-required",
    32: "conflict",
    33: "config-invalid",
    34: "auth-expired",
    35: "policy-refused",
    36: "skipped",
    40: "unhealthy",
}
_AGAIN = frozenset({1, 3, 13, 14, 16, 17, 19, 20, 24, 36})


def failure_code(status: int) -> str:
    """The stable word for an exit status: `none` for 0, `signal-15` for 143, `unknown` for what is new."""
    if status > _SIGNAL:
        return f"signal-{status - _SIGNAL}"
    return _WORDS.get(status, "unknown")


def is_worth_another_try(status: int) -> bool:
    """Should a scheduler run it again as it is?"""
    return status in _AGAIN or status > _SIGNAL


def decide(errors: Iterable[Error], *, items_lost: bool = False, signal: int | None = None) -> int:
    """The exit status of a run in which all of these ended something.

    `items_lost` tells that single files did not make it, `signal` is the one that came first. A signal ends a
    run before all else.
    """
    if signal is not None:
        return _SIGNAL + signal
    return exit_status([*errors, *([Partial("some items did not make it")] if items_lost else [])])
