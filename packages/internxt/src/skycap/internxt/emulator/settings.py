"""What an emulator can be told: by flags when it starts, and by its admin routes while it runs."""

from __future__ import annotations

import dataclasses
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

DAY_S = 86400
MIB = 1 << 20
GIB = 1 << 30
TIB = 1 << 40


@dataclass
class Tier:
    """What a plan allows. The numbers of the real plans are not public: these are made to be met in tests."""

    cli: bool = True
    """`cli/login/access` and `cli/refresh` for the client `internxt-cli`; else 402."""
    rclone: bool = True
    """The same for every other client."""
    max_upload: int | None = None
    """Bytes of one file; more is refused with 402. None: no limit."""
    empty_files: bool = True
    """Whether a file may have no bytes; else 402."""
    max_empty_files: int | None = None
    """How many of them; more is refused with 400."""
    versioning: bool = True
    version_max_size: int = 100 * MIB
    version_retention_days: int = 30
    max_versions: int = 10
    trash_days: int | None = None
    """After so many days what lies in the trash is hidden, then purged. None: never."""


TIERS = {
    "full": Tier(),
    "free": Tier(cli=False, rclone=False, max_upload=GIB, empty_files=False, versioning=False, trash_days=2),
    "essential": Tier(max_upload=5 * GIB, max_empty_files=1000, versioning=False, trash_days=7),
}


@dataclass
class Settings:
    """All of it. What `changed` takes may be changed while the emulator runs."""

    data: Path
    host: str = "127.0.0.1"
    port: int = 0
    public_url: str | None = None
    """What links begin with; None: the address that the request came to."""
    certificate: Path | None = None
    key: Path | None = None
    admin_token: str | None = None
    """If set, admin routes want it as `Authorization: Bearer`; else they answer to loopback only."""
    quota: int = 10 * TIB
    tier: Tier = field(default_factory=Tier)
    put_delay_ms: int = 0
    """How long the answer to a PUT of object bytes is held back."""
    folder_delay_ms: int = 0
    """How long a new folder stays invisible to all but its creator's answer."""
    search_delay_ms: int = 0
    """How long a new item stays out of the search."""
    purge_delay_ms: int = 0
    """How long objects outlive the deletion of their file."""
    link_lifetime_s: int = DAY_S
    login_lifetime_s: int = 3 * DAY_S
    refresh_lifetime_s: int = 7 * DAY_S
    search_by_get: bool = False
    """Be an old server: `GET /fuzzy/…` instead of POST."""
    starts_per_minute: int | None = None
    """How many starts of uploads an account may make a minute; more is refused with 429."""
    clock_ahead_s: float = 0.0
    """How far the emulator's clock is ahead: lets links and tokens expire without waiting."""

    def now(self) -> float:
        """Seconds since the epoch, by the emulator's clock."""
        return time.time() + self.clock_ahead_s

    def change(self, wanted: dict[str, Any]) -> None:
        """Set some of `changeable`; `ValueError` for anything else, and then nothing is changed."""
        tier = wanted.get("tier", {})
        if isinstance(tier, str):
            if tier not in TIERS:
                raise ValueError(f"tier: one of {', '.join(TIERS)}")
            tier = dataclasses.asdict(TIERS[tier])
        for name, value in wanted.items():
            if name != "tier":
                _same_kind(name, value, getattr(DEFAULTS, name) if name in CHANGEABLE else None)
        for name in tier:
            if not hasattr(Tier, name):
                raise ValueError(f"tier.{name}: no such setting")
        self.tier = dataclasses.replace(self.tier, **tier)
        for name, value in wanted.items():
            if name != "tier":
                setattr(self, name, value)

    def shown(self) -> dict[str, Any]:
        """The settings that may be changed, as JSON."""
        return {name: getattr(self, name) for name in CHANGEABLE} | {"tier": dataclasses.asdict(self.tier)}


DEFAULTS = Settings(Path())
CHANGEABLE = (
    "quota",
    "put_delay_ms",
    "folder_delay_ms",
    "search_delay_ms",
    "purge_delay_ms",
    "link_lifetime_s",
    "login_lifetime_s",
    "refresh_lifetime_s",
    "search_by_get",
    "starts_per_minute",
    "clock_ahead_s",
)


def _same_kind(name: str, value: Any, default: Any) -> None:
    if name not in CHANGEABLE:
        raise ValueError(f"{name}: cannot be changed; these can: {', '.join(CHANGEABLE)}, tier")
    if isinstance(default, bool) != isinstance(value, bool) and value is not None:
        raise ValueError(f"{name}: {value!r} is of the wrong kind")
    if not isinstance(value, int | float) and not (value is None and default is None):
        raise ValueError(f"{name}: {value!r} is of the wrong kind")
