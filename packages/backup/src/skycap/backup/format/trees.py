"""Directories: sorted nodes, in pieces that end where a name says so.

    piece = tree blob [1, [node, ...]]

A directory of a million entries changes by one piece when one entry does.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from skycap.backup.format import limits, packed
from skycap.backup.format.keys import Keys
from skycap.backup.format.nodes import LINK_SIZE, Node, check_name, check_node
from skycap.core.errors import ConfigInvalid, Damaged, TamperDetected

TAG = 1
_LEAST = 64 * limits.KIB
_MOST = limits.MIB
_EVERY = 2_048


def pieces(keys: Keys, nodes: Iterable[Node]) -> Iterator[bytes]:
    """The raw tree blobs of a directory, in memory of one piece.

    `nodes` come sorted by name. Raises ConfigInvalid where they do not, or where one is over 1 MiB.
    """
    import msgpack

    packer = msgpack.Packer(use_bin_type=True)
    held: list[bytes] = []
    size = 0
    last = b""
    for node in nodes:
        check_name(node.name)
        if node.name <= last:
            raise ConfigInvalid("the entries of a directory are stored by rising name")
        last = node.name
        if node.extra:
            node = node._replace(extra=dict(sorted(node.extra.items())))
        raw = packer.pack(node)
        if len(raw) > limits.NODE:
            raise ConfigInvalid(f"the metadata of {last[:80]!r} are larger than {limits.NODE} bytes")
        held.append(raw)
        size += len(raw)
        if size >= _LEAST and (size >= _MOST or _ends(keys, last)):
            yield _piece(packer.pack_array_header(len(held)), held)
            held.clear()
            size = 0
    if held:
        yield _piece(packer.pack_array_header(len(held)), held)


def _ends(keys: Keys, name: bytes) -> bool:
    return int.from_bytes(keys.split_hash(name)[:4], "little") % _EVERY == 0


def _piece(header: bytes, held: list[bytes]) -> bytes:
    return b"".join((b"\x92", bytes((TAG,)), header, *held))


def nodes_of(pieces_: Iterable[bytes]) -> Iterator[Node]:
    """The nodes of a directory, from its pieces in order.

    Raises Damaged for what is no piece, TamperDetected for a hostile name or one that comes twice.
    """
    last = b""
    for raw in pieces_:
        tag, nodes = packed.loads(raw, "a directory", length=2)
        if tag != TAG or type(nodes) is not tuple:
            raise Damaged("a directory is something else")
        for value in nodes:
            node = check_node(value)
            if node.name <= last:
                raise TamperDetected(
                    f"a directory lists {node.name[:80]!r} twice, or out of order",
                    hint="This snapshot was not made by skycap. Do not restore it.",
                )
            last = node.name
            yield node


def link_group(keys: Keys, device: int, inode: int) -> bytes:
    """What the names of one file have in common: 16 bytes that tell nothing of the device."""
    raw = device.to_bytes(8, "little") + inode.to_bytes(8, "little")
    return keys.split_hash(raw)[:LINK_SIZE]
