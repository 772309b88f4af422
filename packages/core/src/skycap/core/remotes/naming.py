"""Errors name a place as a storage knows it: a key, a path in a vault. Here it is told as it was typed."""

from __future__ import annotations

from skycap.core.errors import Error
from skycap.core.paths import printable
from skycap.core.storage.interface import Storage

_HERE = "x"
"""Any path: whether a storage names it as it is, or with what is before it."""


class Places:
    """The places that were opened, and how they were written."""

    def __init__(self) -> None:
        self._shown: dict[str, str] = {}
        self._relative: dict[str, None] = {}

    def add(self, storage: Storage, inside: str, shown: str) -> None:
        """One that was opened; `shown` is how `inside` of it was written."""
        shown = printable(shown).rstrip("/")
        if inside and not shown.endswith(printable(inside)):
            return  # by another spelling, as `a//b`
        top = shown.removesuffix(printable(inside))
        if root := storage.where("").rstrip("/"):
            self._shown[root] = top
        if storage.where(_HERE) == _HERE:
            self._relative[top] = None

    def name(self, error: Error) -> Error:
        """The same error, with its place as it was written, and a hint that names its remote."""
        where = error.where or ""
        top = self._top(where)
        if top is not None:
            root, written = top
            rest = where[len(root) :].lstrip("/")
            joint = "/" if rest and not written.endswith((":", "/")) else ""
            error.where = f"{written}{joint}{rest}"
        if error.hint and "REMOTE:" in error.hint and (known := self._remote(error.where or "")):
            error.hint = error.hint.replace("REMOTE:", known)
        return error

    def _top(self, where: str) -> tuple[str, str] | None:
        roots = [root for root in self._shown if where == root or where.startswith(f"{root}/")]
        if roots:
            root = max(roots, key=len)
            return root, self._shown[root]
        is_relative = where and not where.startswith("/") and ":" not in where
        return ("", next(iter(self._relative))) if is_relative and len(self._relative) == 1 else None

    def _remote(self, where: str) -> str | None:
        """What stands before the bucket: `photos:`, `s3://`."""
        scheme, slashes, _ = where.partition("://")
        if slashes:
            return f"{scheme}://"
        name, colon, _ = where.partition(":")
        return f"{name}:" if colon and name else None
