"""What changed between two states, as a JSON merge patch (RFC 7396), so that little is written for a little.

A key maps to its new value, or to null where it is gone. Objects are patched key by key.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def apply(state: dict[str, Any], patch: Mapping[str, Any], *, keep_nulls: bool = False) -> None:
    """Change `state` as the patch says. With `keep_nulls`, `state` is an earlier patch: both become one."""
    for key, value in patch.items():
        if isinstance(value, Mapping):
            inner = state.get(key)
            if not isinstance(inner, dict):
                inner = state[key] = {}
            apply(inner, value, keep_nulls=keep_nulls)
        elif value is None and not keep_nulls:
            state.pop(key, None)
        else:
            state[key] = value


def difference(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any] | None:
    """The patch that makes `new` of `old`; None where no patch can say it, since a null is to come in."""
    patch: dict[str, Any] = dict.fromkeys(old.keys() - new.keys())
    for key, value in new.items():
        before = old.get(key)
        if key in old and before == value:
            continue
        if isinstance(value, Mapping):
            value = difference(before if isinstance(before, Mapping) else {}, value)
        if value is None:
            return None
        patch[key] = value
    return patch
