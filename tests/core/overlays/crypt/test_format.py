"""What lies in the store is what the specification says: its vectors hold, and a stranger can read it."""

from __future__ import annotations

import hashlib
import io
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from skycap.core.crypto.secret import Secret
from skycap.core.crypto.segments import Header
from skycap.core.crypto.stream import seal
from skycap.core.storage import Storage
from skycap.core.storage.local import Local
from skycap.core.storage.memory import Memory
from skycap.core.storage.overlays.crypt import Crypt
from skycap.core.storage.overlays.crypt.credentials import KeyFile, Passphrase
from skycap.core.storage.overlays.crypt.names import PathCipher
from skycap.core.storage.overlays.crypt.vault import CONTENT_AAD, Vault
from tests.core.overlays.crypt import stranger

PAGE = Path(__file__).resolve().parents[4] / "docs" / "formats" / "crypt.md"
SEGMENT = stranger.SEGMENT
Files = Callable[[Storage], dict[str, bytes]]


@pytest.fixture(scope="module")
def vectors() -> dict[str, Any]:
    block = re.search(r"```json\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert block is not None
    found: dict[str, Any] = json.loads(block.group(1))
    return found


@pytest.fixture(scope="module")
def fixed(vectors: dict[str, Any]) -> Vault:
    config = vectors["config_of_key_file"]
    return Vault(config["id"], config["names"], Secret(bytes.fromhex(vectors["master_key"])))


def test_the_keys_are_those_of_the_page(vectors: dict[str, Any], fixed: Vault) -> None:
    assert fixed.content_key.reveal().hex() == vectors["contents_key"]
    assert fixed.name_key.reveal().hex() == vectors["names_key"]
    assert fixed.link_key.reveal().hex() == vectors["links_key"]


def test_contents_are_sealed_as_on_the_page(vectors: dict[str, Any], fixed: Vault) -> None:
    header = Header(bytes.fromhex(vectors["salt"]), bytes.fromhex(vectors["nonce_prefix"]))

    def sealed(plain: bytes) -> bytes:
        return seal(io.BytesIO(plain), key=fixed.content_key, aad=CONTENT_AAD, header=header).read()

    for plain, wanted in vectors["contents"].items():
        assert sealed(plain.encode()).hex() == wanted
        assert stranger.open_content(fixed.master.reveal(), bytes.fromhex(wanted)) == plain.encode()
    zeros = vectors["zeros"]
    found = sealed(bytes(zeros["size"]))
    assert (len(found), hashlib.sha256(found).hexdigest()) == (zeros["sealed_size"], zeros["sha256"])
    assert found[SEGMENT:].hex() == zeros["last_segment"]


def test_names_and_links_are_sealed_as_on_the_page(vectors: dict[str, Any], fixed: Vault) -> None:
    paths = PathCipher(fixed, "", name_max=255, path_max=None)
    master = fixed.master.reveal()
    for name, wanted in vectors["names"].items():
        assert paths.seal(name) == wanted
        assert stranger.open_name(master, wanted) == paths.open(wanted) == name
    for target, wanted in vectors["links"].items():
        assert paths.seal_target(target) == wanted
        assert stranger.open_link(master, wanted) == paths.open_target(wanted) == target


def test_the_files_of_keys_on_the_page_open(vectors: dict[str, Any], tmp_path: Path) -> None:
    key = bytes.fromhex(vectors["key_file"])
    (tmp_path / "key").write_bytes(key)
    for credential, secret, name in (
        (Passphrase(Secret(vectors["passphrase"])), vectors["passphrase"].encode(), "config_of_passphrase"),
        (KeyFile(str(tmp_path / "key")), key, "config_of_key_file"),
    ):
        data = json.dumps(vectors[name]).encode()
        opened = Vault.opened(data, credential, where="the page")
        assert opened.master.reveal().hex() == vectors["master_key"]
        assert stranger.master_key(data, secret).hex() == vectors["master_key"]


SIZES = [0, 1, 8192, SEGMENT - 57, SEGMENT - 56, SEGMENT - 55, 2 * SEGMENT - 72, 2 * SEGMENT - 71, 3_000_000]


@pytest.mark.parametrize("names", ["encrypt", "plain"])
def test_a_stranger_reads_a_vault(key_file: KeyFile, key: bytes, sealed_files: Files, names: Any) -> None:
    inner = Memory()
    vault = Crypt(inner, key_file, names=names)
    contents = {f"dir {size}/sub/é {size}": bytes([size % 251]) * size for size in SIZES}
    contents["caf\udce9"] = b"not utf-8"
    for path, content in contents.items():
        vault.write(path, content)
    assert stranger.open_tree(sealed_files(inner), key) == contents


def test_a_stranger_reads_what_came_in_parts(
    vault: Crypt, inner: Memory, key: bytes, sealed_files: Files
) -> None:
    contents = {}
    for count, rest in ((1, 0), (1, -1), (1, -40), (1, -41), (2, 0), (2, -39), (2, -40), (3, 1), (3, 1017)):
        step = vault.facts.part_size
        content = hashlib.sha256(f"{count} {rest}".encode()).digest() * ((count * step + rest) // 32 + 1)
        contents[f"{count} {rest}"] = content = content[: count * step + rest]
        upload = vault.begin_upload(f"{count} {rest}", size=len(content))
        pieces = [content[at : at + step] for at in range(0, len(content), step)]
        for index in reversed(range(len(pieces))):
            upload.put_part(index, pieces[index], last=index == len(pieces) - 1)
        upload.complete()
    assert stranger.open_tree(sealed_files(inner), key) == contents


def test_a_stranger_reads_links_of_a_local_vault(tmp_path: Path, key_file: KeyFile, key: bytes) -> None:
    root = tmp_path / "root"
    vault = Crypt(Local(root), key_file)
    vault.make_symlink("dir/link", "../to/somewhere else")
    (folder,) = (path for path in root.iterdir() if path.is_dir())
    (link,) = folder.iterdir()
    master = stranger.master_key((root / ".skycap-crypt").read_bytes(), key)
    assert stranger.open_name(master, link.name) == "link"
    assert stranger.open_link(master, str(link.readlink())) == "../to/somewhere else"


def test_a_passphrase_vault_is_read_by_a_stranger(
    inner: Memory, passphrase: Callable[[str], Passphrase], sealed_files: Files
) -> None:
    Crypt(inner, passphrase("Málaga 🙂")).write("file", b"content")
    assert stranger.open_tree(sealed_files(inner), "Málaga 🙂".encode()) == {"file": b"content"}
