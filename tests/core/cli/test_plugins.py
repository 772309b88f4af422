"""What a plugin does wrong is told with its name and the way to leave it out, and harms nobody else."""

from __future__ import annotations

import io
import os
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from skycap.core import plugins
from skycap.core.cli import group
from tests.core.cli.conftest import Skycap, contents
from tests.core.plugins.conftest import install

HEAD = "from skycap.core.hookspecs import Lazy, hookimpl\nfrom skycap.core.storage import Storage\n"
TYPE = """
@hookimpl
def register_storage_types():
    yield Lazy("zoo", "Animals", "skycap_zoo:Zoo")
"""
NAME, WAY_OUT = "skycap-zoo 1.0", "SKYCAP_DISABLE_PLUGINS=skycap_zoo"

Install = Callable[[str], None]


@pytest.fixture
def zoo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """Installs the plugin `skycap_zoo` with this source into this process."""
    site = tmp_path / "site"
    site.mkdir()
    monkeypatch.syspath_prepend(str(site))
    caches = (plugins.plugins, group.offers, group.root)

    def add(source: str) -> None:
        install(site, "skycap-zoo", HEAD + source)
        for cache in caches:
            cache.cache_clear()

    yield add
    for cache in caches:
        cache.cache_clear()
    sys.modules.pop("skycap_zoo", None)


def config(text: str) -> None:
    path = Path(os.environ["SKYCAP_CONFIG"])
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o600)


# Strategies and listeners

STRATEGY = """
@hookimpl
def transfer_strategy(target, entry):
    if entry.path == "a.txt":
        return lambda: {}
"""


def test_a_copy_goes_the_way_a_plugin_offers(zoo: Install, skycap: Skycap, tree: Path, home: Path) -> None:
    zoo(STRATEGY.format('target.storage.write(target.below(entry.path), b"ALPHA")'))
    assert skycap("copy", tree, home / "out").status == 0
    assert contents(home / "out") == contents(tree) | {"a.txt": b"ALPHA"}


@pytest.mark.parametrize("given", ["None", "True", "entry.path", "1 / 0"])
def test_a_strategy_that_gives_no_entry_fails_that_file_with_the_name_of_the_plugin(
    given: str, zoo: Install, skycap: Skycap, tree: Path, home: Path
) -> None:
    zoo(STRATEGY.format(given))
    outcome = skycap("copy", "-v", tree, home / "out")
    assert outcome.status == 3, outcome.err
    assert NAME in outcome.err
    assert WAY_OUT in outcome.err
    assert contents(home / "out") == {k: v for k, v in contents(tree).items() if k != "a.txt"}


def test_a_strategy_hook_that_raises_fails_files_with_the_name_of_the_plugin(
    zoo: Install, skycap: Skycap, tree: Path, home: Path
) -> None:
    zoo("@hookimpl\ndef transfer_strategy(source, target, entry):\n    raise KeyError('lion')\n")
    outcome = skycap("copy", "-v", tree, home / "out")
    assert outcome.status == 3
    assert NAME in outcome.err
    assert "lion" in outcome.err


def test_a_listener_that_raises_is_warned_of_once_and_changes_nothing(
    zoo: Install, skycap: Skycap, tree: Path, home: Path
) -> None:
    zoo("calls = []\n@hookimpl\ndef transfer_event(event):\n    calls.append(event)\n    1 / 0\n")
    outcome = skycap("copy", "--transfers", "1", tree, home / "out")
    assert outcome.status == 0, outcome.err
    assert contents(home / "out") == contents(tree)
    (warning,) = [line for line in outcome.err.splitlines() if "warning" in line]
    assert NAME in warning
    assert WAY_OUT in warning
    assert len(sys.modules["skycap_zoo"].calls) == 1


def test_a_dry_run_tells_no_listener_that_it_happened(
    zoo: Install, skycap: Skycap, tree: Path, home: Path
) -> None:
    zoo("calls = []\n@hookimpl\ndef transfer_event(event):\n    calls.append(event)\n")
    for verb in ("copy", "move", "sync"):
        assert skycap(verb, "--dry-run", tree, home / "out").status == 0
    assert sys.modules["skycap_zoo"].calls == []
    assert skycap("copy", tree, home / "out").status == 0
    assert sys.modules["skycap_zoo"].calls


# What does not load

BROKEN = {
    "a wrong attribute": (TYPE, 10),
    "a wrong module": (TYPE.replace("skycap_zoo:", "skycap_zoo.nowhere:"), 10),
    "no storage": (TYPE + "class Zoo: pass\n", 1),
    "no open": (TYPE + "class Zoo(Storage): type_name = 'zoo'\n", 1),
    "wrong options": (TYPE + "class Zoo(Storage): Options = dict\n", 1),
    "an option of a reserved name": (
        TYPE + "from skycap.core.storage.options import StorageOptions, option\n"
        "from dataclasses import dataclass\n@dataclass(frozen=True, kw_only=True)\n"
        "class ZooOptions(StorageOptions):\n    timeout: str = option('Hours', default='9-17')\n"
        "class Zoo(Storage):\n    type_name, Options = 'zoo', ZooOptions\n",
        1,
    ),
    "an open that raises": (
        TYPE + "class Zoo(Storage):\n    @classmethod\n    def open(cls, options, path): return {}[path]\n",
        1,
    ),
    "an open of another shape": (
        TYPE + "class Zoo(Storage):\n    @classmethod\n    def open(cls): return cls()\n",
        1,
    ),
    "a verb that raises": (
        TYPE + "class Zoo(Storage):\n    type_name = identity = 'zoo'\n    @classmethod\n"
        "    def open(cls, options, path): return cls(), path\n    def stat(self, path): return {}[path]\n",
        1,
    ),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_a_storage_type_that_does_not_work_is_told_with_its_plugin(
    kind: str, zoo: Install, skycap: Skycap
) -> None:
    source, status = BROKEN[kind]
    zoo(source)
    outcome = skycap("stat", ":zoo:lion")
    assert outcome.status == status, outcome.err
    assert NAME in outcome.err
    assert WAY_OUT in outcome.err
    assert "defect in skycap" not in outcome.err


def test_a_command_that_does_not_load_is_told_with_its_plugin(zoo: Install, skycap: Skycap) -> None:
    zoo("@hookimpl\ndef register_commands():\n    yield Lazy('feed', 'Feed', 'skycap_zoo:nothing')\n")
    outcome = skycap("feed")
    assert outcome.status == 10
    assert NAME in outcome.err
    assert WAY_OUT in outcome.err


@pytest.mark.parametrize("app", ["{}", "print", "new_app()", "new_app"])
def test_a_command_that_is_no_app_is_told_with_its_plugin(app: str, zoo: Install, skycap: Skycap) -> None:
    zoo(
        f"from skycap.core.cli.group import new_app\napp = {app}\n"
        "@hookimpl\ndef register_commands():\n    yield Lazy('feed', 'Feed', 'skycap_zoo:app')\n"
    )
    outcome = skycap("feed")
    assert outcome.status == 1
    assert NAME in outcome.err
    assert WAY_OUT in outcome.err
    assert "defect in skycap" not in outcome.err


def test_a_defect_in_a_command_is_told_with_its_plugin(zoo: Install, skycap: Skycap) -> None:
    zoo(
        "from skycap.core.cli.group import new_app\napp = new_app()\n"
        "@app.command()\ndef feed():\n    {}['lion']\n"
        "@hookimpl\ndef register_commands():\n    yield Lazy('feed', 'Feed', 'skycap_zoo:app')\n"
    )
    outcome = skycap("feed")
    assert outcome.status == 1
    assert NAME in outcome.err
    assert WAY_OUT in outcome.err
    assert "lion" in outcome.err


@pytest.mark.parametrize("flags", [(), ("--json",)])
def test_the_group_of_the_docs_is_a_group(
    flags: tuple[str, ...], zoo: Install, skycap: Skycap, tree: Path
) -> None:
    page = Path(__file__).resolve().parents[3] / "docs" / "plugins" / "command.md"
    blocks = re.findall(r"```python\n(.*?)```", page.read_text(), re.DOTALL)
    zoo("\n".join(blocks).replace("skycap_zoo.commands:app", "skycap_zoo:app"))
    outcome = skycap("zoo", "count", *flags, tree)
    assert outcome.out == ('{"type":"animals","count":1}\n' if flags else "1\n"), outcome.err
    assert skycap("zoo", "count", tree / "void").status == 4


# Lists


def test_remotes_are_listed_although_their_type_does_not_load(zoo: Install, skycap: Skycap) -> None:
    zoo(TYPE)
    config('[remotes.ark]\ntype = "zoo"\nanimals = 2\n\n[remotes.docs]\ntype = "local"\n')
    outcome = skycap("remote", "list", "--json")
    assert (outcome.status, outcome.err) == (0, "")
    found = [(record["name"], record["storage_type"]) for record in outcome.records]
    assert found == [("ark", "zoo"), ("docs", "local")]


@pytest.mark.parametrize("setting", ['type = "zoo"', 'root = "/"'])
def test_a_remote_without_a_type_that_is_known_is_listed_with_its_problem(
    setting: str, skycap: Skycap
) -> None:
    config(f"[remotes.ark]\n{setting}\n")
    outcome = skycap("remote", "list")
    assert "ark:" in outcome.out
    assert "type" in outcome.err
    assert "no remotes yet" not in outcome.err
    (record,) = skycap("remote", "list", "--json").records
    assert record["name"] == "ark"
    assert "type" in record["problem"]


def test_the_logins_of_other_remotes_are_told_where_one_has_no_type(skycap: Skycap) -> None:
    config('[remotes.ark]\ntype = "zoo"\n\n[remotes.docs]\ntype = "local"\n')
    outcome = skycap("auth", "status")
    assert outcome.status == 0, outcome.err
    assert "unknown storage type 'zoo'" in outcome.out
    assert "needs no login" in outcome.out
    first, second = skycap("auth", "status", "--json").records
    assert "'zoo'" in first["problem"]
    assert second["logged_in"]
    assert skycap("auth", "status", "ark").status == 33


# Facts

MUSEUM = (
    TYPE
    + """
from dataclasses import replace
from skycap.core.storage.memory import Memory

class Zoo(Memory):
    type_name = "zoo"
    @classmethod
    def open(cls, options, path):
        return cls(options.space, facts=replace(Memory.facts, read_only=True)), path
"""
)


def test_a_place_that_can_only_be_read_is_not_opened_to_write(
    zoo: Install, skycap: Skycap, tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    zoo(MUSEUM)
    for words in (("copy", tree, ":zoo:"), ("mkdir", ":zoo:new"), ("remove", "--yes", ":zoo:lion")):
        outcome = skycap(*words)
        assert outcome.status == 6, outcome.err
        assert "it can only be read" in outcome.err
    assert skycap("ls", ":zoo:").status == 0


# Links

SHARING = (
    TYPE
    + """
from dataclasses import replace
from skycap.core.storage import Capability
from skycap.core.storage.memory import Memory
from skycap.core.storage.memory.extras import MemoryShares

class Links(MemoryShares):
    def create(self, path, *, expires_s=None, password=None):
        return super().create(path, expires_s=expires_s and (expires_s * {factor} or None), password=None)

class Zoo(Memory):
    type_name = "zoo"
    capabilities = Memory.capabilities - {without}
    @classmethod
    def open(cls, options, path):
        storage = cls(options.space)
        storage.write("lion", b"x")
        return storage, path
    def shares(self):
        return Links(self, self._space)
"""
)


@pytest.mark.parametrize(("flag", "factor"), [("--password", 1), ("--expires=1h", 0), ("--expires=1h", 100)])
@pytest.mark.parametrize("without", ["set()", "{Capability.SHARE_REMOVE}", "{Capability.SHARE_LIST}"])
def test_a_link_without_what_was_asked_for_is_taken_back(
    flag: str, factor: int, without: str, zoo: Install, skycap: Skycap, monkeypatch: pytest.MonkeyPatch
) -> None:
    zoo(SHARING.replace("{factor}", str(factor)).replace("{without}", without))
    monkeypatch.setattr("sys.stdin", io.StringIO("hunter2\n"))
    place = f":zoo,space=test{abs(hash((flag, factor, without)))}:lion"
    outcome = skycap("link", flag, place)
    assert (outcome.status, outcome.out) == (7, ""), outcome.err
    assert ("taken back" if "REMOVE" not in without else "memory://") in outcome.err
    if "LIST" not in without:
        assert (skycap("link", "--list", place).out == "") == ("REMOVE" not in without)


def test_a_link_that_was_there_before_is_not_taken_back(
    zoo: Install, skycap: Skycap, monkeypatch: pytest.MonkeyPatch
) -> None:
    zoo(SHARING.replace("{factor}", "1").replace("{without}", "set()"))
    monkeypatch.setattr("sys.stdin", io.StringIO("hunter2\n"))
    place = ":zoo,space=before:lion"
    url = skycap("link", place).out
    outcome = skycap("link", "--password", place)
    assert (outcome.status, outcome.out) == (7, "")
    assert url.strip() in skycap("link", "--list", place).out


# Credential stores

DRAWER = """
import json, pathlib
from skycap.core.storage.options import Secret

class Drawer:
    name = "drawer"
    file = pathlib.Path("drawer.json")
    def available(self): return True
    def kept(self): return json.loads(self.file.read_text()) if self.file.exists() else {}
    def get(self, service, name):
        found = self.kept().get(f"{service}/{name}")
        return None if found is None else Secret(found)
    def set(self, service, name, value):
        self.file.write_text(json.dumps(self.kept() | {f"{service}/{name}": value.reveal()}))
    def delete(self, service, name):
        self.file.write_text(json.dumps({k: v for k, v in self.kept().items() if k != f"{service}/{name}"}))

@hookimpl
def credential_store(name):
    return Drawer() if name == "drawer" else None
"""
BOX = ("access_key_id=A", "endpoint=http://127.0.0.1:9")


@pytest.fixture
def drawer(zoo: Install, skycap: Skycap, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The remote `box:`, the secret of which lies in the store of a plugin."""
    zoo(DRAWER)
    monkeypatch.setenv("SKYCAP_CREDENTIAL_STORE", "drawer")
    monkeypatch.setenv("SKYCAP_PASSPHRASE", "correct horse")
    monkeypatch.setattr("sys.stdin", io.StringIO("hunter2hunter2\n\n"))
    assert skycap("remote", "add", "box", "s3", *BOX).status == 0
    assert skycap("auth", "login", "box").status == 0
    assert "hunter2hunter2" in Path("drawer.json").read_text()
    return Path("drawer.json")


@pytest.mark.parametrize("words", [("remote", "remove", "--yes", "box"), ("auth", "logout", "box")])
@pytest.mark.parametrize("chosen", ["drawer", "file"])
def test_a_secret_in_the_store_of_a_plugin_is_forgotten(
    words: tuple[str, ...], chosen: str, drawer: Path, skycap: Skycap, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SKYCAP_CREDENTIAL_STORE", chosen)
    assert skycap("auth", "status", "box").status == 0
    outcome = skycap(*words)
    assert (outcome.status, "nothing was found" in outcome.err) == (0, False)
    assert drawer.read_text() == "{}"


def test_a_secret_lies_where_its_reference_says_whatever_is_chosen_now(
    drawer: Path, skycap: Skycap, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "keyring:drawer:skycap/box.secret_access_key" in Path(os.environ["SKYCAP_CONFIG"]).read_text()
    monkeypatch.setenv("SKYCAP_CREDENTIAL_STORE", "file")
    assert skycap("ls", "box:bucket").status == 13  # it got as far as the place itself
    assert "drawer" in skycap("auth", "status", "box").out


@pytest.mark.parametrize("words", [("remote", "remove", "--yes", "box"), ("auth", "logout", "box")])
def test_a_secret_that_is_not_found_is_not_said_to_be_forgotten(
    words: tuple[str, ...], drawer: Path, skycap: Skycap
) -> None:
    drawer.write_text("{}")
    assert "nothing was found at keyring:drawer:skycap/box" in skycap(*words).err


def test_a_secret_that_an_older_version_put_into_the_chosen_store_is_forgotten(
    drawer: Path, skycap: Skycap
) -> None:
    path = Path(os.environ["SKYCAP_CONFIG"])
    path.write_text(path.read_text().replace("keyring:drawer:", "keyring:"))
    assert skycap("remote", "remove", "--yes", "box").status == 0
    assert drawer.read_text() == "{}"


def test_a_service_may_hold_a_colon(drawer: Path, skycap: Skycap, monkeypatch: pytest.MonkeyPatch) -> None:
    drawer.write_text('{"https://box/key": "hunter2hunter2"}')
    assert skycap("remote", "edit", "box", "secret_access_key=keyring:https://box/key").status == 0
    assert skycap("ls", "box:bucket").status == 13
