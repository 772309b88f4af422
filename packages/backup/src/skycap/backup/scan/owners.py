"""Names of users and groups. Each is asked for once: the answer may come over a network."""

from __future__ import annotations

from functools import lru_cache


@lru_cache(maxsize=4096)
def user_name(uid: int) -> bytes:
    """The name of a user; empty where there is none."""
    try:
        import pwd

        return pwd.getpwuid(uid).pw_name.encode("utf-8", "surrogateescape")
    except (ImportError, KeyError, OverflowError):
        return b""


@lru_cache(maxsize=4096)
def group_name(gid: int) -> bytes:
    """The name of a group; empty where there is none."""
    try:
        import grp

        return grp.getgrgid(gid).gr_name.encode("utf-8", "surrogateescape")
    except (ImportError, KeyError, OverflowError):
        return b""
