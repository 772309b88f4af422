"""Answers of status 207 as they come in: one item after another, and never the whole in memory.

The XML is from a server and may be hostile. A document type, and with it every entity, is refused; so are
elements without end and texts without end. Names of elements are `namespace}local`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from skycap.core.errors import ProviderError
from skycap.core.paths import printable

DAV = "DAV:}"
OC = "http://owncloud.org/ns}"
NC = "http://nextcloud.org/ns}"
MS = "urn:schemas-microsoft-com:}"
_DEEPEST = 64
_TEXT_MAX = 1 << 20
_GOOD = range(200, 300)


@dataclass(slots=True)
class Item:
    """What is told of one resource, or of several by one status.

    `found` has the texts of its properties, `below` the texts of the elements inside of them, `refused` the
    properties that were not given or not set, each with its status.
    """

    hrefs: list[str] = field(default_factory=list)
    status: int | None = None
    found: dict[str, str] = field(default_factory=dict)
    below: dict[str, dict[str, str]] = field(default_factory=dict)
    refused: dict[str, int] = field(default_factory=dict)

    @property
    def href(self) -> str:
        """The first of them."""
        return self.hrefs[0] if self.hrefs else ""

    def get(self, name: str) -> str | None:
        """The text of a property, None where it has none."""
        return self.found.get(name, "").strip() or None


def not_webdav(where: str, said: str) -> ProviderError:
    """The error for an answer that no WebDAV server gives."""
    return ProviderError(
        f"this is no answer of a WebDAV server ({said})",
        where=where,
        hint="Is it the address of the files? Nextcloud and ownCloud have them at "
        "https://HOST/remote.php/dav/files/USER/.",
    )


class Multistatus:
    """Fed with pieces of an answer, it gives the items that are complete. `where` is for errors."""

    def __init__(self, where: str) -> None:
        from xml.parsers import expat

        self._where = where
        self._parser = expat.ParserCreate(namespace_separator="}")
        self._error = expat.ExpatError
        self._parser.buffer_text = True
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._characters
        self._parser.StartDoctypeDeclHandler = self._refuse
        self._parser.EntityDeclHandler = self._refuse
        self._stack: list[str] = []
        self._ready: list[Item] = []
        self._item = Item()
        self._given: dict[str, str] = {}
        self._inner: dict[str, dict[str, str]] = {}
        self._status: int | None = None
        self._text: list[str] = []
        self._property_text: list[str] = []
        self._size = 0
        self._fed = 0

    def feed(self, data: bytes) -> list[Item]:
        """The items that these bytes completed; `ProviderError` for what is no such answer."""
        return self._parse(data, final=False)

    def close(self) -> list[Item]:
        """The rest; `ProviderError` where the answer is not complete."""
        return self._parse(b"", final=True)

    def _parse(self, data: bytes, *, final: bool) -> list[Item]:
        try:
            self._parser.Parse(data, final)
        except self._error as error:
            if not self._stack:
                raise not_webdav(self._where, "it is not XML") from error
            raise ProviderError(
                f"the server's answer is broken XML ({error})", where=self._where, retryable=True
            ) from error
        self._fed += len(data)
        if self._fed - self._parser.CurrentByteIndex > _TEXT_MAX:  # within one tag
            raise ProviderError("the server's answer does not come to a point", where=self._where)
        ready, self._ready = self._ready, []
        return ready

    def _refuse(self, *_: Any) -> None:
        raise ProviderError(
            "the server's answer has a document type, as no WebDAV answer has",
            where=self._where,
            hint="Is it the address of the files, and not that of a web page?",
        )

    def _start(self, name: str, _: Mapping[str, str]) -> None:
        stack = self._stack
        if not stack and name != f"{DAV}multistatus":
            raise not_webdav(self._where, f"it begins with <{printable(name.rpartition('}')[2])}>")
        depth = len(stack)
        if depth >= _DEEPEST:
            raise ProviderError("the server's answer is nested too deeply", where=self._where)
        stack.append(name)
        self._text = []
        self._count(len(name))
        if depth == 1:
            self._item, self._size = Item(), 0
        elif depth == 2:
            self._given, self._inner, self._status = {}, {}, None
        elif depth == 4:
            self._property_text = []
        elif depth > 4:
            self._inner.setdefault(stack[4], {}).setdefault(name, "")

    def _characters(self, text: str) -> None:
        self._count(len(text))
        self._text.append(text)
        if len(self._stack) > 4:
            self._property_text.append(text)

    def _count(self, size: int) -> None:
        self._size += size
        if self._size > _TEXT_MAX:
            raise ProviderError("the server says too much about one file", where=self._where)

    def _end(self, name: str) -> None:
        stack = self._stack
        stack.pop()
        depth, text = len(stack), "".join(self._text).strip()
        if depth > 4 and text:
            self._inner[stack[4]][name] = text
        elif depth == 4 and stack[3] == f"{DAV}prop":
            self._given[name] = "".join(self._property_text)
        elif depth == 3 and name == f"{DAV}status":
            self._status = status_of(text)
        elif depth == 2 and name == f"{DAV}propstat":
            self._take()
        elif depth == 2 and name == f"{DAV}href":
            self._item.hrefs.append(text)
        elif depth == 2 and name == f"{DAV}status":
            self._item.status = status_of(text)
        elif depth == 1 and name == f"{DAV}response":
            self._ready.append(self._item)
        if text:
            self._text = []

    def _take(self) -> None:
        status = 200 if self._status is None else self._status
        if status in _GOOD:
            self._item.found.update(self._given)
            self._item.below.update({name: self._inner.get(name, {}) for name in self._given})
        else:
            self._item.refused.update(dict.fromkeys(self._given, status))


def status_of(line: str) -> int | None:
    """The number in `HTTP/1.1 200 OK`."""
    words = line.split()
    number = words[1] if len(words) > 1 else ""
    return int(number) if number.isascii() and number.isdigit() and len(number) == 3 else None


def parsed(body: bytes, where: str) -> Iterator[Item]:
    """All items of an answer that is in hand."""
    parser = Multistatus(where)
    yield from parser.feed(body)
    yield from parser.close()
