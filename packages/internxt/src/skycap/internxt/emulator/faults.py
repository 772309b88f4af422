"""What goes wrong on purpose: which requests it meets, how often, and what then happens."""

from __future__ import annotations

import json
import re
import shlex
import threading
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any


@dataclass(frozen=True)
class Fault:
    """One fault. The first five fields say when, the others what; several may happen at once."""

    method: str | None = None
    path: str = ""
    """A regular expression, looked for in the path (`/network/v2/buckets/…/files/start`)."""
    query: dict[str, str] = field(default_factory=dict)
    """Parameters that the request must have, such as `{"partNumber": "3"}`."""
    skip: int = 0
    """How many matching requests pass first."""
    count: int | None = 1
    """How many it meets after that; None: all."""

    status: int | None = None
    """Answer this, instead of doing what was asked. The body of the request is read first."""
    headers: dict[str, str] = field(default_factory=dict)
    message: str | None = None
    """What the refusal says."""
    body: str | None = None
    """Or answer exactly this, with a content type among the headers."""
    delay_ms: int = 0
    """Wait, before anything else."""
    cut: str | None = None
    """Close the connection: `before` the request is done, or `after`, so that only the answer is lost."""
    send_only: int | None = None
    """Of an object that is downloaded send so many bytes, then close the connection."""
    keep_only: int | None = None
    """Of an object that is uploaded keep so many bytes, and answer as if it were whole."""
    expire_links: bool = False
    """Take a presigned link as expired."""
    refuse_tokens: bool = False
    """Before this request, make every token that was given out until now worthless."""
    patch: dict[str, Any] = field(default_factory=dict)
    """Change the JSON of the answer: `{"shards.0.hash": "00…"}`; null removes a field."""

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> Fault:
        """From JSON; `ValueError` says what is wrong."""
        known = {one.name for one in fields(cls)}
        if unknown := set(given) - known:
            raise ValueError(
                f"{', '.join(sorted(unknown))}: no such field; there are {', '.join(sorted(known))}"
            )
        fault = cls(**given)
        try:
            re.compile(fault.path)
        except (re.error, TypeError) as error:
            raise ValueError(f"path: no regular expression: {error}") from error
        if fault.cut not in {None, "before", "after"}:
            raise ValueError("cut: before or after")
        if fault.body is not None and fault.status is None:
            raise ValueError("body: only with a status")
        if fault.status is not None and not 200 <= fault.status <= 599:
            raise ValueError("status: from 200 to 599")
        query = {str(name): str(value) for name, value in fault.query.items()}
        headers = {str(name): str(value) for name, value in fault.headers.items()}
        return replace(fault, query=query, headers=headers, method=fault.method and fault.method.upper())

    @classmethod
    def parse(cls, text: str) -> Fault:
        """From a flag: JSON, or words: `method=PUT path=/objects query.partNumber=3 status=503 count=2`."""
        if text.lstrip().startswith("{"):
            return cls.of(json.loads(text))
        return cls.of(words(text))

    def matches(self, method: str, path: str, query: Mapping[str, str]) -> bool:
        """Whether a request is one that it is for."""
        if self.method is not None and self.method != method:
            return False
        if any(query.get(name) != value for name, value in self.query.items()):
            return False
        return re.search(self.path, path) is not None


def words(text: str) -> dict[str, Any]:
    """`NAME=VALUE` and `NAME.INNER=VALUE`, with blanks between, as JSON would have them."""
    given: dict[str, Any] = {}
    for word in shlex.split(text):
        name, equals, value = word.partition("=")
        if not equals:
            raise ValueError(f"{word}: it must be NAME=VALUE")
        name, dot, inner = name.partition(".")
        if dot:
            given.setdefault(name, {})[inner] = _value(value)
        else:
            given[name] = value if name in _TEXTS else _value(value)
    return given


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


_TEXTS = {"method", "path", "message", "body", "cut"}


@dataclass
class _Armed:
    number: int
    fault: Fault
    seen: int = 0
    met: int = 0


class Faults:
    """Those that are armed."""

    def __init__(self, first: list[Fault]) -> None:
        self._lock = threading.Lock()
        self._armed: list[_Armed] = []
        self._count = 0
        for fault in first:
            self.add(fault)

    def add(self, fault: Fault) -> int:
        """Arm one. Its number."""
        with self._lock:
            self._count += 1
            self._armed.append(_Armed(self._count, fault))
            return self._count

    def remove(self, number: int | None = None) -> int:
        """Disarm one, or all. How many were."""
        with self._lock:
            before = len(self._armed)
            self._armed = [one for one in self._armed if number is not None and one.number != number]
            return before - len(self._armed)

    def shown(self) -> list[dict[str, Any]]:
        """All, with how often they matched and how often they struck."""
        with self._lock:
            return [
                {"number": one.number, "seen": one.seen, "met": one.met} | asdict(one.fault)
                for one in self._armed
            ]

    def striking(self, method: str, path: str, query: Mapping[str, str]) -> list[tuple[int, Fault]]:
        """Those that strike this request; it is counted for each that it matches."""
        found = []
        with self._lock:
            for one in self._armed:
                if not one.fault.matches(method, path, query):
                    continue
                one.seen += 1
                fault = one.fault
                if one.seen > fault.skip and (fault.count is None or one.met < fault.count):
                    one.met += 1
                    found.append((one.number, fault))
        return found


def patched(value: Any, patch: Mapping[str, Any]) -> Any:
    """JSON with some of its fields changed; what a path does not lead to stays as it is."""
    for path, new in patch.items():
        *way, last = path.split(".")
        inner = value
        for step in way:
            inner = _step(inner, step)
        if isinstance(inner, dict):
            if new is None:
                inner.pop(last, None)
            else:
                inner[last] = new
        elif isinstance(inner, list) and last.isdecimal() and int(last) < len(inner):
            inner[int(last)] = new
    return value


def _step(value: Any, step: str) -> Any:
    if isinstance(value, dict):
        return value.get(step)
    if isinstance(value, list) and step.isdecimal() and int(step) < len(value):
        return value[int(step)]
    return None
