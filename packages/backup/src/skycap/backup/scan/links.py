"""What becomes of symbolic links."""

from __future__ import annotations

import errno
import os
import stat as stat_module
from collections.abc import Container, Iterable, Iterator

from skycap.backup.scan import problems
from skycap.backup.scan.events import LinkCounts, Problem
from skycap.backup.scan.levels import Level
from skycap.backup.scan.options import ScanOptions

MOST_HOPS = 40


class Links:
    """The policy for symbolic links: keep them, or say what they lead to."""

    def __init__(self, options: ScanOptions, counts: LinkCounts) -> None:
        self._follow = options.symlinks == "follow"
        self._fenced = self._follow and not options.follow_outside
        self._counts = counts
        self._roots: set[bytes] = set()

    def noted(self, roots: Iterable[bytes]) -> Iterator[bytes]:
        """The same sources; links may lead to where they are."""
        for root in roots:
            if self._fenced:
                self._roots.add(os.path.realpath(root or b"/").rstrip(b"/"))
            yield root

    def follow(
        self, level: Level, name: bytes, above: Container[tuple[int, int]]
    ) -> os.stat_result | Problem | None:
        """What the link `name` leads to; None or a problem where it is kept as a link.

        `above` holds device and inode of each directory it is below.
        """
        if not self._follow:
            self._counts.archived += 1
            return None
        found = self._look(level, name, above)
        if isinstance(found, Problem):
            self._counts.archived += 1
        else:
            self._counts.followed += 1
        return found

    def _look(self, level: Level, name: bytes, above: Container[tuple[int, int]]) -> os.stat_result | Problem:
        path = level.directory.path_of(name)
        try:
            info = os.stat(level.prefix + name, dir_fd=level.handle)
        except OSError as error:
            if error.errno == errno.ELOOP:
                self._counts.loops += 1
                return problems.loop(path, path)
            self._counts.broken += 1
            return problems.broken_link(path)
        is_dir = stat_module.S_ISDIR(info.st_mode)
        if is_dir and ((info.st_dev, info.st_ino) in above or level.hops >= MOST_HOPS):
            self._counts.loops += 1
            return problems.loop(path, os.path.realpath(path))
        if self._fenced and not self._is_inside(os.path.realpath(level.reach(name))):
            return problems.outside(path)
        return info

    def _is_inside(self, path: bytes) -> bool:
        while path not in self._roots:
            path, slash, _ = path.rstrip(b"/").rpartition(b"/")
            if not slash:
                return path in self._roots
        return True
