"""Which overlays stand on an opened storage, decided in one place: retry outside, limit below it.

So a waiting retry holds no slot, and what is tried again is counted again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from skycap.core.errors import ConfigInvalid, UsageError
from skycap.core.retry import OPTION_NAMES as RETRY_NAMES
from skycap.core.retry import Policies, RetryEvent
from skycap.core.storage.interface import Storage
from skycap.core.units import parse_size

LIMIT_NAMES = frozenset({"limit_rate", "limit_up", "limit_down", "connections"})
STACK_NAMES = RETRY_NAMES | LIMIT_NAMES
"""Options that every remote has, whatever its type."""
RESERVED = frozenset({"type"}) | STACK_NAMES - {"connections"}
"""What no storage type can have as an option: it would not be told of it. `connections` it may take over."""
__all__ = ["RESERVED", "RETRY_NAMES", "STACK_NAMES", "check", "stack"]


def stack(
    storage: Storage,
    settings: Mapping[str, Any],
    *,
    where: str,
    on_retry: Callable[[RetryEvent], None] | None = None,
) -> Storage:
    """`storage` with the overlays that its settings ask for.

    Where no network is between, nothing is tried again, and without a limit the ways around Python stay open.
    """
    local = not storage.facts.network
    up = _rate(settings, "limit_up", where)
    down = _rate(settings, "limit_down", where)
    connections = _count(settings, "connections", where)
    if up or down or (connections and not local):
        from skycap.core.storage.overlays.limit import Bandwidth, Limited

        storage = Limited(
            storage,
            connections=connections,
            up=Bandwidth(up) if up else None,
            down=Bandwidth(down) if down else None,
        )
    if not local:
        from skycap.core.storage.overlays.retry import Retrying

        storage = Retrying(storage, Policies().merge(settings, where=where), on_retry=on_retry)
    return storage


def check(settings: Mapping[str, Any], *, where: str) -> None:
    """`ConfigInvalid` for what `stack` would refuse on any storage."""
    for name in ("limit_up", "limit_down"):
        _rate(settings, name, where)
    _count(settings, "connections", where)
    Policies().merge(settings, where=where)


def _rate(settings: Mapping[str, Any], name: str, where: str) -> int | None:
    name = name if name in settings else "limit_rate"
    value = settings.get(name)
    if value in {None, "", 0, "0"}:
        return None
    try:
        rate = parse_size(value) if isinstance(value, str) else int(value)
    except (UsageError, ValueError, TypeError) as error:
        raise ConfigInvalid(
            f"option {name!r}: {value!r} is not a rate",
            where=where,
            hint="Bytes a second, like 512k or 10MiB.",
        ) from error
    return rate or None


def _count(settings: Mapping[str, Any], name: str, where: str) -> int | None:
    value = settings.get(name)
    if value is None:
        return None
    try:
        count = int(value)
    except (ValueError, TypeError):
        count = 0
    if count < 1:
        raise ConfigInvalid(f"option {name!r}: {value!r} is not a number of connections", where=where)
    return count
