"""Reads a vault from its specification alone (docs/formats/crypt.md): nothing of ours is imported here."""

# ruff: noqa: TID253 - a stranger imports what is needed

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any

from cryptography.hazmat.primitives.ciphers.aead import AESGCM, AESSIV
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

CONFIG = ".skycap-crypt"
SEGMENT = 1024 * 1024


def hkdf(key: bytes, info: bytes, length: int = 32, salt: bytes | None = None) -> bytes:
    return HKDF(SHA256(), length, salt, info).derive(key)


def wrapping_key(kdf: Mapping[str, Any], secret: bytes) -> bytes:
    salt = bytes.fromhex(kdf["salt"])
    if kdf["name"] == "hkdf-sha256":
        return hkdf(secret, b"skycap-crypt 1 key file", salt=salt)
    return Argon2id(
        salt=salt,
        length=32,
        iterations=kdf["iterations"],
        lanes=kdf["lanes"],
        memory_cost=kdf["memory_kib"],
    ).derive(secret)


def master_key(config: bytes, secret: bytes) -> bytes:
    public = json.loads(config)
    assert (public["format"], public["version"]) == ("skycap-crypt", 1)
    wrapped = bytes.fromhex(public.pop("wrapped"))
    authenticated = json.dumps(public, sort_keys=True, separators=(",", ":")).encode("ascii")
    nonce = bytes.fromhex(public["nonce"])
    return AESGCM(wrapping_key(public["kdf"], secret)).decrypt(nonce, wrapped, authenticated)


def open_content(master: bytes, sealed: bytes) -> bytes:
    label = b"skycap-crypt 1 contents"
    assert sealed[0] == 40
    salt, prefix = sealed[1:33], sealed[33:40]
    gcm = AESGCM(hkdf(hkdf(master, label), label, salt=salt))
    count = -(-len(sealed) // SEGMENT)
    plain = []
    for i in range(count):
        begin = 40 if i == 0 else i * SEGMENT
        nonce = prefix + i.to_bytes(4, "big") + (b"\1" if i == count - 1 else b"\0")
        plain.append(gcm.decrypt(nonce, sealed[begin : (i + 1) * SEGMENT], None))
    return b"".join(plain)


def from_base32hex(text: str) -> bytes:
    return base64.b32hexdecode(text.upper() + "=" * (-len(text) % 8))


def open_name(master: bytes, sealed: str) -> str:
    siv = AESSIV(hkdf(master, b"skycap-crypt 1 names", 64))
    return siv.decrypt(from_base32hex(sealed), [b"skycap-crypt 1 name"]).decode("utf-8", "surrogateescape")


def open_link(master: bytes, sealed: str) -> str:
    siv = AESSIV(hkdf(master, b"skycap-crypt 1 links", 64))
    return siv.decrypt(from_base32hex(sealed), [b"skycap-crypt 1 link"]).decode("utf-8", "surrogateescape")


def open_tree(files: Mapping[str, bytes], secret: bytes) -> dict[str, bytes]:
    """Plain contents by plain path, from sealed contents by sealed path."""
    config = files[CONFIG]
    master = master_key(config, secret)
    plain_names = json.loads(config)["names"] == "plain"
    return {
        path if plain_names else "/".join(open_name(master, part) for part in path.split("/")): open_content(
            master, sealed
        )
        for path, sealed in files.items()
        if path != CONFIG
    }
