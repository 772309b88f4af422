"""Trying again: how often, after how long a wait, and for which kind of work."""

from skycap.core.retry.policies import OPTION_NAMES, Operation, Policies
from skycap.core.retry.policy import (
    Caller,
    Policy,
    RetryEvent,
    anew,
    in_threads,
    listening,
    remaining,
    whole_try,
)

__all__ = [
    "OPTION_NAMES",
    "Caller",
    "Operation",
    "Policies",
    "Policy",
    "RetryEvent",
    "anew",
    "in_threads",
    "listening",
    "remaining",
    "whole_try",
]
