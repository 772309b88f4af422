"""Parts of a sealed file: any order, another process, never other bytes under one header."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skycap.core.errors import Conflict, NotFound, UploadFailed
from skycap.core.storage import IF_ABSENT, Upload
from skycap.core.storage.memory import Memory
from skycap.core.storage.overlays.crypt import Crypt
from skycap.core.storage.overlays.crypt.credentials import KeyFile
from skycap.core.storage.patches import apply

SEGMENT = 1024 * 1024
PART = SEGMENT - 16
CONTENT = random.Random(3).randbytes(4 * PART + 100)


def content(storage: Crypt, path: str) -> bytes:
    with storage.read(path) as reader:
        return reader.read()


def put(upload: Upload, plain: bytes, *indexes: int) -> None:
    count = max(-(-len(plain) // upload.part_size), 1)
    for index in indexes:
        piece = plain[index * upload.part_size : (index + 1) * upload.part_size]
        upload.put_part(index, piece, last=index == count - 1)


def saved(upload: Upload) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(json.dumps(dict(upload.state)))
    return found


@pytest.fixture
def again(inner: Memory, key_file: KeyFile) -> Crypt:
    """The same vault in another process."""
    return Crypt(inner, key_file)


@given(order=st.permutations(range(5)), stops=st.sets(st.integers(0, 4)))
@settings(deadline=None, max_examples=25)
def test_parts_come_in_any_order_with_any_interruptions(
    tmp_path_factory: pytest.TempPathFactory, order: list[int], stops: set[int]
) -> None:
    key = tmp_path_factory.getbasetemp() / "upload.key"
    key.write_bytes(bytes(32))
    inner = Memory()
    upload = Crypt(inner, KeyFile(str(key))).begin_upload("file", size=len(CONTENT))
    for turn, index in enumerate(order):
        put(upload, CONTENT, index)
        if turn in stops:
            upload = Crypt(inner, KeyFile(str(key))).resume_upload(saved(upload))
    put(upload, CONTENT, *(index for index in range(5) if index not in upload.done))
    assert dict(upload.done) == {0: PART, 1: PART, 2: PART, 3: PART, 4: 100}
    upload.complete()
    assert content(Crypt(inner, KeyFile(str(key))), "file") == CONTENT


@pytest.mark.parametrize("rest", [0, 1, 39, 40, 41, PART - 41, PART - 40, PART - 39, PART - 1])
@pytest.mark.parametrize("parts", [0, 1, 2])
@pytest.mark.parametrize("knows_size", [True, False])
def test_every_end_is_sealed_right(vault: Crypt, parts: int, rest: int, knows_size: bool) -> None:
    plain = CONTENT[: parts * PART + rest]
    upload = vault.begin_upload("file", size=len(plain) if knows_size else None)
    put(upload, plain, *range(max(-(-len(plain) // PART), 1)))
    assert upload.complete().size == len(plain)
    assert content(vault, "file") == plain


@pytest.mark.parametrize("parts", [1, 2])
@pytest.mark.parametrize("says", ["nothing", "an empty last part"])
def test_whole_parts_may_end_without_a_last_one(vault: Crypt, parts: int, says: str) -> None:
    upload = vault.begin_upload("file")
    for index in range(parts):
        upload.put_part(index, CONTENT[index * PART : (index + 1) * PART])
    if says != "nothing":
        upload.put_part(parts, b"", last=True)
    assert upload.complete().size == parts * PART
    assert content(vault, "file") == CONTENT[: parts * PART]


def test_parts_of_many_segments(inner: Memory, key_file: KeyFile) -> None:
    inner.facts = replace(inner.facts, part_size=3 * SEGMENT)
    vault = Crypt(inner, key_file)
    assert vault.facts.part_size == 3 * PART
    upload = vault.begin_upload("file", size=len(CONTENT))
    put(upload, CONTENT, 1, 0)
    upload.complete()
    assert content(vault, "file") == CONTENT


def test_other_bytes_are_refused_even_where_the_store_has_none(vault: Crypt, again: Crypt) -> None:
    upload = vault.begin_upload("file")
    upload.put_part(1, CONTENT[:PART])  # waits for part 0: nothing was sent
    state = saved(upload)
    assert dict(upload.done) == {}
    with pytest.raises(Conflict):
        upload.put_part(1, CONTENT[1 : PART + 1])
    resumed = again.resume_upload(state)
    with pytest.raises(Conflict):
        resumed.put_part(1, CONTENT[1 : PART + 1])
    with pytest.raises(Conflict):
        resumed.put_part(1, CONTENT[:PART], last=True)


def test_a_part_that_failed_is_sealed_again_the_same(inner: Memory, vault: Crypt) -> None:
    class Broken(Exception):
        pass

    sent: list[bytes] = []
    upload = vault.begin_upload("file", size=2 * PART)
    below: Any = upload._inner  # type: ignore[attr-defined]
    real = below.put_part

    def failing(index: int, data: memoryview, **arguments: Any) -> None:
        sent.append(bytes(data))
        if len(sent) == 1:
            raise Broken
        real(index, data, **arguments)

    below.put_part = failing
    with pytest.raises(Broken):
        put(upload, CONTENT[: 2 * PART], 0)
    assert dict(upload.done) == {}
    put(upload, CONTENT[: 2 * PART], 0, 1)
    assert sent[0] == sent[1]
    upload.complete()
    assert content(vault, "file") == CONTENT[: 2 * PART]


def test_parts_that_the_store_lost_are_sent_again(inner: Memory, vault: Crypt, again: Crypt) -> None:
    upload = vault.begin_upload("file", size=len(CONTENT))
    put(upload, CONTENT, 0, 1, 2)
    state = saved(upload)
    (pending,) = inner._space.uploads.values()
    del pending.parts[2]
    resumed = again.resume_upload(state)
    assert 2 not in resumed.done
    put(resumed, CONTENT, *(index for index in range(5) if index not in resumed.done))
    resumed.complete()
    assert content(again, "file") == CONTENT


def test_an_older_state_is_enough(vault: Crypt, again: Crypt) -> None:
    upload = vault.begin_upload("file", size=len(CONTENT))
    put(upload, CONTENT, 0)
    state = saved(upload)
    put(upload, CONTENT, 1, 2)  # the process dies before it has saved its state
    resumed = again.resume_upload(state)
    put(resumed, CONTENT, *(index for index in range(5) if index not in resumed.done))
    resumed.complete()
    assert content(again, "file") == CONTENT


def test_a_state_of_another_vault_is_not_taken(vault: Crypt, key_file: KeyFile) -> None:
    vault.write("first", b"x")
    state = saved(vault.begin_upload("file"))
    with pytest.raises(NotFound):
        Crypt(Memory(), key_file).resume_upload(state)
    with pytest.raises(NotFound):
        vault.resume_upload({})


@given(order=st.permutations(range(5)), stops=st.sets(st.integers(0, 4)))
@settings(deadline=None, max_examples=25)
def test_what_parts_tell_makes_the_state_in_any_order(
    tmp_path_factory: pytest.TempPathFactory, order: list[int], stops: set[int]
) -> None:
    key = tmp_path_factory.getbasetemp() / "told.key"
    key.write_bytes(bytes(32))
    inner = Memory()
    upload = Crypt(inner, KeyFile(str(key))).begin_upload("file", size=len(CONTENT))
    state = saved(upload)
    for turn, index in enumerate(order):
        put(upload, CONTENT, index)
        patch = upload.part_state(index)
        assert patch is not None
        apply(state, json.loads(json.dumps(patch)))
        assert state == saved(upload)
        if turn in stops:
            upload = Crypt(inner, KeyFile(str(key))).resume_upload(state)
            state = saved(upload)


def test_what_a_part_tells_does_not_grow_with_their_number(vault: Crypt) -> None:
    upload = vault.begin_upload("file")
    told = []
    for index in range(12):
        upload.put_part(index, CONTENT[:PART])
        told.append(len(json.dumps(upload.part_state(index))))
    assert max(told) < min(told) + 200
    upload.abort()


def test_a_part_has_its_size(vault: Crypt) -> None:
    upload = vault.begin_upload("file")
    for piece, last in (
        (CONTENT[: PART - 1], False),
        (CONTENT[: PART + 1], False),
        (CONTENT[: PART + 1], True),
    ):
        with pytest.raises(UploadFailed):
            upload.put_part(0, piece, last=last)


def test_the_state_holds_nothing_in_plain(vault: Crypt) -> None:
    upload = vault.begin_upload("file")
    plain = b"tell nobody of it! " * (PART // 19 + 1)
    upload.put_part(0, plain[:PART])
    text = json.dumps(dict(upload.state))
    for piece in (plain[PART - 40 : PART], b"tell nobody"):
        assert piece.hex() not in text
        assert piece.decode() not in text


def test_what_was_sealed_as_the_end_stays_the_end(vault: Crypt) -> None:
    vault.write("file", b"in the way")
    upload = vault.begin_upload("file")
    upload.put_part(0, CONTENT[:PART])
    with pytest.raises(Conflict):
        upload.complete(IF_ABSENT)
    with pytest.raises(Conflict):
        upload.put_part(1, b"other bytes under the same nonce", last=True)
    upload.complete()
    assert content(vault, "file") == CONTENT[:PART]


def test_a_changed_state_is_not_taken(vault: Crypt, again: Crypt) -> None:
    upload = vault.begin_upload("file")
    upload.put_part(0, CONTENT[:PART])
    state = saved(upload)
    state["tails"]["0"] = "00" * 56
    with pytest.raises(NotFound):
        again.resume_upload(state)
