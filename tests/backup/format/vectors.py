"""Builds the vectors of docs/backup/format.md: `python -m tests.backup.format.vectors` writes them again.

Everything random is fixed. What zstd makes may differ between its versions, so vectors with codec 1 are only
ever opened.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from skycap.backup.format import packed, sealed
from skycap.backup.format.chunkers import chunker_for
from skycap.backup.format.config import Header, Settings, open_config, read_header, seal_config
from skycap.backup.format.contents import Content
from skycap.backup.format.index import IndexObject, seal_index
from skycap.backup.format.keyfiles import RecoveryKey, make_key_file
from skycap.backup.format.keys import CONTEXT, Keys, Kind, ObjectType, derive
from skycap.backup.format.leases import Lease, LeaseKind, seal_lease
from skycap.backup.format.limits import MIB
from skycap.backup.format.marks import Mark, seal_mark
from skycap.backup.format.nodes import Node, NodeType
from skycap.backup.format.packs import PackWriter
from skycap.backup.format.padding import padded
from skycap.backup.format.recovery import print_recovery_key
from skycap.backup.format.snapshots import Snapshot, signed_bytes
from skycap.backup.format.suites import Suite
from skycap.backup.format.trees import link_group, pieces
from skycap.core.crypto.kdf import Argon2Parameters
from skycap.core.crypto.secret import Secret

FILE = Path(__file__).with_suffix(".json")
PAGE = Path(__file__).resolve().parents[3] / "docs/backup/format.md"
MASTER = bytes(range(32))
REPOSITORY = bytes(range(0x20, 0x30))
SALT = bytes(range(0x40, 0x60))
NONCE = bytes(range(0x60, 0x6C))
RUN = bytes(range(0x70, 0x80))
NOW = "2026-11-25T10:00:00.000000000Z"
CUT = {"kind": "fastcdc", "min": 1024, "avg": 4096, "max": 16384, "normalization": 2}
WORDS = [b"a file of a few words", b"and another one"]


def nodes(keys: Keys, ids: list[bytes]) -> list[Node]:
    common = Node(b"", NodeType.FILE, 0o644, 1000, 1000, b"me", b"users", 1_700_000_000_123_456_789)
    return [
        common._replace(
            name=b"caf\xe9",
            ctime_ns=1_700_000_001_000_000_000,
            inode=42,
            link=link_group(keys, 2049, 42),
            size=65_536 + 36,
            content=Content(0, b"".join(ids)),
            holes=((0, 65_536),),
            xattrs=((b"user.note", b"kept"),),
            extra={"btime": 1_600_000_000_000_000_000},
        ),
        common._replace(name=b"empty", type=NodeType.DIRECTORY, mode=0o755, content=Content()),
        common._replace(name=b"link", type=NodeType.SYMLINK, mode=0o777, target=b"../elsewhere"),
        common._replace(name=b"null", type=NodeType.CHARACTER_DEVICE, mode=0o666, target=(1, 3)),
    ]


def snapshot(root: Content) -> Snapshot:
    paths = (b"/home/me", b"/srv/caf\xe9")
    return Snapshot(start=NOW, time=NOW, root=root, run=RUN.hex(), host="box", user="me", paths=paths)


def build() -> dict[str, Any]:
    """All vectors that are made the same way every time."""
    keys = Keys(MASTER, REPOSITORY, Suite.AES_256_GCM)
    chacha = Keys(MASTER, REPOSITORY, Suite.CHACHA20_POLY1305)
    ids = [keys.blob_id(Kind.DATA, raw) for raw in WORDS]
    writer = PackWriter(keys, Kind.DATA, 4 * MIB)
    for blob_id, raw in zip(ids, WORDS, strict=True):
        writer.add(blob_id, raw, len(raw), 0, nonce=NONCE)
    info, view = writer.finish(salt=SALT)
    other = PackWriter(chacha, Kind.DATA, 4 * MIB)
    other.add(ids[0], WORDS[0], len(WORDS[0]), 0, nonce=NONCE)
    (piece,) = pieces(keys, nodes(keys, ids))
    root = Content(0, keys.blob_id(Kind.TREE, piece))
    listed = packed.dumps((2, 0, b"".join(ids)))
    taken = snapshot(root)
    index = IndexObject((info,), {b"\xdd" * 32: 1_700_000_000}, (b"\xee" * 32,))
    mark = Mark(1_700_000_000_000_000_000, RUN, data=(info.name,), index=(b"\xee" * 32,))
    lease = Lease(LeaseKind.WRITER, 1_700_000_000_000_000_000, 1_700_000_300_000_000_000, RUN, 1, b"box")
    return {
        "master_key": MASTER.hex(),
        "repository_id": REPOSITORY.hex(),
        "salt": SALT.hex(),
        "nonce": NONCE.hex(),
        "keys": {CONTEXT + purpose: derive(purpose, MASTER).hex() for purpose in purposes()},
        "padded": {str(size): padded(size) for size in (1, 512, 513, 65_537, 1_048_577, 16_777_217)},
        "config": config(),
        "key_files": key_files(),
        "chunks": {
            "settings": CUT,
            "seed": keys.chunker_seed,
            "content": "the first 65536 bytes of SHAKE-128 of `chunks 0`",
            "ends": chunker_for(CUT, keys).cut(hashlib.shake_128(b"chunks 0").digest(65_536)),
        },
        "blobs": [
            {"kind": "data", "raw": raw.hex(), "id": blob_id.hex(), "stored": view[begin:end].hex()}
            for raw, blob_id, (begin, end) in zip(WORDS, ids, ((8, 57), (57, 100)), strict=True)
        ],
        "blob_with_suite_2": other.finish(salt=SALT)[1][8:57].hex(),
        "pack": {
            "name": info.name.hex(),
            "size": info.size,
            "footer": packed.dumps(info.table.columns()).hex(),
            "stored": view.hex(),
        },
        "directory": {"raw": piece.hex(), "id": root.ids.hex()},
        "list": {"raw": listed.hex(), "id": keys.blob_id(Kind.TREE, listed).hex()},
        "objects": {
            "index": opened(keys, ObjectType.INDEX, seal_index(keys, index, salt=SALT)),
            "snapshot": plain(keys, ObjectType.SNAPSHOT, taken),
            "mark": opened(keys, ObjectType.MARK, seal_mark(keys, mark, salt=SALT)),
            "lease": {
                "name": RUN.hex(),
                **opened(keys, ObjectType.LEASE, seal_lease(keys, lease, RUN, salt=SALT), context=RUN),
            },
        },
        "signed_bytes": signed_bytes(keys, taken).hex(),
    }


def purposes() -> list[str]:
    kinds = [f"{what} {kind.name.lower()}" for what in ("id", "blob") for kind in Kind]
    return [*kinds, *(f"seal {kind.word}" for kind in ObjectType), "chunker", "split", "mac"]


def opened(keys: Keys, kind: ObjectType, stored: bytes, context: bytes = b"") -> dict[str, str]:
    """A sealed object beside its body; packed with codec 0, so that it is the same whatever zstd is there."""
    body = sealed.open_sealed(keys, kind, stored, context=context)
    again = sealed.seal(keys, kind, body, context=context, compress=False, salt=SALT)
    return {"body": body.hex(), "stored": again.hex()}


def plain(keys: Keys, kind: ObjectType, taken: Snapshot) -> dict[str, str]:
    from skycap.backup.format.canonical import dumps

    body = dumps({"body": taken.body(), "sigs": []})
    return {"body": body.decode(), "stored": sealed.seal(keys, kind, body, compress=False, salt=SALT).hex()}


def config() -> dict[str, str]:
    keys = Keys(MASTER, REPOSITORY, Suite.AES_256_GCM)
    text = seal_config(keys, Header(REPOSITORY, Suite.AES_256_GCM, NOW), Settings(), salt=SALT)
    header = read_header(text)
    open_config(MASTER, header)
    body = json.dumps(Settings().to_json(), sort_keys=True, separators=(",", ":"))
    return {"settings": body, "file": text.decode()}


def key_files() -> dict[str, Any]:
    recovery = RecoveryKey(Secret(bytes(range(0x80, 0xA0))))
    common: dict[str, Any] = {"created": NOW, "salt": SALT, "nonce": NONCE}
    cheap = Argon2Parameters(memory_kib=7 * 1024, iterations=5, lanes=1)
    by_words = make_key_file(
        Secret(MASTER), REPOSITORY, Secret("correct horse"), label="laptop", parameters=cheap, **common
    )
    by_recovery = make_key_file(Secret(MASTER), REPOSITORY, recovery, **common)
    return {
        "passphrase": {
            "opens_with": "correct horse",
            "name": by_words[0].hex(),
            "file": by_words[1].decode(),
        },
        "recovery": {
            "opens_with": print_recovery_key(recovery).reveal(),
            "name": by_recovery[0].hex(),
            "file": by_recovery[1].decode(),
        },
    }


def compressed() -> dict[str, Any]:
    """Two vectors with codec 1, made once."""
    from skycap.backup.format.blobs import OVERHEAD, BlobSealer
    from skycap.backup.format.compression import Compressor

    keys = Keys(MASTER, REPOSITORY, Suite.AES_256_GCM)
    raw = b"again and " * 100
    frame, _ = Compressor().pack(raw, sample=False)
    out = bytearray(memoryview(frame).nbytes + OVERHEAD)
    blob_id = keys.blob_id(Kind.TREE, raw)
    with memoryview(out) as view:
        BlobSealer(keys, Kind.TREE).seal_into(blob_id, frame, view, nonce=NONCE)
    body = json.loads(FILE.read_text(encoding="utf-8"))["objects"]["snapshot"]["body"].encode()
    return {
        "blob": {"kind": "tree", "raw": raw.hex(), "id": blob_id.hex(), "stored": out.hex()},
        "snapshot": sealed.seal(keys, ObjectType.SNAPSHOT, body, salt=SALT).hex(),
    }


def text_of(vectors: dict[str, Any]) -> str:
    return json.dumps(vectors, indent=2, ensure_ascii=False) + "\n"


def main() -> None:
    """Write the file, and the block in the page."""
    vectors = build()
    FILE.write_text(text_of(vectors), encoding="utf-8")
    vectors["compressed"] = compressed()
    FILE.write_text(text_of(vectors), encoding="utf-8")
    page = PAGE.read_text(encoding="utf-8")
    begin = page.index("```json\n") + len("```json\n")
    PAGE.write_text(page[:begin] + text_of(vectors) + page[page.index("```", begin) :], encoding="utf-8")


if __name__ == "__main__":
    main()
