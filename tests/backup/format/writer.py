"""A tiny writer of repositories in a local folder, from the format alone: for whatever a reader must read."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from skycap.backup.format.chunkers import chunker_for
from skycap.backup.format.compression import Compressor
from skycap.backup.format.config import Header, Settings, seal_config
from skycap.backup.format.contents import Content, ContentWriter
from skycap.backup.format.index import IndexObject, seal_index
from skycap.backup.format.keyfiles import RecoveryKey, make_key_file
from skycap.backup.format.keys import Keys, Kind, new_master
from skycap.backup.format.limits import MIB
from skycap.backup.format.names import Folder, name_of, object_path
from skycap.backup.format.nodes import LargeValue, Node, NodeType
from skycap.backup.format.packs import FOLDERS, PackInfo, PackWriter
from skycap.backup.format.snapshots import Snapshot, State, seal_snapshot
from skycap.backup.format.suites import Suite
from skycap.backup.format.trees import link_group, pieces
from skycap.core.crypto.kdf import Argon2Parameters
from skycap.core.crypto.secret import Secret

NOW = "2026-11-25T10:00:00.000000000Z"
PASSPHRASE = Secret("correct horse")
CHEAP = Argon2Parameters(memory_kib=7 * 1024, iterations=5, lanes=1)
HOLE = 64 * 1024


class Writer:
    """One repository; `backup` stores a folder and a snapshot of it."""

    def __init__(
        self, root: Path, *, suite: Suite = Suite.AES_256_GCM, settings: Settings | None = None
    ) -> None:
        self.root = root
        self.settings = settings or Settings()
        self.master = new_master()
        self.repository_id = os.urandom(16)
        self.keys = Keys(self.master, self.repository_id, suite)
        self.recovery = RecoveryKey.new()
        header = Header(self.repository_id, suite, NOW)
        self.put("config", seal_config(self.keys, header, self.settings))
        for opens_with in (PASSPHRASE, self.recovery):
            name, data = make_key_file(
                self.master, self.repository_id, opens_with, created=NOW, parameters=CHEAP
            )
            self.put(object_path(Folder.KEYS, name), data)
        self.put("snapshots/.keep", b"")
        (root / "snapshots/.keep").unlink()
        self._writers = {kind: PackWriter(self.keys, kind, 4 * MIB) for kind in Kind}
        self._known: dict[tuple[Kind, bytes], None] = {}
        self._packs: list[PackInfo] = []
        self._compressor = Compressor()

    def put(self, path: str, data: bytes | memoryview) -> None:
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)

    def blob(self, kind: Kind, raw: bytes | memoryview) -> bytes:
        blob_id = self.keys.blob_id(kind, raw)
        if (kind, blob_id) not in self._known:
            self._known[kind, blob_id] = None
            packed, codec = self._compressor.pack(raw, sample=kind is Kind.DATA)
            self._writers[kind].add(blob_id, packed, len(raw), codec)
            if self._writers[kind].full:
                self.close_pack(kind)
        return blob_id

    def close_pack(self, kind: Kind) -> None:
        writer = self._writers[kind]
        if len(writer):
            info, view = writer.finish()
            self.put(object_path(FOLDERS[kind], info.name), view)
            self._packs.append(info)
            writer.reset()

    def tree(self, raw: bytes) -> bytes:
        return self.blob(Kind.TREE, raw)

    def content(self, raw: bytes) -> Content:
        writer = ContentWriter(self.tree)
        begin = 0
        for end in chunker_for(self.settings.chunker, self.keys).cut(raw):
            writer.add(self.blob(Kind.DATA, raw[begin:end]))
            begin = end
        return writer.finish()

    def directory(self, path: Path) -> Content:
        writer = ContentWriter(self.tree)
        for piece in pieces(self.keys, self.nodes(path)):
            writer.add(self.tree(piece))
        return writer.finish()

    def nodes(self, folder: Path) -> Iterator[Node]:
        for name in sorted(os.listdir(os.fsencode(folder))):
            path = folder / os.fsdecode(name)
            status = path.lstat()
            node = Node(
                name,
                NodeType.FIFO,
                stat.S_IMODE(status.st_mode),
                status.st_uid,
                status.st_gid,
                mtime_ns=status.st_mtime_ns,
                ctime_ns=status.st_ctime_ns,
                inode=status.st_ino,
            )
            if stat.S_ISDIR(status.st_mode):
                node = node._replace(type=NodeType.DIRECTORY, content=self.directory(path))
            elif stat.S_ISLNK(status.st_mode):
                node = node._replace(type=NodeType.SYMLINK, target=os.readlink(os.fsencode(path)))
            elif stat.S_ISREG(status.st_mode):
                node = self.file(node._replace(type=NodeType.FILE), path, status)
            yield node

    def file(self, node: Node, path: Path, status: os.stat_result) -> Node:
        raw = path.read_bytes()
        holes = tuple(holes_in(raw))
        kept = bytearray()
        begin = 0
        for offset, length in (*holes, (len(raw), 0)):
            kept += raw[begin:offset]
            begin = offset + length
        xattrs: list[tuple[bytes, bytes | LargeValue]] = []
        for name in sorted(map(os.fsencode, os.listxattr(path) if hasattr(os, "listxattr") else ())):
            value = os.getxattr(path, name)
            if len(value) > 100:
                xattrs.append((name, LargeValue(len(value), *self.content(value))))
            else:
                xattrs.append((name, value))
        return node._replace(
            size=len(raw),
            content=self.content(bytes(kept)),
            holes=holes or None,
            link=link_group(self.keys, status.st_dev, status.st_ino) if status.st_nlink > 1 else None,
            xattrs=tuple(xattrs),
        )

    def backup(self, source: Path, *, state: State = State.COMPLETE, time: str = NOW) -> str:
        """The name of the snapshot: packs, then index, then snapshot."""
        root = self.directory(source)
        for kind in Kind:
            self.close_pack(kind)
        if self._packs:
            index = seal_index(self.keys, IndexObject(tuple(self._packs)))
            self.put(object_path(Folder.INDEX, name_of(index)), index)
            self._packs.clear()
        body = Snapshot(
            start=time,
            time=time,
            root=root,
            run=os.urandom(16).hex(),
            state=state,
            paths=(os.fsencode(source),),
        )
        sealed = seal_snapshot(self.keys, body)
        self.put(object_path(Folder.SNAPSHOTS, name_of(sealed)), sealed)
        return name_of(sealed).hex()


def holes_in(raw: bytes) -> Iterator[tuple[int, int]]:
    """Runs of zero blocks, as a file system would have them."""
    begin = None
    for offset in range(0, len(raw), HOLE):
        block = raw[offset : offset + HOLE]
        if not any(block):
            begin = offset if begin is None else begin
        elif begin is not None:
            yield begin, offset - begin
            begin = None
    if begin is not None:
        yield begin, len(raw) - begin
