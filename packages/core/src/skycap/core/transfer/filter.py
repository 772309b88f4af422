"""Which files count: patterns as in `.gitignore`, sizes, ages.

Patterns:

- `*` and `?` stop at a slash, `**` as a part of its own does not; `[a-z]` is one of a set, `\\` takes what
  follows as it is;
- a pattern with a slash at its start or in its middle is tied to the top, all others match at any depth;
- a slash at its end means directories only, and a directory that matches stands for all below it;
- among exclusions a `!` before the pattern takes it back; of those that match, the last one counts, but
  nothing comes back from below an excluded directory.

With inclusions, only what one of them matches counts. With sizes, ages or inclusions, directories count only
where an inclusion names them: empty ones are not made, and none is removed.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache

from skycap.core.errors import NotFound, UsageError

_REMEMBERED_DIRS = 4096
_MANY_STARS = re.compile(r"(?<![^/])\*{3,}(?![^/])")


@dataclass(frozen=True, slots=True)
class Pattern:
    """One pattern, ready to be matched against whole paths."""

    text: str
    regex: re.Pattern[str]
    dirs_only: bool
    negated: bool

    @classmethod
    def parse(cls, line: str) -> Pattern | None:
        """A line of a filter file; None for a blank one and for a comment."""
        text = line.rstrip("\r\n")
        if not text.strip(" ") or text.startswith("#"):
            return None
        return cls.of(text)

    @classmethod
    def of(cls, text: str) -> Pattern:
        """A pattern that was given by itself, so that a `#` at its start means itself.

        `UsageError` for one that matches nothing: whoever gave it did not mean that all counts.
        """
        while text.endswith(" ") and not text.endswith("\\ "):
            text = text[:-1]
        if not text:
            raise UsageError("a pattern is empty", hint='Write it as in .gitignore; "*" matches everything.')
        negated = text.startswith("!")
        body = text.removeprefix("!")
        dirs_only = body.endswith("/")
        body = body.rstrip("/")
        if not body:
            raise UsageError(f"the pattern {text!r} matches nothing", hint="Write it as in .gitignore.")
        tied = "/" in body
        body = _MANY_STARS.sub("**", body)
        try:
            regex = re.compile(_regex(body.removeprefix("/"), anywhere=not tied), re.DOTALL)
        except re.error as error:
            raise UsageError(
                f"the pattern {text!r} cannot be read ({error})", hint="Write it as in .gitignore."
            ) from None
        return cls(text, regex, dirs_only, negated)

    def matches(self, path: str, *, is_dir: bool) -> bool:
        """Whether it matches this path itself."""
        return (is_dir or not self.dirs_only) and self.regex.fullmatch(path) is not None


# What stands between literal text in a pattern; all else is a regular expression for one character.
_STAR, _SLASH, _DEEP, _REST = "*", "/", "**/", "**"


def _regex(body: str, *, anywhere: bool) -> str:
    """The body of a pattern as a regular expression; `anywhere` below the top, it may begin.

    What a star takes is never taken back: the first place where the rest up to the next star fits is as good
    as any other. So a name costs no more than its length times that of the pattern.
    """
    tokens = [_DEEP] * anywhere + _tokens(body)
    tail = ""
    if tokens[-1] == _REST:
        tokens.pop()
        tail = ".+" if tokens else ".*"
    first, *others = _split(tokens, _DEEP)
    found = _folders(first)
    for group in others[:-1]:
        found += f"(?>(?:[^/]+/)*?{_folders(group)})"
    if others:
        found += f"(?:.*/)?{_folders(others[-1])}"
    return found + tail


def _folders(tokens: list[str]) -> str:
    return "/".join(_name(name) for name in _split(tokens, _SLASH))


def _name(tokens: list[str]) -> str:
    first, *others = ("".join(fixed) for fixed in _split(tokens, _STAR))
    if not others:
        return first
    return first + "".join(f"(?>[^/]*?{fixed})" for fixed in others[:-1]) + f"[^/]*{others[-1]}"


def _split(tokens: list[str], at: str) -> list[list[str]]:
    found: list[list[str]] = [[]]
    for token in tokens:
        if token == at:
            found.append([])
        else:
            found[-1].append(token)
    return found


def _tokens(body: str) -> list[str]:
    found: list[str] = []
    position = 0
    while position < len(body):
        character = body[position]
        if body.startswith(_DEEP, position) and (position == 0 or body[position - 1] == "/"):
            found.append(_DEEP)
            position += 3
        elif body[position:] == _REST and (position == 0 or body[position - 1] == "/"):
            # "a/**" is what is below a, so something must follow.
            found.append(_REST)
            position += 2
        elif character == "*":
            # Several of them that are no part of their own mean no more than one.
            found.append(_STAR)
            position += len(body[position:]) - len(body[position:].lstrip("*"))
        elif character == "/":
            found.append(_SLASH)
            position += 1
        elif character == "?":
            found.append("[^/]")
            position += 1
        elif character == "[" and (end := _end_of_set(body, position)):
            inside = body[position + 1 : end]
            negated = inside[:1] in {"!", "^"}
            inside = inside[1:] if negated else inside
            escaped = inside.replace("\\", "\\\\").replace("[", "\\[")
            found.append(f"[^/{escaped}]" if negated else f"(?!/)[{escaped}]")
            position = end + 1
        elif character == "\\" and position + 1 < len(body):
            found.append(re.escape(body[position + 1]))
            position += 2
        else:
            found.append(re.escape(character))
            position += 1
    return found


def _end_of_set(body: str, start: int) -> int:
    """Where the set that begins at `start` ends; 0 if it does not. A `]` that comes first is in the set."""
    first = start + 2 if body[start + 1 : start + 2] in {"!", "^"} else start + 1
    return max(body.find("]", first + 1), 0)


class Filter:
    """Whether a path counts; what `walk` and the planner are given as `select`."""

    def __init__(
        self,
        include: Iterable[Pattern] = (),
        exclude: Iterable[Pattern] = (),
        *,
        min_size: int | None = None,
        max_size: int | None = None,
        changed_before_ns: int | None = None,
        changed_after_ns: int | None = None,
    ) -> None:
        self._include = tuple(include)
        self._exclude = tuple(exclude)
        self._min_size = min_size
        self._max_size = max_size
        self._before = changed_before_ns
        self._after = changed_after_ns
        limits = (min_size, max_size, changed_before_ns, changed_after_ns)
        self._files_only = bool(self._include) or any(limit is not None for limit in limits)
        self._dir_excluded = lru_cache(maxsize=_REMEMBERED_DIRS)(self._look_at_dir)
        self._dir_included = lru_cache(maxsize=_REMEMBERED_DIRS)(self._look_for_dir)

    @classmethod
    def build(
        cls,
        *,
        include: Iterable[str] = (),
        exclude: Iterable[str] = (),
        files: Iterable[str] = (),
        min_size: int | None = None,
        max_size: int | None = None,
        min_age_s: float | None = None,
        max_age_s: float | None = None,
        clock: Callable[[], float] = time.time,
    ) -> Filter:
        """From what a command line says: patterns, files of exclusions, bytes, seconds."""
        exclusions = [pattern for path in files for pattern in read_patterns(path)]
        exclusions += map(Pattern.of, exclude)
        now_ns = int(clock() * 1e9)
        return cls(
            map(Pattern.of, include),
            exclusions,
            min_size=min_size,
            max_size=max_size,
            changed_before_ns=None if min_age_s is None else now_ns - int(min_age_s * 1e9),
            changed_after_ns=None if max_age_s is None else now_ns - int(max_age_s * 1e9),
        )

    def matches(self, path: str, *, is_dir: bool, size: int | None, mtime_ns: int | None) -> bool:
        """Whether the entry is wanted. What is not known does not fit a limit."""
        return self.names(path, is_dir=is_dir) and (is_dir or self.fits(size, mtime_ns))

    def names(self, path: str, *, is_dir: bool) -> bool:
        """Whether the patterns want it; of a directory, whether it counts by itself."""
        if self._exclude and self._excluded(path, is_dir=is_dir):
            return False
        if self._include and not self._included(path, is_dir=is_dir):
            return False
        if is_dir:
            return not self._files_only or (bool(self._include) and self._limitless())
        return True

    def prunes(self, path: str) -> bool:
        """Whether nothing below this directory is wanted."""
        return bool(self._exclude) and self._excluded(path, is_dir=True)

    def _limitless(self) -> bool:
        return self._min_size is self._max_size is self._before is self._after is None

    def fits(self, size: int | None, mtime_ns: int | None) -> bool:
        """Whether a file is within the limits of size and age."""
        if self._min_size is not None and (size is None or size < self._min_size):
            return False
        if self._max_size is not None and (size is None or size > self._max_size):
            return False
        if self._before is not None and (mtime_ns is None or mtime_ns > self._before):
            return False
        return self._after is None or (mtime_ns is not None and mtime_ns >= self._after)

    def _excluded(self, path: str, *, is_dir: bool) -> bool:
        parent = path.rpartition("/")[0]
        if parent and self._dir_excluded(parent):
            return True
        return self._last_match(path, is_dir=is_dir)

    def _look_at_dir(self, path: str) -> bool:
        return self._excluded(path, is_dir=True)

    def _last_match(self, path: str, *, is_dir: bool) -> bool:
        for pattern in reversed(self._exclude):
            if pattern.matches(path, is_dir=is_dir):
                return not pattern.negated
        return False

    def _included(self, path: str, *, is_dir: bool) -> bool:
        if any(pattern.matches(path, is_dir=is_dir) for pattern in self._include):
            return True
        parent = path.rpartition("/")[0]
        return bool(parent) and self._dir_included(parent)

    def _look_for_dir(self, path: str) -> bool:
        return self._included(path, is_dir=True)


def _parsed(lines: Iterable[str]) -> list[Pattern]:
    return [pattern for line in lines if (pattern := Pattern.parse(line)) is not None]


def read_patterns(path: str) -> list[Pattern]:
    """The patterns of a filter file."""
    try:
        with open(path, encoding="utf-8", errors="surrogateescape") as file:
            return _parsed(file)
    except FileNotFoundError as error:
        raise NotFound("no such filter file", where=path, hint="--filter-from names it.") from error
    except OSError as error:
        raise UsageError(f"the filter file cannot be read ({error.strerror})", where=path) from error
