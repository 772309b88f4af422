"""Takes apart what people write for a place. Pure text: nothing is looked up.

    photos:2024/a.jpg                       a configured remote and a path
    s3://bucket/key                         a storage type with what is configured by default
    :s3,endpoint="http://h:9",region=x:b/k  a storage type with options, for once
    ./docs  /srv  ~/docs  C:\\docs           a local path; so is whatever has a `/` before its first colon

A value in quotes (double or single; doubled inside to mean itself) may hold anything. Without quotes it ends
at the next `,` or `:`, except that a URL keeps the `:` after its scheme, and the port after its host where
another `:` or a `,` follows: `:s3,endpoint=http://127.0.0.1:8333:bucket` has the port 8333.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, auto

from skycap.core.errors import UsageError

_REMOTE = re.compile(r"^([A-Za-z0-9_][A-Za-z0-9_.-]*):(.*)$", re.DOTALL)
_SCHEME = re.compile(r"^([A-Za-z][A-Za-z0-9+.-]*)://(.*)$", re.DOTALL)
_INLINE = re.compile(r"^:([A-Za-z0-9_-]+)(?=[:,]|$)")
_OPTION = re.compile(r",([A-Za-z0-9_.-]+)(=?)")
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://(\[[^]]*\]|[^:/,]*)")
_PORT = re.compile(r":\d+(?=[:,]|/[^:,]*[:,])")


class Form(Enum):
    """The ways to write a place."""

    LOCAL = auto()
    REMOTE = auto()
    SCHEME = auto()
    INLINE = auto()


@dataclass(frozen=True, slots=True)
class Address:
    """A place as it was written: `name` is the remote or the storage type, `path` what follows it."""

    form: Form
    text: str
    path: str
    name: str = ""
    options: Mapping[str, str] = field(default_factory=dict)

    @property
    def wants_dir(self) -> bool:
        """Whether it ends in a slash."""
        return self.path.endswith(("/", os.sep))

    @property
    def shown(self) -> str:
        """The place for people; values of options for once are left out, since they may be secret."""
        if self.form is Form.INLINE and self.options:
            return f":{self.name},{','.join(f'{key}=…' for key in self.options)}:{self.path}"
        return self.text


def parse(text: str, *, windows: bool = os.name == "nt") -> Address:
    """The parts of a place; `UsageError` for one that cannot be read."""
    if not text:
        raise UsageError("an empty place", hint='Write "." for the current folder.')
    if text.startswith(":"):
        return _inline(text)
    if found := _SCHEME.match(text):
        scheme, rest = found.groups()
        if scheme.lower() == "file":
            return Address(Form.LOCAL, text, _file_url(rest, text))
        return Address(Form.SCHEME, text, rest, scheme.lower())
    if found := _REMOTE.match(text):
        name, rest = found.groups()
        if not (windows and len(name) == 1):
            return Address(Form.REMOTE, text, rest, name)
    return Address(Form.LOCAL, text, text)


def _file_url(rest: str, text: str) -> str:
    host, slash, path = rest.partition("/")
    if host.lower() not in {"", "localhost"} or not slash:
        raise UsageError(
            "a file URL has no host and an absolute path", where=text, hint="Write file:///home/me/docs."
        )
    from urllib.parse import unquote

    path = unquote(path, errors="surrogateescape")
    return path if re.match(r"^[A-Za-z]:", path) and os.name == "nt" else f"/{path}"


def _inline(text: str) -> Address:
    found = _INLINE.match(text)
    if found is None:
        raise UsageError(
            "a storage type must follow the first colon",
            where=_hidden(text),
            hint="Write :s3,endpoint=URL:bucket/path; a local name that begins with a colon needs ./ first.",
        )
    options: dict[str, str] = {}
    position = found.end()
    while option := _OPTION.match(text, position):
        name, equals = option.groups()
        value, position = _value(text, option.end()) if equals else ("true", option.end())
        options[name.replace("-", "_")] = value
    if text[position : position + 1] != ":":
        shown = f":{found.group(1)}," + ",".join(f"{name}=…" for name in options)
        raise UsageError(
            "a colon must stand between options and path",
            where=shown,
            hint='Write :s3,endpoint="http://host:8333",region=x:bucket/path (quotes keep : and ,)',
        )
    return Address(Form.INLINE, text, text[position + 1 :], found.group(1), options)


def _value(text: str, start: int) -> tuple[str, int]:
    """One value and where it ends."""
    if (quote := text[start : start + 1]) in {'"', "'"}:
        end = start + 1
        while True:
            end = text.find(quote, end)
            if end < 0:
                raise UsageError("a quote is not closed", where=_hidden(text))
            if text[end + 1 : end + 2] != quote:
                return text[start + 1 : end].replace(quote * 2, quote), end + 1
            end += 2
    end = start
    if url := _URL.match(text, start):
        end = url.end()
        if port := _PORT.match(text, end):
            end = port.end()
    stop = re.compile(r"[:,]").search(text, end)
    end = stop.start() if stop else len(text)
    return text[start:end], end


def shown(text: str) -> str:
    """A place for people, or for a file, even if it cannot be read as one; no value of an option."""
    try:
        return parse(text).shown
    except UsageError:
        return _hidden(text) if text.startswith(":") else text


def _hidden(text: str) -> str:
    """A place that cannot be read, up to where options begin."""
    start, comma, _ = text.partition(",")
    return f"{start}{comma}{'…' * bool(comma)}"
