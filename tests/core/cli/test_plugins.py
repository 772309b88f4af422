"""What a plugin does wrong is told with its name and the way to leave it out, and harms nobody else."""

from __future__ import annotations

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
