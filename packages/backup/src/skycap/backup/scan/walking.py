"""Walks the sources of a backup: one tree, in the order of its paths, one directory at a time.

A directory is listed when it is entered; its names wait in little memory while those below it are looked at.
Each entry costs one system call. What fails at one path is told as a `Problem`, and the walk goes on.
"""

from __future__ import annotations

import os
import stat as stat_module
from collections.abc import Generator, Iterable, Iterator

from skycap.backup.format.nodes import NodeType
from skycap.backup.scan import handles, problems
from skycap.backup.scan.attributes import read_xattrs
from skycap.backup.scan.caches import only_tag
from skycap.backup.scan.events import (
    Batch,
    Counts,
    Directory,
    Enter,
    Event,
    Item,
    Leave,
    LinkCounts,
    Problem,
    Xattrs,
)
from skycap.backup.scan.levels import Level
from skycap.backup.scan.links import Links
from skycap.backup.scan.names import sorted_names
from skycap.backup.scan.options import ScanOptions
from skycap.backup.scan.roots import in_scan_order
from skycap.core.errors import ScanFailed

AT_ONCE = 256
"""At most so many entries are in a batch."""
OPEN_LEVELS = 64
"""So many directories above the present one are kept open; a tree may be deeper than files may be open."""
_FORMAT, _REGULAR = 0o170000, stat_module.S_IFREG
_FILE = NodeType.FILE
_SPECIAL = {
    stat_module.S_IFIFO: NodeType.FIFO,
    stat_module.S_IFCHR: NodeType.CHARACTER_DEVICE,
    stat_module.S_IFBLK: NodeType.BLOCK_DEVICE,
}
_DEVICES = (NodeType.CHARACTER_DEVICE, NodeType.BLOCK_DEVICE)


class Scanner:
    """One walk over `roots`: absolute paths without links in their names, in any order; iterate it once.

    `counts` and `links` grow as it goes. Raises ScanFailed at its end where no source could be scanned.
    """

    def __init__(
        self,
        roots: Iterable[bytes],
        options: ScanOptions | None = None,
        *,
        by_handle: bool = handles.BY_HANDLE,
    ) -> None:
        self.options = options or ScanOptions()
        self.counts = Counts()
        self.links = LinkCounts()
        self._roots = roots
        self._by_handle = by_handle
        self._links = Links(self.options, self.links)
        self._stack: list[Level] = []
        self._places: dict[tuple[int, int], bytes] = {}
        self._number = 0
        self._select = self.options.select
        # An empty directory counts only where the filter would count it by itself.
        self._lazy = self._select is not None and not self._select.names("a", is_dir=True)

    def __iter__(self) -> Iterator[Event]:
        try:
            yield from self._all()
        finally:
            for level in self._stack:
                level.close()
            self._stack.clear()

    def _all(self) -> Iterator[Event]:
        for root in in_scan_order(self._links.noted(self._roots)):
            parents, slash, name = root.rpartition(b"/")
            if not slash:
                yield from self._top()
                continue
            missing = yield from self._go_to(parents)
            if missing is None:
                yield from self._root(root, name)
            else:
                self.counts.missing_roots += 1
                yield self._told(problems.missing_root(missing, root))
        while self._stack:
            yield from self._leave()
        if not self.counts.roots:
            raise ScanFailed(
                "none of the sources can be read", hint="Are the disks mounted, the paths right?"
            )

    def _top(self) -> Iterator[Event]:
        level = self._level(Directory(b"", b"", os.stat(b"/")), None, b"")
        self.counts.roots += 1
        yield from self._push(level)
        yield from self._below()

    def _go_to(self, path: bytes) -> Generator[Event, None, OSError | None]:
        """Enter the directory on the way that is `path`; gives back what the system said if it cannot be."""
        parts = path.split(b"/")
        shared = 0
        for level, part in zip(self._stack, parts, strict=False):
            if level.directory.name != part:
                break
            shared += 1
        while len(self._stack) > shared:
            yield from self._leave()
        for count in range(shared, len(parts)):
            here = b"/".join(parts[: count + 1])
            try:
                level = self._way(here, parts[count])
            except OSError as error:
                return error
            yield from self._push(level)
        return None

    def _way(self, path: bytes, name: bytes) -> Level:
        info = os.stat(path or b"/")
        if not stat_module.S_ISDIR(info.st_mode):
            raise NotADirectoryError(20, "not a directory", os.fsdecode(path))
        xattrs = read_xattrs(path or b"/", follow=True) if self.options.xattrs else ()
        directory = Directory(path, name, info, xattrs, on_the_way=True)
        handle = handles.open_way(path or b"/") if self._by_handle else None
        return Level(directory, iter(()), handle)

    def _root(self, root: bytes, name: bytes) -> Iterator[Event]:
        way = self._stack[-1]
        try:
            info = os.stat(way.prefix + name, dir_fd=way.handle, follow_symlinks=False)
            child = yield from self._look(way, name, info, root=True)
        except OSError as error:
            self.counts.missing_roots += 1
            yield self._told(problems.missing_root(error, root))
            return
        self.counts.roots += 1
        if child is not None:
            yield from self._push(child)
            yield from self._below()

    def _below(self) -> Iterator[Event]:
        """All that is in the last level of the stack, and that level's end."""
        base = len(self._stack) - 1
        while len(self._stack) > base:
            level = self._stack[-1]
            child = yield from self._run(level)
            if child is None:
                yield from self._leave()
            else:
                yield from self._push(child)

    def _push(self, level: Level) -> Iterator[Event]:
        yield from self._flush()
        self._stack.append(level)
        if not level.directory.on_the_way:
            self._places[level.place] = level.directory.path
        if len(self._stack) > OPEN_LEVELS and not (far := self._stack[-1 - OPEN_LEVELS]).directory.on_the_way:
            far.close()

    def _run(self, level: Level) -> Generator[Event, None, Level | None]:
        """What comes in a directory until the next one below it, which is given back; None at the end."""
        stat, prefix, handle, select = os.stat, level.prefix, level.handle, self._select
        items, counts, new = level.items, self.counts, Item._make
        for name in level.names:
            try:
                info = stat(prefix + name, dir_fd=handle, follow_symlinks=False)
                if select is not None and not level.wants(select, name, info):
                    counts.excluded += 1
                elif info.st_mode & _FORMAT == _REGULAR:
                    counts.files += 1
                    counts.bytes += info.st_size
                    if info.st_nlink > 1:
                        counts.hardlinks += 1
                    items.append(new((name, _FILE, info, None, None)))
                    if len(items) >= AT_ONCE:
                        yield from self._flush()
                        items = level.items
                else:
                    child = yield from self._look(level, name, info)
                    if child is not None:
                        return child
                    items = level.items
            except OSError as error:
                yield self._failed(level, name, error)
        return None

    def _look(
        self, level: Level, name: bytes, info: os.stat_result, *, root: bool = False
    ) -> Generator[Event, None, Level | None]:
        """Take in what is no plain file. Gives back a directory that is to be entered. Raises OSError."""
        followed = False
        target = None
        if stat_module.S_ISLNK(info.st_mode):
            if self.options.symlinks == "skip":
                self.links.skipped += 1
                return None
            target = os.readlink(level.prefix + name, dir_fd=level.handle)
            found = self._links.follow(level, name, self._places)
            if isinstance(found, Problem):
                yield self._told(found)
            elif found is not None:
                info, target, followed = found, None, True
        if stat_module.S_ISDIR(info.st_mode):
            return (yield from self._descend(level, name, info, followed=followed, root=root))
        kind = NodeType.SYMLINK if target is not None else _SPECIAL.get(info.st_mode & _FORMAT)
        if info.st_mode & _FORMAT == _REGULAR:
            kind = _FILE
            self.counts.files += 1
            self.counts.bytes += info.st_size
            self.counts.hardlinks += info.st_nlink > 1
            level.items.append(Item(name, kind, info))
        elif kind is None:
            self.counts.sockets += 1
        else:
            xattrs: Xattrs = ()
            if self.options.xattrs and not followed:
                xattrs = read_xattrs(level.reach(name))
            if kind is not NodeType.SYMLINK:
                self.counts.special += 1
            device = (os.major(info.st_rdev), os.minor(info.st_rdev)) if kind in _DEVICES else None
            level.items.append(Item(name, kind, info, device if target is None else target, xattrs))
        if len(level.items) >= AT_ONCE:
            yield from self._flush()
        return None

    def _descend(
        self,
        level: Level,
        name: bytes,
        info: os.stat_result,
        *,
        followed: bool,
        root: bool,
    ) -> Generator[Event, None, Level | None]:
        directory = Directory(level.directory.path_of(name), name, info)
        above = self._places.get((info.st_dev, info.st_ino))
        if above is not None:  # something is mounted below itself
            yield self._told(problems.loop(directory.path, above))
            return self._empty(level, directory)
        if self.options.one_file_system and not root and info.st_dev != level.device:
            self.counts.other_devices += 1
            return self._empty(level, directory)
        try:
            return self._level(directory, level, name, hops=level.hops + followed, root=root)
        except OSError as error:
            if root:
                raise
            found = problems.problem_of(error, directory.path)
            yield self._told(found)
            if found.code == "vanished":
                return None
            directory.whole = False
            return self._empty(level, directory)

    def _empty(self, above: Level, directory: Directory) -> Level:
        level = Level(directory, iter(()), None)
        level.counts = self._counts(f"{above.relative}{os.fsdecode(directory.name)}/")
        return level

    def _level(
        self, directory: Directory, above: Level | None, name: bytes, *, hops: int = 0, root: bool = True
    ) -> Level:
        handle = None
        place: bytes | int = directory.path or b"/"
        try:
            if self._by_handle:
                below, where = (None, b"/") if above is None else (above.handle, above.prefix + name)
                follow = above is None or (above.hops < hops)
                place = handle = handles.open_folder(
                    where, owner=directory.info.st_uid, below=below, follow=follow
                )
                directory.info = os.fstat(handle)
            if self.options.xattrs:
                directory.xattrs = read_xattrs(place, follow=True)
            names = only_tag(self.options, directory.path, handle)
            if names is None:
                names = sorted_names(place, directory.info.st_size)
        except OSError:
            if handle is not None:
                os.close(handle)
            raise
        level = Level(directory, names, handle, hops=hops)
        level.device = directory.info.st_dev if root or above is None else above.device
        level.relative = "" if root or above is None else f"{above.relative}{os.fsdecode(name)}/"
        level.counts = root or self._counts(level.relative)
        return level

    def _counts(self, relative: str) -> bool:
        """Does the directory count even where nothing below it does?"""
        return not self._lazy or (self._select is not None and self._select.names(relative[:-1], is_dir=True))

    def _leave(self) -> Iterator[Event]:
        """The end of the last level of the stack; the one above it is opened again where it was closed."""
        yield from self._flush()
        level = self._stack.pop()
        if self._places.get(level.place) == level.directory.path:
            del self._places[level.place]
        if level.entered:
            self.counts.dirs += not level.directory.on_the_way
            yield Leave(level.directory)
        above = self._stack[-1] if self._stack else None
        if self._by_handle and above is not None and above.handle is None:
            try:
                above.open_again(level.handle)
            except OSError:
                above.names = iter(())
                above.directory.whole = False
                yield self._told(problems.moved(above.directory.path))
        level.close()

    def _flush(self) -> Iterator[Event]:
        """Tell of what was taken in, and that those directories were entered in which it is."""
        if not self._stack:
            return
        level = self._stack[-1]
        if level.items or level.counts:
            yield from self._enter()
        if level.items:
            batch = Batch(self._number, level.directory, level.items)
            self._number += 1
            level.items = []
            yield batch

    def _enter(self) -> Iterator[Event]:
        if not self._stack[-1].entered:
            for level in self._stack:
                if not level.entered:
                    level.entered = True
                    yield Enter(level.directory)

    def _failed(self, level: Level, name: bytes, error: OSError) -> Problem:
        found = problems.problem_of(error, level.directory.path_of(name))
        if found.lost:
            level.directory.whole = False
        return self._told(found)

    def _told(self, problem: Problem) -> Problem:
        self.counts.problems += 1
        return problem
