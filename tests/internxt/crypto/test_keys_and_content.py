"""Keys, content, hashes and codes are those of the official clients; any range opens to the same slice."""

from __future__ import annotations

import hashlib
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skycap.core.crypto.secret import Secret
from skycap.core.errors import ConfigInvalid, IntegrityError
from skycap.internxt.crypto.content import Content
from skycap.internxt.crypto.keys import Keys, bucket_key, file_key, new_index, require_mnemonic, seed
from skycap.internxt.crypto.mac import content_mac, is_genuine, mac_key
from skycap.internxt.crypto.shards import ShardHash
from tests.internxt.crypto import vectors as v

indexes = st.binary(min_size=32, max_size=32)
near_the_wrap = st.integers(1, 4).map(lambda n: (2**128 - n).to_bytes(16, "big") + bytes(16))


def words(entropy: bytes) -> Secret[str]:
    from mnemonic import Mnemonic

    return Secret(Mnemonic("english").to_mnemonic(entropy))


mnemonics = st.binary(min_size=32, max_size=32).map(words)
buckets = st.binary(min_size=12, max_size=12).map(bytes.hex)


@pytest.mark.parametrize("name", v.SEEDS)
def test_the_seed_of_a_mnemonic_is_that_of_bip_39(name: str) -> None:
    assert seed(v.MNEMONICS[name]).reveal().hex() == v.SEEDS[name]


@pytest.mark.parametrize(("name", "bucket"), v.BUCKET_KEYS)
def test_the_key_of_a_bucket_is_the_known_one(name: str, bucket: str) -> None:
    assert bucket_key(v.MNEMONICS[name], v.BUCKETS[bucket]).reveal().hex() == v.BUCKET_KEYS[name, bucket]


@pytest.mark.parametrize(("name", "bucket", "index"), v.FILE_KEYS)
def test_the_key_of_a_file_is_the_known_one(name: str, bucket: str, index: str) -> None:
    mnemonic, bucket_id, raw = v.MNEMONICS[name], v.BUCKETS[bucket], v.INDEXES[index]
    assert file_key(mnemonic, bucket_id, raw).reveal().hex() == v.FILE_KEYS[name, bucket, index]
    assert Keys(mnemonic, bucket_id).file(raw) == file_key(mnemonic, bucket_id, raw)
    assert Keys(mnemonic, bucket_id).bucket == bucket_key(mnemonic, bucket_id)


def content(index: str) -> Content:
    return Content(file_key(v.A, v.BUCKETS["b1"], v.INDEXES[index]), v.INDEXES[index])


@pytest.mark.parametrize("index", v.CIPHERTEXTS)
def test_content_is_encrypted_to_the_known_bytes_also_where_the_counter_wraps(index: str) -> None:
    found = content(index).at(0).update(v.PLAIN)
    assert found.hex() == v.CIPHERTEXTS[index]
    assert shard_hash(found) == v.SHARD_HASHES[index]
    assert content(index).at(0).update(found) == v.PLAIN


def test_a_mebibyte_of_zeros_is_encrypted_to_the_known_bytes() -> None:
    found = content("I1").at(0).update(bytes(1 << 20))
    assert found[:32].hex() == "982755e3e0f4649c4a64f60bf78b8faa3e11b6e5ac42b878eaa4645ca52c21b9"
    assert found[-16:].hex() == "c588cd9a24c46ad5ebff97bc44af9de8"
    assert hashlib.sha256(found).hexdigest() == (
        "06dbc1069d2e2b5e7bd7fd8301750f0b98f39c1d2b1455d64dcabf0a44ff6db1"
    )
    assert shard_hash(found) == "da27c5aa3666391be77a9bf9792fd353b00c6b9c"


@pytest.mark.parametrize("offset", [16, 21, 50])
def test_a_known_ciphertext_opens_from_any_offset(offset: int) -> None:
    ciphertext = bytes.fromhex(v.CIPHERTEXTS["I1"])
    assert content("I1").at(offset).update(ciphertext[offset:]) == v.PLAIN[offset:]


@given(mnemonics, buckets, indexes | near_the_wrap, st.binary(max_size=300), st.data())
@settings(max_examples=60)
def test_any_range_of_any_content_opens_to_the_slice_of_it(
    mnemonic: Secret[str], bucket: str, index: bytes, plain: bytes, data: st.DataObject
) -> None:
    key = Keys(mnemonic, bucket).file(index)
    ciphertext = Content(key, index).at(0).update(plain)
    assert len(ciphertext) == len(plain)
    begin = data.draw(st.integers(0, len(plain)))
    end = data.draw(st.integers(begin, len(plain)))
    assert Content(key, index).at(begin).update(ciphertext[begin:end]) == plain[begin:end]


@given(near_the_wrap, st.integers(0, 80), st.integers(0, 2**64))
def test_the_counter_carries_through_all_its_bits(index: bytes, within: int, far: int) -> None:
    whole = Content(Secret(bytes(32)), index).at(0).update(bytes(160))
    assert Content(Secret(bytes(32)), index).at(within).update(bytes(80)) == whole[within : within + 80]
    counter = (int.from_bytes(index[:16], "big") + far) % 2**128
    beyond = Content(Secret(bytes(32)), counter.to_bytes(16, "big")).at(0).update(bytes(20))
    assert Content(Secret(bytes(32)), index).at(16 * far).update(bytes(20)) == beyond


@given(st.lists(st.binary(max_size=70), max_size=8), st.sampled_from([15, 16, 17, 48]))
def test_parts_of_a_key_stream_join_to_the_whole_one(pieces: list[bytes], part: int) -> None:
    plain = b"".join(pieces)
    one = content("I2").at(0)
    assert b"".join(one.update(piece) for piece in pieces) == content("I2").at(0).update(plain)
    parts = [content("I2").at(at).update(plain[at : at + part]) for at in range(0, len(plain), part)]
    assert b"".join(parts) == content("I2").at(0).update(plain)


def shard_hash(data: bytes) -> str:
    found = ShardHash()
    found.update(data)
    return found.hexdigest()


def test_shard_hashes_are_the_known_ones() -> None:
    assert ShardHash().hexdigest() == "b472a266d0bd89c13706a4132ccfb16f7c3b9fcb"
    assert shard_hash(b"abc") == "bb1be98c142444d7a56aa3981c3942a978e4dc33"


@given(st.lists(st.binary(max_size=40), max_size=6))
def test_a_shard_hash_does_not_depend_on_the_pieces_and_can_be_asked_on_the_way(pieces: list[bytes]) -> None:
    found = ShardHash()
    for piece in pieces:
        found.update(memoryview(piece))
        twin = found.copy()
        assert twin.hexdigest() == found.hexdigest()
        twin.update(b"more")
        assert twin.digest() != found.digest()
    assert found.hexdigest() == shard_hash(b"".join(pieces))


def test_the_code_of_an_object_is_the_known_one() -> None:
    key = file_key(v.A, v.BUCKETS["b1"], v.I1)
    assert mac_key(key).reveal().hex() == v.MAC_KEY
    assert content_mac(key, [v.SHARD_HASHES["I1"]]) == v.MAC
    assert is_genuine(key, [v.SHARD_HASHES["I1"]], v.MAC.upper())
    assert not is_genuine(key, [v.SHARD_HASHES["I2"]], v.MAC)
    assert not is_genuine(key, [v.SHARD_HASHES["I1"]], "")


def test_indexes_are_new_each_time() -> None:
    assert len({new_index() for _ in range(50)}) == 50
    assert {len(new_index()) for _ in range(5)} == {32}


def test_a_mnemonic_counts_in_any_unicode_form() -> None:
    spanish = "ábaco " * 24
    forms = {unicodedata.normalize(form, spanish) for form in ("NFC", "NFD")}
    assert len(forms) == 2
    assert len({seed(Secret(one)).reveal() for one in forms}) == 1


@pytest.mark.parametrize("bucket", ["", "6610a1b2c3d4e5f60718293", "6610a1b2c3d4e5f60718293a00", "x" * 24])
def test_what_is_no_bucket_makes_no_key(bucket: str) -> None:
    with pytest.raises(ConfigInvalid, match="24 hexadecimal digits"):
        bucket_key(v.A, bucket)


@pytest.mark.parametrize("size", [0, 16, 31, 33])
def test_an_index_of_another_size_makes_no_key(size: int) -> None:
    with pytest.raises(IntegrityError, match="32 bytes"):
        Keys(v.A, v.BUCKETS["b0"]).file(bytes(size))


@given(mnemonics)
@settings(max_examples=10)
def test_a_true_mnemonic_passes(mnemonic: Secret[str]) -> None:
    assert require_mnemonic(mnemonic) is mnemonic


@pytest.mark.parametrize(
    "words",
    ["", "abandon " * 24, "abandon " * 11 + "about", "abandon " * 22 + "banana art", v.A.reveal().upper()],
)
def test_a_wrong_word_or_a_short_phrase_is_refused_and_not_quoted(words: str) -> None:
    with pytest.raises(IntegrityError, match="recovery phrase") as caught:
        require_mnemonic(Secret(words), where="me@example.com")
    assert "abandon" not in f"{caught.value}{caught.value.hint}"
