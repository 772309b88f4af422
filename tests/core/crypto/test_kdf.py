from __future__ import annotations

import subprocess
import sys
from typing import Any, Literal

import pytest

from skycap.core.crypto.kdf import Argon2Parameters, argon2id, hkdf
from skycap.core.crypto.secret import Secret
from skycap.core.errors import ConfigInvalid


def test_argon2id_gives_the_tag_of_rfc_9106() -> None:
    derived = argon2id(
        b"\x01" * 32,
        b"\x02" * 16,
        parameters=Argon2Parameters(memory_kib=32, iterations=3, lanes=4),
        secret=b"\x03" * 8,
        associated_data=b"\x04" * 12,
    )
    assert derived.reveal().hex() == "0d640df58d78766c08c037a34a8b53c9d01ef0452d75b65eb52520e96b01e659"


def test_the_default_is_the_second_choice_of_rfc_9106() -> None:
    default = Argon2Parameters()
    default.require_strength()
    assert (default.memory_kib, default.iterations, default.lanes) == (65536, 3, 4)


def test_a_passphrase_may_be_text_bytes_or_secret() -> None:
    small = Argon2Parameters(memory_kib=64, iterations=1, lanes=1)
    keys = [
        argon2id(word, b"saltsalt", parameters=small)
        for word in ("grün", "grün".encode(), Secret("grün"), Secret("grün".encode()))
    ]
    assert all(key == keys[0] for key in keys)
    assert keys[0] != argon2id("grun", b"saltsalt", parameters=small)


@pytest.mark.parametrize(
    "hostile",
    [
        {"memory_kib": 2**40},
        {"memory_kib": 4 * 1024 * 1024 + 1},
        {"memory_kib": 31},
        {"memory_kib": -1},
        {"memory_kib": 65536.5},
        {"memory_kib": "65536"},
        {"iterations": 0},
        {"iterations": 65},
        {"iterations": True},
        {"lanes": 0},
        {"lanes": 17},
    ],
    ids=str,
)
def test_hostile_parameters_are_refused_before_any_work(hostile: dict[str, Any]) -> None:
    with pytest.raises(ConfigInvalid, match="Argon2id"):
        Argon2Parameters(**hostile)


@pytest.mark.parametrize(
    ("memory_kib", "iterations", "strong"),
    [(7168, 5, True), (7168, 4, False), (19456, 2, True), (6144, 64, False)],
)
def test_cheap_parameters_are_noticed(memory_kib: int, iterations: int, strong: bool) -> None:
    parameters = Argon2Parameters(memory_kib, iterations, 1)
    if strong:
        parameters.require_strength()
    else:
        with pytest.raises(ConfigInvalid, match="cheap"):
            parameters.require_strength()


@pytest.mark.skipif(sys.platform != "linux", reason="limits memory the Linux way")
def test_memory_that_cannot_be_had_is_an_error_that_says_so() -> None:
    script = (
        "import resource\n"
        "from skycap.core.crypto.kdf import Argon2Parameters, argon2id\n"
        "from skycap.core.errors import Unsupported\n"
        "resource.setrlimit(resource.RLIMIT_AS, (2**30, 2**30))\n"
        "try:\n"
        "    argon2id('word', b'saltsalt', parameters=Argon2Parameters(4 * 1024 * 1024, 1, 1))\n"
        "except Unsupported as error:\n"
        "    print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert "4096 MiB" in done.stdout


def test_a_short_salt_is_refused() -> None:
    with pytest.raises(ConfigInvalid, match="salt"):
        argon2id("word", b"1234567")


HASHES: tuple[Literal["sha256"], Literal["sha512"]] = ("sha256", "sha512")

# RFC 5869, appendix A.1 to A.3: input key, salt, info, output.
HKDF = [
    (
        b"\x0b" * 22,
        bytes(range(13)),
        bytes(range(0xF0, 0xFA)),
        "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865",
    ),
    (
        bytes(range(80)),
        bytes(range(0x60, 0xB0)),
        bytes(range(0xB0, 0x100)),
        "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c59045a99cac7827271cb41c65e590e09"
        "da3275600c2f09b8367793a9aca3db71cc30c58179ec3e87c14c01d5c1f3434f1d87",
    ),
    (
        b"\x0b" * 22,
        b"",
        b"",
        "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8",
    ),
]


@pytest.mark.parametrize(("key", "salt", "info", "expected"), HKDF, ids=["A.1", "A.2", "A.3"])
def test_hkdf_gives_the_keys_of_rfc_5869(key: bytes, salt: bytes, info: bytes, expected: str) -> None:
    derived = hkdf(Secret(key), salt=salt, info=info, length=len(expected) // 2)
    assert derived.reveal().hex() == expected


def test_hkdf_knows_sha512_and_keeps_purposes_apart() -> None:
    keys = {
        hkdf(b"k" * 32, info=info, hash_name=name).reveal()
        for info in (b"names", b"content")
        for name in HASHES
    }
    assert len(keys) == 4
