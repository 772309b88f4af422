"""PASSPHRASE=… python reader.py REPOSITORY [SNAPSHOT NEW_FOLDER]: lists or restores, by format.md alone."""

import base64
import hashlib
import itertools
import json
import os
import struct
import sys
from pathlib import Path

import msgpack
import zstandard
from blake3 import blake3
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

NUMBERS = {"data": 1, "tree": 2, "index": 3, "snapshot": 4, "config": 7}
FILE, DIRECTORY, SYMLINK = 1, 2, 3
IDS = struct.Struct("32s").iter_unpack
CANONICAL = {"ensure_ascii": False, "sort_keys": True, "separators": (",", ":")}


def need(truth, message):
    if not truth:
        raise SystemExit(f"damaged or foreign: {message}")


def derive(purpose, key):
    return blake3(key, derive_key_context="skycap-backup v1 " + purpose).digest()


def unpack(codec, stored, raw_length):
    need((zstandard.frame_content_size(stored) if codec else len(stored)) == raw_length, "raw length")
    return zstandard.ZstdDecompressor().decompress(stored) if codec else stored


def master_key(data, passphrase):
    members = json.loads(data)
    digest = members.pop("digest")
    need(hashlib.sha256(json.dumps(members, **CANONICAL).encode()).hexdigest() == digest, "key file")
    wrapped, kdf = bytes.fromhex(members.pop("wrapped")), members["kdf"]
    if kdf["name"] != "argon2id":
        return None
    costs = {"iterations": min(kdf["iterations"], 64), "lanes": min(kdf["lanes"], 16)}
    costs |= {"memory_cost": min(kdf["memory_kib"], 4 << 20), "salt": bytes.fromhex(kdf["salt"])}
    kek = Argon2id(length=32, **costs).derive(passphrase.encode())
    if derive("key commitment", kek).hex() != members["commit"]:
        return None
    cipher, nonce = AESGCM(derive("key wrap", kek)), bytes.fromhex(members["nonce"])
    return cipher.decrypt(nonce, wrapped, json.dumps(members, **CANONICAL).encode())


class Repository:
    def __init__(self, root, passphrase):
        self.root = Path(root)
        config = json.loads((self.root / "config").read_bytes())
        need(config["min_reader"] <= 1 and not config["features"]["read"], "a newer format")
        self.id, self.suite = bytes.fromhex(config["id"]), config["suite"]
        self.cipher = {1: AESGCM, 2: ChaCha20Poly1305}[self.suite]
        keys = (master_key(path.read_bytes(), passphrase) for path in (self.root / "keys").iterdir())
        self.master = next(filter(None, keys), None)
        need(self.master, "no key file opens with this passphrase")
        self.open("config", base64.b64decode(config.pop("sealed")), json.dumps(config, **CANONICAL).encode())
        bodies = [msgpack.unpackb(body) for _, body in self.objects("index", "index")]
        dropped = {name for body in bodies for _, names in body[2] for (name,) in IDS(names)}
        self.where = {}  # (kind, id) -> pack, offset, stored length, raw length, codec
        for name, _, kind, ids, *columns in (pack for body in bodies for pack in body[1]):
            lengths, raws = (struct.unpack(f"<{len(one) // 4}I", one) for one in columns[:2])
            offsets = itertools.accumulate(lengths, initial=8)
            for one in zip(IDS(ids), offsets, lengths, raws, columns[2]) if name not in dropped else ():
                self.where[kind, *one[0]] = (name.hex(), *one[1:])

    def objects(self, kind, folder):
        for path in (self.root / folder).iterdir():
            data = path.read_bytes()
            need(hashlib.sha256(data).hexdigest() == path.name, path)
            yield path.name, self.open(kind, data)

    def open(self, kind, data, context=b""):
        need(data[:8] == b"BKSO" + bytes((1, self.suite, NUMBERS[kind], 0)), f"{kind}: header")
        key = blake3(data[8:40], key=derive(f"seal {kind}", self.master)).digest()
        plain = self.cipher(key).decrypt(bytes(12), data[40:], data[:40] + self.id + context)
        codec, stored_length, raw_length = struct.unpack_from("<BxxxII", plain)
        return unpack(codec, plain[12 : 12 + stored_length], raw_length)

    def blob(self, kind, blob_id):
        need((NUMBERS[kind], blob_id) in self.where, f"blob {blob_id.hex()} is in no pack")
        pack, offset, length, raw_length, codec = self.where[NUMBERS[kind], blob_id]
        with open(self.root / kind / pack[:2] / pack, "rb") as stream:
            stream.seek(offset)
            nonce, stored = stream.read(12), stream.read(length - 12)
        cipher = self.cipher(blake3(blob_id, key=derive(f"blob {kind}", self.master)).digest())
        associated = b"BKBL" + bytes((1, self.suite, NUMBERS[kind], 0)) + self.id + blob_id
        raw = unpack(codec, cipher.decrypt(nonce, stored, associated), raw_length)
        need(blake3(raw, key=derive(f"id {kind}", self.master)).digest() == blob_id, "content of a blob")
        return raw

    def blobs(self, kind, depth, ids):
        for (one,) in IDS(ids):
            tag, level, below = msgpack.unpackb(self.blob("tree", one)) if depth else (2, -1, b"")
            need((tag, level) == (2, depth - 1), "list")
            yield from self.blobs(kind, level, below) if depth else [self.blob(kind, one)]

    def restore(self, content, target, links):
        os.mkdir(target)
        pieces = map(msgpack.unpackb, self.blobs("tree", *content))
        for node in itertools.chain.from_iterable(nodes for _, nodes in pieces):
            name, kind, mode, *_, mtime, _, _, link, size, inner, goal, holes, xattrs, _ = node
            need(name not in (b"", b".", b"..") and not set(b"/\0") & set(name), f"name {name!r}")
            path = os.path.join(target, name)
            if link in links:
                os.link(links[link], path)
            elif kind == DIRECTORY:
                self.restore(inner, path, links)
            elif kind == SYMLINK:
                os.symlink(goal, path)
            elif kind == FILE:
                self.write(path, size, self.blobs("data", *inner), holes or [])
                links.update({link: path} if link else {})
            if kind in (FILE, DIRECTORY):  # fifos and devices are left out
                for key, value in xattrs:
                    large = () if isinstance(value, bytes) else self.blobs("data", *value[1:])
                    os.setxattr(path, key, b"".join(large) or value)
                os.chmod(path, mode)
                os.utime(path, ns=(mtime, mtime))

    def write(self, path, size, blobs, holes, begin=0, rest=b""):
        with open(path, "xb") as stream:
            stream.truncate(size)
            for end, hole in [*holes, [size, 0]]:
                stream.seek(begin)
                while begin < end:
                    rest = rest or next(blobs, b"")
                    need(rest, f"less content than {path!r} is long")
                    written = stream.write(rest[: end - begin])
                    begin, rest = begin + written, rest[written:]
                begin = end + hole
        need(not rest and next(blobs, None) is None, f"more content than {path!r} is long")


repository, wanted, target = (*sys.argv[1:], None, None)[:3]
opened = Repository(repository, os.environ["PASSPHRASE"])
bodies = ((name, json.loads(body)["body"]) for name, body in opened.objects("snapshot", "snapshots"))
for name, body in sorted(bodies, key=lambda one: one[1]["time"]):
    if wanted is None and body["state"] == "complete":
        print(name[:16], body["time"], body["host"], *body["paths"])
    elif wanted and name.startswith(wanted):
        root = body["root"]["depth"], bytes.fromhex("".join(body["root"]["ids"]))
        opened.restore(root, os.fsencode(target), {})
