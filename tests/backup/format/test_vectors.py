"""The vectors of the page are what the code makes, and what it reads."""

from __future__ import annotations

import json
from typing import Any

import pytest

from skycap.backup.format.blobs import BlobOpener
from skycap.backup.format.config import open_config, read_header
from skycap.backup.format.contents import Content, expand
from skycap.backup.format.index import open_index
from skycap.backup.format.keyfiles import RecoveryKey, open_key_file, read_key_file
from skycap.backup.format.keys import Keys, Kind, ObjectType
from skycap.backup.format.packs import read_footer, read_pack
from skycap.backup.format.recovery import read_recovery_key
from skycap.backup.format.sealed import open_sealed
from skycap.backup.format.snapshots import open_snapshot
from skycap.backup.format.suites import Suite
from skycap.backup.format.trees import nodes_of
from skycap.core.crypto.secret import Secret
from tests.backup.format import vectors

of = bytes.fromhex


@pytest.fixture(scope="module")
def written() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(vectors.FILE.read_text(encoding="utf-8"))
    return loaded


@pytest.fixture(scope="module")
def keys(written: dict[str, Any]) -> Keys:
    return Keys(of(written["master_key"]), of(written["repository_id"]), Suite.AES_256_GCM)


def test_the_page_and_the_file_are_the_same() -> None:
    page = vectors.PAGE.read_text(encoding="utf-8")
    block = page.split("```json\n")[1].split("```")[0]
    assert block == vectors.FILE.read_text(encoding="utf-8")


def test_the_code_makes_the_same_vectors(written: dict[str, Any]) -> None:
    made = vectors.build()
    assert {name: value for name, value in written.items() if name != "compressed"} == made


def test_what_zstd_packed_is_read(written: dict[str, Any], keys: Keys) -> None:
    blob = written["compressed"]["blob"]
    raw = of(blob["raw"])
    opened = BlobOpener(keys, Kind.TREE).open(of(blob["id"]), of(blob["stored"]), len(raw), 1)
    assert opened == raw
    taken = open_snapshot(keys, of(written["compressed"]["snapshot"]))
    assert taken.snapshot.host == "box"
    assert taken.signed == of(written["signed_bytes"])


@pytest.mark.parametrize("name", ["index", "snapshot", "mark", "lease"])
def test_an_object_opens_to_its_body(written: dict[str, Any], keys: Keys, name: str) -> None:
    one = written["objects"][name]
    body = open_sealed(keys, ObjectType[name.upper()], of(one["stored"]), context=of(one.get("name", "")))
    assert body == (one["body"].encode() if name == "snapshot" else of(one["body"]))
    assert len(of(one["stored"])) % 512 == 0


def test_pack_footer_and_index_agree(written: dict[str, Any], keys: Keys) -> None:
    pack = of(written["pack"]["stored"])
    info = read_pack(keys, Kind.DATA, pack)
    assert info.name.hex() == written["pack"]["name"]
    (indexed,) = open_index(keys, of(written["objects"]["index"]["stored"])).packs
    assert list(indexed.table) == list(info.table) == list(read_footer(keys, Kind.DATA, pack, len(pack)))
    for (blob_id, offset, length, raw_length, codec), blob in zip(info.table, written["blobs"], strict=True):
        stored = pack[offset : offset + length]
        assert (blob_id.hex(), stored.hex()) == (blob["id"], blob["stored"])
        assert BlobOpener(keys, Kind.DATA).open(blob_id, stored, raw_length, codec) == of(blob["raw"])


def test_the_directory_has_its_nodes(written: dict[str, Any], keys: Keys) -> None:
    names = [node.name for node in nodes_of([of(written["directory"]["raw"])])]
    assert names == [b"caf\xe9", b"empty", b"link", b"null"]


def test_the_list_has_its_ids(written: dict[str, Any], keys: Keys) -> None:
    raw, list_id = (of(written["list"][name]) for name in ("raw", "id"))
    assert keys.blob_id(Kind.TREE, raw) == list_id
    ids = [of(blob["id"]) for blob in written["blobs"]]
    assert list(expand(Content(1, list_id), {list_id: raw}.__getitem__)) == ids


def test_key_files_and_config_open(written: dict[str, Any]) -> None:
    files = written["key_files"]
    for kind, one in files.items():
        key_file = read_key_file(one["file"].encode(), name=of(one["name"]))
        text: Secret[str] = Secret(one["opens_with"])
        opens_with: Secret[str] | RecoveryKey = read_recovery_key(text) if kind == "recovery" else text
        master = open_key_file(key_file, opens_with, repository_id=of(written["repository_id"]))
        assert master.reveal().hex() == written["master_key"]
    keys, settings = open_config(of(written["master_key"]), read_header(written["config"]["file"].encode()))
    assert json.loads(written["config"]["settings"]) == settings.to_json()
    assert keys.chunker_seed == written["chunks"]["seed"]
