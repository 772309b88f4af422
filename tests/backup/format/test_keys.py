"""Key files, recovery keys, config: what opens, what does not, and what is said about it."""

from __future__ import annotations

import copy
import hashlib
import json
import pickle
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skycap.backup.format import canonical, limits, suites
from skycap.backup.format.config import Header, Settings, open_config, read_header, seal_config
from skycap.backup.format.keyfiles import RecoveryKey, make_key_file, open_key_file, read_key_file
from skycap.backup.format.keys import Keys, new_master
from skycap.backup.format.recovery import print_recovery_key, read_recovery_key
from skycap.backup.format.suites import Suite, fastest_suite
from skycap.core.crypto.kdf import Argon2Parameters
from skycap.core.crypto.secret import Secret
from skycap.core.errors import ConfigInvalid, Damaged, Error, FormatUnsupported, NoKey, TamperDetected
from tests.backup.format.conftest import MASTER, NOW, REPOSITORY

CHEAP = Argon2Parameters(memory_kib=7 * 1024, iterations=5, lanes=1)
WORDS = Secret("correct horse")


def key_file(opens_with: Secret[str] | RecoveryKey = WORDS, **more: Any) -> tuple[bytes, bytes]:
    return make_key_file(
        Secret(MASTER), REPOSITORY, opens_with, created=NOW, label="laptop", parameters=CHEAP, **more
    )


def test_a_passphrase_and_a_recovery_key_open_the_same_master() -> None:
    recovery = RecoveryKey.new()
    for opens_with, wrong in ((WORDS, Secret("Correct horse")), (recovery, RecoveryKey.new())):
        name, data = key_file(opens_with)
        one = read_key_file(data, name=name)
        assert (one.name, one.label, one.created) == (name, "laptop", NOW)
        assert open_key_file(one, opens_with, repository_id=REPOSITORY).reveal() == MASTER
        with pytest.raises(NoKey) as caught:
            open_key_file(one, wrong)
        assert caught.value.exit_status == 25
        assert caught.value.hint
    with pytest.raises(NoKey):
        open_key_file(one, WORDS)


def test_a_key_file_of_another_repository_is_refused() -> None:
    with pytest.raises(TamperDetected):
        open_key_file(read_key_file(key_file()[1]), WORDS, repository_id=b"repository two..")


def test_every_bit_of_a_key_file_is_noticed_before_the_passphrase_is_asked() -> None:
    name, data = key_file(RecoveryKey.new())
    changed = bytearray(data)
    for at in range(len(data)):
        for bit in range(8):
            changed[at] ^= 1 << bit
            with pytest.raises(Damaged):
                read_key_file(bytes(changed), name=name)
            changed[at] ^= 1 << bit
    with pytest.raises(Damaged):
        read_key_file(data, name=bytes(16))
    with pytest.raises(Damaged):
        read_key_file(data + bytes(limits.KEY_FILE))


def altered(data: bytes, change: dict[str, Any]) -> bytes:
    """A key file that somebody changed who knows the format: the digest is right again."""
    members = json.loads(data)
    del members["digest"]
    members.update(change)
    digest = hashlib.sha256(canonical.dumps(members)).hexdigest()
    return canonical.dumps({**members, "digest": digest})


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"label": "other"}, TamperDetected),
        ({"created": NOW.replace("2026", "2027")}, TamperDetected),
        ({"repository": "00" * 16}, TamperDetected),
        ({"nonce": "00" * 12}, TamperDetected),
        ({"wrapped": "00" * 48}, TamperDetected),
        ({"more": 1}, TamperDetected),
        ({"commit": "00" * 32}, NoKey),
        ({"version": 2}, FormatUnsupported),
        ({"version": -1}, Damaged),
        ({"magic": "other"}, Damaged),
        ({"kind": "other"}, Damaged),
        ({"kind": "recovery"}, Damaged),
        ({"created": "today"}, Damaged),
        ({"nonce": "AB" * 12}, Damaged),
        ({"wrapped": "00" * 47}, Damaged),
        ({"kdf": {"name": "argon2id"}}, Damaged),
        ({"kdf": "argon2id"}, Damaged),
    ],
    ids=repr,
)
def test_a_key_file_that_somebody_changed_does_not_open(change: dict[str, Any], error: type[Error]) -> None:
    with pytest.raises(error):
        open_key_file(read_key_file(altered(key_file()[1], change)), WORDS)


@pytest.mark.parametrize(
    "change",
    [
        {"memory_kib": 1024},
        {"iterations": 1},
        {"memory_kib": 2**40},
        {"iterations": 65},
        {"lanes": 17},
        {"lanes": 0},
        {"salt": "00" * 32},
    ],
    ids=repr,
)
def test_parameters_out_of_bounds_are_refused_before_they_cost_anything(change: dict[str, Any]) -> None:
    data = key_file()[1]
    kdf = {**json.loads(data)["kdf"], **change}
    with pytest.raises(NoKey if "salt" in change else ConfigInvalid):
        open_key_file(read_key_file(altered(data, {"kdf": kdf})), WORDS)


def test_what_would_protect_nothing_is_not_made() -> None:
    with pytest.raises(ConfigInvalid):
        key_file(Secret(""))
    with pytest.raises(ConfigInvalid):
        make_key_file(
            Secret(MASTER),
            REPOSITORY,
            WORDS,
            created=NOW,
            parameters=Argon2Parameters(memory_kib=64, iterations=1),
        )


@given(raw=st.binary(min_size=32, max_size=32), place=st.integers(0, 55), shift=st.integers(1, 31))
def test_a_recovery_key_survives_paper_and_a_slip_is_noticed(raw: bytes, place: int, shift: int) -> None:
    text = print_recovery_key(RecoveryKey(Secret(raw))).reveal()
    assert len(text.split("-")) == 14
    for typed in (text, text.lower(), text.replace("-", " "), text.replace("0", "o").replace("1", "l")):
        assert read_recovery_key(Secret(typed)).secret.reveal() == raw
    alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
    plain = text.replace("-", "")
    other = alphabet[(alphabet.index(plain[place]) + shift) % 32]
    with pytest.raises(NoKey):
        read_recovery_key(Secret(plain[:place] + other + plain[place + 1 :]))


def test_a_recovery_key_with_a_wrong_character_says_where() -> None:
    text = print_recovery_key(RecoveryKey.new()).reveal()
    with pytest.raises(NoKey, match="group 2, place 1"):
        read_recovery_key(Secret(text[:5] + "U" + text[6:]))
    with pytest.raises(NoKey, match="55"):
        read_recovery_key(Secret(text[:-1]))


def config(**changes: Any) -> bytes:
    settings = changes.pop("settings", Settings())
    header = replace(Header(REPOSITORY, Suite.AES_256_GCM, NOW), **changes)
    return seal_config(Keys(MASTER, REPOSITORY, header.suite), header, settings)


def test_a_config_holds_its_settings() -> None:
    settings = Settings(
        chunker={"kind": "fixed", "size": 4096},
        compression={"codec": "off"},
        pack_size=64 * limits.MIB,
        chunker_secret=Secret(b"s" * 32),
        more={"later": [1, "two"]},
    )
    header = read_header(config(settings=settings, more={"note": "kept"}))
    keys, again = open_config(Secret(MASTER), header)
    assert again == settings
    assert header.more == {"note": "kept"}
    assert keys.chunker_seed != Keys(MASTER, REPOSITORY, Suite.AES_256_GCM).chunker_seed
    assert keys.chunker_seed == Keys(b"s" * 32, REPOSITORY, Suite.AES_256_GCM).chunker_seed


def test_no_clear_member_of_a_config_can_be_changed() -> None:
    members = json.loads(config())
    changes: dict[str, Any] = {
        "format": 0,
        "min_reader": 0,
        "min_writer": 0,
        "features": {"prune": [], "read": [], "write": ["x"]},
        "id": "00" * 16,
        "suite": 2,
        "created": NOW.replace("2026", "2020"),
        "extra": 1,
    }
    for name, value in changes.items():
        header = read_header(canonical.dumps({**members, name: value}))
        with pytest.raises(TamperDetected):
            open_config(MASTER, header)
    with pytest.raises(TamperDetected):
        open_config(bytes(32), read_header(config()))


@pytest.mark.parametrize(
    "change",
    [
        {"magic": "other"},
        {"format": "1"},
        {"min_reader": True},
        {"features": {}},
        {"features": {"prune": [], "read": [1], "write": []}},
        {"id": "00"},
        {"suite": 3},
        {"suite": True},
        {"created": 5},
        {"sealed": "?"},
        {"sealed": "QQ=" + "="},
        {"sealed": "QR=="},
        {"sealed": None},
    ],
    ids=repr,
)
def test_what_is_no_config_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises((Damaged, TamperDetected)):
        open_config(MASTER, read_header(canonical.dumps({**json.loads(config()), **change})))


@pytest.mark.parametrize(
    "settings",
    [
        Settings(chunker={"kind": "fixed", "size": 0}),
        Settings(chunker={"kind": "fixed", "size": 17 * limits.MIB}),
        Settings(chunker={"kind": "other"}),
        Settings(chunker={"kind": "fastcdc", "min": 1}),
        Settings(compression={"codec": "lzma"}),
        Settings(pack_size=1),
        Settings(more={"chunker_secret": "short"}),
    ],
    ids=repr,
)
def test_settings_that_cannot_be_are_refused(settings: Settings) -> None:
    with pytest.raises(Damaged):
        open_config(MASTER, read_header(config(settings=settings)))


def test_a_config_is_never_large() -> None:
    with pytest.raises(Damaged):
        read_header(bytes(limits.CONFIG + 1))


def test_a_newer_repository_is_refused_for_what_it_is_too_new_for() -> None:
    with pytest.raises(FormatUnsupported):
        read_header(config(min_reader=2))
    header = read_header(config(min_writer=2))
    header.require("read")
    for operation in ("write", "prune"):
        with pytest.raises(FormatUnsupported):
            header.require(operation)  # type: ignore[arg-type] # one of them


def test_a_feature_stops_only_what_needs_it() -> None:
    features = {"read": ["packs-2"], "write": ["chains"], "prune": ["locks"]}
    header = read_header(config(features=features))
    everything = frozenset({"packs-2", "chains", "locks"})
    for operation in ("read", "write", "prune"):
        header.require(operation, everything)  # type: ignore[arg-type] # one of them
    header.require("read", frozenset({"packs-2"}))
    header.require("write", frozenset({"packs-2", "chains"}))
    for operation, known in (("read", set()), ("write", {"packs-2"}), ("prune", {"packs-2", "chains"})):
        with pytest.raises(FormatUnsupported, match=r"packs-2|chains|locks") as caught:
            header.require(operation, frozenset(known))  # type: ignore[arg-type] # one of them
        assert caught.value.exit_status == 26


def test_keys_do_not_show_themselves() -> None:
    keys = Keys(Secret(MASTER), REPOSITORY, Suite.AES_256_GCM)
    assert MASTER.hex()[:16] not in repr(keys)
    with pytest.raises(TypeError):
        pickle.dumps(keys)
    with pytest.raises(TypeError):
        copy.copy(keys)
    assert len(new_master().reveal()) == 32
    assert "Secret" in repr(keys.mac_key)
    for master, repository_id in ((b"short", REPOSITORY), (MASTER, b"short")):
        with pytest.raises(ConfigInvalid):
            Keys(master, repository_id, Suite.AES_256_GCM)


@pytest.mark.parametrize(
    ("cpuinfo", "suite"),
    [
        ("processor : 0\nflags\t\t: fpu sse2 aes avx\n", Suite.AES_256_GCM),
        ("processor : 0\nFeatures\t: fp asimd aes pmull\n", Suite.AES_256_GCM),
        ("processor : 0\nmodel name : has aes in its name\nflags : fpu sse2\n", Suite.CHACHA20_POLY1305),
    ],
)
def test_the_suite_goes_by_the_processor(tmp_path: Path, cpuinfo: str, suite: Suite) -> None:
    if not sys.platform.startswith("linux"):
        pytest.skip("/proc")
    (tmp_path / "cpuinfo").write_text(cpuinfo)
    assert fastest_suite(str(tmp_path / "cpuinfo")) is suite


@pytest.mark.parametrize(("machine", "suite"), [("AMD64", 1), ("arm64", 1), ("riscv64", 2)])
def test_where_nothing_tells_the_kind_of_machine_decides(
    monkeypatch: pytest.MonkeyPatch, machine: str, suite: int
) -> None:
    monkeypatch.setattr(suites.platform, "machine", lambda: machine)
    assert fastest_suite("/nowhere") == suite
