"""What was the same, read along with the planner."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Callable, Generator

from skycap.core.paths import to_bytes


class Seen:
    """Rows of one pair, read along with the planner: no row is held for longer than it is asked for."""

    def __init__(
        self,
        connection: sqlite3.Connection,
        pair: int,
        failures: Callable[[], contextlib.AbstractContextManager[None]],
    ) -> None:
        self._connection = connection
        self._failures = failures
        self._rows: Generator[tuple[bytes, str, str], None, None] = self._read(pair)
        self._row = next(self._rows, None)

    def _read(self, pair: int) -> Generator[tuple[bytes, str, str], None, None]:
        with self._failures():
            yield from self._connection.execute(
                "SELECT path, source, target FROM seen WHERE pair = ? ORDER BY path", (pair,)
            )

    def same(self, path: str, source: str, target: str) -> bool:
        """Whether these fingerprints are those that were written down."""
        key = to_bytes(path)
        while self._row is not None and self._row[0] < key:
            self._row = next(self._rows, None)
        return self._row is not None and self._row == (key, source, target)

    def close(self) -> None:
        """Let go of the file."""
        self._rows.close()
        self._connection.close()
