"""An overlay lets through what it names, and nothing else."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from skycap.core.errors import Unsupported
from skycap.core.location import Location
from skycap.core.storage import FULL, IF_ABSENT, Capability, Entry, Storage, backend, if_version
from skycap.core.storage.local import Local
from skycap.core.storage.memory import Memory
from skycap.core.storage.overlays import Bandwidth, Hashed, Limited, Overlay, Retrying, Transparent
from skycap.core.storage.overlays.crypt import Crypt
from skycap.core.storage.overlays.crypt.credentials import KeyFile
from skycap.core.storage.overlays.overlay import EVERYTHING


class Narrow(Transparent):
    passes = FULL | {Capability.WRITE_IF_ABSENT}
    offers = frozenset({Capability.COPY})


def test_everything_there_is_was_thought_about() -> None:
    assert frozenset(Capability) == EVERYTHING


def test_what_is_not_named_does_not_leak_through() -> None:
    narrow = Narrow(Memory())
    narrow.write("a", b"x")
    assert narrow.capabilities == FULL | {Capability.WRITE_IF_ABSENT, Capability.COPY}
    for call in (
        lambda: narrow.rename("a", "b"),
        lambda: narrow.begin_upload("a"),
        lambda: narrow.resume_upload({}),
        lambda: narrow.read_file("a", "/x"),
        lambda: narrow.local_path("a"),
        lambda: narrow.bulk_write(),
        lambda: narrow.scan_all(""),
        lambda: narrow.remove_many(["a"]),
        lambda: narrow.remove_tree("a"),
        lambda: narrow.set_metadata("a", narrow.stat("a").metadata),  # type: ignore[arg-type]
        lambda: narrow.make_symlink("a", "b"),
        lambda: narrow.versions(),
        lambda: narrow.trash(),
        lambda: narrow.shares(),
        lambda: narrow.quota(),
        lambda: narrow.search("a"),
        lambda: narrow.lock_object("a", 1),
        lambda: narrow.changes(),
        lambda: narrow.cleanup(older_than_s=1),
        lambda: narrow.read("a", version="1"),
    ):
        with pytest.raises(Unsupported):
            call()


def test_a_condition_is_let_through_by_its_own_name() -> None:
    narrow = Narrow(Memory())
    narrow.write("a", b"x", condition=IF_ABSENT)
    with pytest.raises(Unsupported):
        narrow.write("a", b"x", condition=if_version("1"))
    with pytest.raises(Unsupported):
        narrow.remove("a", condition=if_version("1"))


def test_what_an_overlay_offers_and_forgot_to_do_raises() -> None:
    narrow = Narrow(Memory())
    narrow.write("a", b"x")
    with pytest.raises(Unsupported):
        narrow.copy("a", "b")


def test_what_the_inner_storage_cannot_do_is_not_declared() -> None:
    poor = Memory(capabilities={Capability.READ})
    assert Retrying(poor).capabilities == {Capability.READ}
    assert Narrow(poor).capabilities == {Capability.READ}


def test_facts_and_identity_are_not_taken_over_by_accident() -> None:
    bare = Overlay(Memory())
    with pytest.raises(NotImplementedError):
        assert bare.facts
    with pytest.raises(NotImplementedError):
        assert bare.identity
    inner = Memory()
    assert (Retrying(inner).identity, Retrying(inner).facts) == (inner.identity, inner.facts)


def test_each_overlay_lets_through_what_it_says() -> None:
    inner = Memory(capabilities=frozenset(Capability))
    in_bulk = {Capability.BULK_READ, Capability.BULK_WRITE}
    around_python = {Capability.LOCAL_PATH, Capability.READ_FILE} | in_bulk
    assert Retrying(inner).capabilities == inner.capabilities
    assert Limited(inner, connections=3).capabilities == inner.capabilities
    assert Limited(inner, up=Bandwidth(1)).capabilities == inner.capabilities - around_python
    assert Limited(inner, down=Bandwidth(1)).capabilities == inner.capabilities - around_python
    assert Hashed(inner).capabilities == inner.capabilities - {Capability.LOCAL_PATH} - in_bulk
    assert Hashed(inner, ()).capabilities == inner.capabilities


def test_closing_the_outer_closes_the_inner() -> None:
    closed: list[str] = []

    class Watched(Memory):
        def close(self) -> None:
            closed.append("inner")

    with Hashed(Retrying(Limited(Watched()))):
        assert not closed
    assert closed == ["inner"]


def test_a_stack_shows_itself() -> None:
    assert repr(Retrying(Limited(Memory("shown")))) == "Retrying(Limited(Memory('shown')))"


def test_a_backend_is_found_behind_retries_and_limits_and_not_behind_encryption() -> None:
    memory = Memory()
    for seen in (memory, Retrying(memory), Retrying(Limited(memory, connections=2))):
        assert backend(seen, Memory) is memory
        assert backend(seen, Local) is None
    vault = Crypt(Retrying(memory), KeyFile(bytes(32)))
    assert backend(vault, Memory) is None
    assert backend(Retrying(vault), Crypt) is vault


class _Box(Memory):
    account = "one"

    def copy_within_account(self, source: Storage, ours: str, theirs: str) -> Entry:
        with source.read(ours) as reader:
            return self.write(theirs, reader.read())


def test_the_strategy_of_the_docs_moves_between_two_places_of_one_account() -> None:
    page = (Path(__file__).parents[3] / "docs/plugins/storage.md").read_text(encoding="utf-8")
    section = page.partition("## Moving files in its own way")[2]
    code = re.search(r"```python\n(.*?)```", section, re.DOTALL)
    assert code is not None
    names: dict[str, Any] = {"Box": _Box}
    exec(compile(code[1].replace("from skycap_box import Box", ""), "storage.md", "exec"), names)
    ours, theirs, other = _Box(), _Box(), _Box()
    other.account = "two"
    ours.write("a/f", b"12345")
    source, entry = Location(Retrying(ours), "a"), Entry("f", size=5)
    ask = names["transfer_strategy"]
    assert ask(source, Location(Retrying(theirs), "b"), entry)().path == "b/f"
    assert theirs.stat("b/f").size == 5
    for target in (other, Memory(), Crypt(theirs, KeyFile(bytes(32)))):
        assert ask(source, Location(target), entry) is None
