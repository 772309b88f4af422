"""Nodes: what is known about one file, directory, link or device, in a fixed order.

Names are bytes. The same node gives the same bytes, so that unchanged directories have the same id.
"""

from __future__ import annotations

import enum
from collections.abc import Callable
from typing import Any, NamedTuple

from skycap.backup.format import limits
from skycap.backup.format.contents import Content, check_content
from skycap.core.errors import Damaged, TamperDetected

LINK_SIZE = 16


class NodeType(enum.IntEnum):
    """What a node is."""

    FILE = 1
    DIRECTORY = 2
    SYMLINK = 3
    FIFO = 4
    CHARACTER_DEVICE = 5
    BLOCK_DEVICE = 6


class LargeValue(NamedTuple):
    """The value of an extended attribute over 64 KiB: its size in bytes, and where it lies, as of a file."""

    size: int
    depth: int
    ids: bytes


class Node(NamedTuple):
    """One entry of a directory. Times are nanoseconds since 1970, sizes and holes bytes."""

    name: bytes
    type: int
    mode: int = 0o644
    uid: int = 0
    gid: int = 0
    user: bytes = b""
    group: bytes = b""
    mtime_ns: int = 0
    ctime_ns: int = 0
    inode: int = 0
    link: bytes | None = None
    size: int = 0
    content: Content | None = None
    target: bytes | tuple[int, int] | None = None
    holes: tuple[tuple[int, int], ...] | None = None
    xattrs: tuple[tuple[bytes, bytes | LargeValue], ...] = ()
    extra: dict[str, int | bytes | str | bool | None] = {}  # noqa: RUF012 # a field; nobody changes it


_CONTENT = Node._fields.index("content")
_INTS = {int}
_BYTES = {bytes}
_SCALARS = {int, bytes, str, bool, type(None)}
_FORBIDDEN = (b"", b".", b"..")


def check_name(name: Any) -> None:
    """Raise TamperDetected for a name that could lead out of its directory: no program of ours writes one."""
    if type(name) is not bytes or name in _FORBIDDEN or b"/" in name or 0 in name or len(name) > limits.NAME:
        raise TamperDetected(
            f"a directory lists a name that no file can have: {name[:80]!r}"
            if type(name) is bytes
            else "a directory lists a name that is none",
            hint="This snapshot was not made by skycap. Do not restore it.",
        )


def check_node(value: Any) -> Node:
    """A node as msgpack gives it. Raises TamperDetected for a hostile name, Damaged for any other mistake."""
    if type(value) is not tuple or len(value) != len(Node._fields):
        raise Damaged("a node has another number of fields")
    check_name(value[0])
    content = value[_CONTENT]
    if content is not None:
        value = (*value[:_CONTENT], check_content(content), *value[_CONTENT + 1 :])
    node = Node._make(value)
    if not (
        _numbers_fit(node) and _attributes_fit(node) and node.type in _CHECKS and _CHECKS[node.type](node)
    ):
        raise Damaged(f"the entry {node.name[:80]!r} of a directory is not well-formed")
    return node


def _numbers_fit(node: Node) -> bool:
    _, kind, mode, uid, gid, user, group, mtime, ctime, inode, link, size, *_ = node
    return (
        {type(kind), type(mode), type(uid), type(gid), type(mtime), type(ctime), type(inode), type(size)}
        == _INTS
        and {type(user), type(group)} == _BYTES
        and 0 <= mode <= 0o7777
        and 0 <= uid < 2**32
        and 0 <= gid < 2**32
        and -(2**63) <= mtime < 2**63
        and -(2**63) <= ctime < 2**63
        and inode >= 0
        and 0 <= size < 2**63
        and (link is None or (type(link) is bytes and len(link) == LINK_SIZE))
    )


def _attributes_fit(node: Node) -> bool:
    xattrs: Any = node.xattrs
    extra: Any = node.extra
    if type(xattrs) is not tuple or type(extra) is not dict:
        return False
    if extra and not (
        all(type(key) is str for key in extra) and {type(value) for value in extra.values()} <= _SCALARS
    ):
        return False
    return not xattrs or _xattrs_fit(xattrs)


def _xattrs_fit(xattrs: tuple[Any, ...]) -> bool:
    last = b""
    for pair in xattrs:
        if type(pair) is not tuple or len(pair) != 2 or type(pair[0]) is not bytes or pair[0] <= last:
            return False
        last, value = pair
        if type(value) is bytes:
            if len(value) > limits.XATTR_INLINE:
                return False
        elif type(value) is not tuple or len(value) != 3 or type(value[0]) is not int or value[0] < 0:
            return False
        else:
            check_content(value[1:])
    return True


def _file(node: Node) -> bool:
    return node.content is not None and node.target is None and (node.holes is None or _holes_fit(node))


def _holes_fit(node: Node) -> bool:
    holes: Any = node.holes
    if type(holes) is not tuple or not holes:
        return False
    end = -1
    for hole in holes:
        if type(hole) is not tuple or len(hole) != 2 or {type(hole[0]), type(hole[1])} != _INTS:
            return False
        offset, length = hole
        if offset <= end or length <= 0:
            return False
        end = offset + length
    return end <= node.size


def _plain(node: Node) -> bool:
    return node.size == 0 and node.holes is None


def _directory(node: Node) -> bool:
    return _plain(node) and node.content is not None and node.target is None


def _symlink(node: Node) -> bool:
    target = node.target
    fits = type(target) is bytes and 0 < len(target) <= limits.LINK_TARGET
    return fits and _plain(node) and node.content is None


def _device(node: Node) -> bool:
    target: Any = node.target
    fits = type(target) is tuple and len(target) == 2 and {type(target[0]), type(target[1])} == _INTS
    return fits and min(target) >= 0 and _plain(node) and node.content is None


def _fifo(node: Node) -> bool:
    return node.target is None and _plain(node) and node.content is None


_CHECKS: dict[int, Callable[[Node], bool]] = {
    NodeType.FILE: _file,
    NodeType.DIRECTORY: _directory,
    NodeType.SYMLINK: _symlink,
    NodeType.FIFO: _fifo,
    NodeType.CHARACTER_DEVICE: _device,
    NodeType.BLOCK_DEVICE: _device,
}
