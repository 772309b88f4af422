"""Trying again: how often, after how long a wait, and for which kind of work."""

from skycap.core.retry.policies import OPTION_NAMES, Operation, Policies
from skycap.core.retry.policy import (
    Caller,
    Policy,
    RetryEvent,
    anew,
    cut_waits,
    in_threads,
    listening,
    remaining,
    resume_waits,
    whole_try,
)
from skycap.core.retry.reaching import answered, never_reached

__all__ = [
    "OPTION_NAMES",
    "Caller",
    "Operation",
    "Policies",
    "Policy",
    "RetryEvent",
    "anew",
    "answered",
    "cut_waits",
    "in_threads",
    "listening",
    "never_reached",
    "remaining",
    "resume_waits",
    "whole_try",
]
