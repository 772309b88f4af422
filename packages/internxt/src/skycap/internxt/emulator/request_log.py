"""What was asked of the emulator, for tests to look at. In memory, and without secrets."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import asdict, dataclass
from typing import Any

_KEPT = 20_000
_SECRET = {"signature", "token", "code", "hashedPassword", "uploadId"}


@dataclass
class Entry:
    """One request. `status` is None until it is answered, and stays so if the connection was cut."""

    number: int
    method: str
    path: str
    query: dict[str, str]
    client: str | None
    range: str | None
    length: str | None
    status: int | None = None
    faults: tuple[int, ...] = ()


class RequestLog:
    """The last of them, numbered from 1."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._entries: deque[Entry] = deque(maxlen=_KEPT)
        self._count = 0
        self._open = 0

    def begin(self, method: str, path: str, query: dict[str, str], headers: dict[str, str]) -> Entry:
        """Note a request that came."""
        shown = {name: "…" if name in _SECRET else value for name, value in query.items()}
        with self._lock:
            self._count += 1
            self._open += 1
            length = headers.get("content-length")
            entry = Entry(
                self._count, method, path, shown, headers.get("internxt-client"), headers.get("range"), length
            )
            self._entries.append(entry)
        return entry

    def end(self) -> None:
        """Note that one is over."""
        with self._lock:
            self._open -= 1

    def clear(self) -> None:
        """Forget those that are over; numbers go on."""
        with self._lock:
            self._entries.clear()

    def after(self, number: int) -> list[dict[str, Any]]:
        """Those with a higher number, as JSON."""
        with self._lock:
            return [asdict(entry) for entry in self._entries if entry.number > number]

    def counts(self) -> dict[str, int]:
        """How many came, and how many are being answered."""
        with self._lock:
            return {"requests": self._count, "open_requests": self._open}
