"""Plugins are found in installed distributions, loaded one by one, and harm nobody but themselves."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

import pytest

from skycap.core import builtin, plugins
from skycap.core.hookspecs import GROUP
from skycap.core.plugins import Found, Plugins, find, parse_entry_points
from tests.core.plugins.conftest import install

GOOD = """
from skycap.core.hookspecs import Lazy, hookimpl

@hookimpl
def register_storage_types():
    yield Lazy("zoo", "Animals", "nowhere.at.all:Zoo")

@hookimpl
def register_commands():
    yield Lazy("feed", "Feed the animals", "nowhere.at.all:app")
"""


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "site"
    folder.mkdir()
    monkeypatch.syspath_prepend(str(folder))
    return folder


def loaded(site: Path, disabled: tuple[str, ...] = ()) -> Plugins:
    return Plugins(find([str(site)]), disabled)


def test_the_scan_finds_what_the_standard_library_finds() -> None:
    standard = {(point.name, point.value) for point in entry_points(group=GROUP)}
    assert {(one.name, one.target) for one in find()} == standard
    assert ("cloudproviders", "skycap.cloudproviders.plugin") in standard


def test_a_plugin_adds_to_the_lists(site: Path) -> None:
    install(site, "skycap-zoo-a", GOOD)
    found = loaded(site)
    assert found.storage_types()["zoo"].summary == "Animals"
    assert list(found.commands())[-1] == "feed"
    (plugin,) = found.installed()
    assert (plugin.status, plugin.found.distribution, plugin.found.version) == (
        "active",
        "skycap-zoo-a",
        "1.0",
    )
    assert plugin.hooks == ("register_commands", "register_storage_types")


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        ("1/0", "ZeroDivisionError"),
        ("import no_such_module_anywhere", "no_such_module_anywhere"),
        ("raise SystemExit('at import')", "at import"),
        ("def (", "SyntaxError"),
        (GOOD + "\n@hookimpl\ndef register_storage_typos():\n    pass\n", "register_storage_typos"),
        (GOOD.replace("register_commands()", "register_commands(wrong)"), "wrong"),
    ],
)
def test_a_broken_plugin_is_one_warning_and_harms_no_other(
    source: str, problem: str, site: Path, caplog: pytest.LogCaptureFixture
) -> None:
    install(site, "skycap-broken-b", source)
    install(site, "skycap-zoo-b", GOOD)
    with caplog.at_level(logging.WARNING, "skycap"):
        found = loaded(site)
    assert "zoo" in found.storage_types()
    assert "local" in found.storage_types()
    (message,) = [record.getMessage() for record in caplog.records]
    assert problem in message
    assert "skycap-broken-b 1.0" in message
    assert "SKYCAP_DISABLE_PLUGINS=skycap_broken_b" in message
    assert "\n" not in message
    assert {plugin.found.distribution: plugin.status for plugin in found.installed()} == {
        "skycap-broken-b": "broken",
        "skycap-zoo-b": "active",
    }
    for name in ("skycap_broken_b", "skycap_zoo_b"):
        sys.modules.pop(name, None)


@pytest.mark.parametrize("offer", ["'zoo'", "7", "Lazy('zoo', 'Animals', 7)"])
def test_what_a_hook_yields_and_is_no_offer_is_one_warning(
    offer: str, site: Path, caplog: pytest.LogCaptureFixture
) -> None:
    install(site, "skycap-odd-h", GOOD.replace('Lazy("zoo", "Animals", "nowhere.at.all:Zoo")', offer))
    with caplog.at_level(logging.WARNING, "skycap"):
        found = loaded(site)
        for _ in range(2):
            assert list(found.storage_types()) == ["local", "memory", "crypt"]
    (message,) = [record.getMessage() for record in caplog.records]
    assert "skycap-odd-h 1.0" in message
    assert "SKYCAP_DISABLE_PLUGINS=skycap_odd_h" in message
    assert "feed" in found.commands()


def test_a_plugin_that_fails_when_it_is_asked_is_left_out(
    site: Path, caplog: pytest.LogCaptureFixture
) -> None:
    install(site, "skycap-late-c", GOOD.replace('yield Lazy("zoo"', '1/0; yield Lazy("zoo"'))
    found = loaded(site)
    assert "zoo" not in found.storage_types()
    assert "feed" in found.commands()
    assert [plugin.status for plugin in found.installed()] == ["broken"]


@pytest.mark.parametrize("name", ["skycap_off_d", "skycap-off-d", "Skycap.Off.D"])
def test_a_disabled_plugin_is_not_imported(name: str, site: Path) -> None:
    install(site, "skycap-off-d", "raise RuntimeError('imported after all')")
    (plugin,) = loaded(site, (name,)).installed()
    assert plugin.status == "disabled"


def test_a_name_of_cores_own_cannot_be_taken(site: Path, caplog: pytest.LogCaptureFixture) -> None:
    install(site, "skycap-thief-e", GOOD.replace('"zoo"', '"local"').replace('"feed"', '"copy"'))
    found = loaded(site)
    assert found.storage_types()["local"].target.startswith("skycap.core.")
    assert found.commands()["copy"].target.startswith("skycap.core.")
    assert "skycap-thief-e 1.0: its command 'copy' was passed over (the name is taken already)" in caplog.text
    assert "its storage type 'local' was passed over" in caplog.text
    assert "does not work" not in caplog.text


@pytest.mark.parametrize("entry", ["aardvark", "cloudproviders"])
@pytest.mark.parametrize("mark", ["@hookimpl", "@hookimpl(tryfirst=True)", "@hookimpl(trylast=True)"])
def test_a_name_of_skycaps_own_distributions_cannot_be_taken_whatever_the_order(
    entry: str, mark: str, site: Path, caplog: pytest.LogCaptureFixture
) -> None:
    source = GOOD.replace('"zoo"', '"s3"').replace("@hookimpl", mark)
    source += f"\n{mark}\ndef register_auth_methods():\n    yield Lazy('s3', 'Animals', 'nowhere:Zoo')\n"
    install(site, "a-thief", source, entry=entry)
    ours = Found("cloudproviders", "skycap.cloudproviders.plugin", "skycap-cloudproviders", "1.0")
    found = Plugins([*find([str(site)]), ours])
    for offers in (found.storage_types(), found.auth_methods()):
        assert offers["s3"].target.startswith("skycap.cloudproviders.")
        assert next(iter(offers.values())).target.startswith("skycap.core.")
    assert caplog.records
    assert all("a-thief 1.0" in record.getMessage() for record in caplog.records)
    assert not any("skycap-cloudproviders" in record.getMessage() for record in caplog.records)
    sys.modules.pop("a_thief", None)


def test_an_entry_point_named_like_ours_is_not_ours(site: Path) -> None:
    install(site, "b-thief", GOOD.replace('"zoo"', '"s3"'), entry="wopi")
    ours = Found("cloudproviders", "skycap.cloudproviders.plugin", "skycap-cloudproviders", "1.0")
    offers = Plugins([*find([str(site)]), ours]).storage_types()
    assert offers["s3"].target.startswith("skycap.cloudproviders.")
    sys.modules.pop("b_thief", None)


def test_the_name_of_a_credential_store_of_cores_own_cannot_be_taken(site: Path) -> None:
    install(
        site,
        "c-thief",
        "from skycap.core.hookspecs import hookimpl\n"
        "@hookimpl(tryfirst=True)\ndef credential_store(name):\n    return name\n",
    )
    found = loaded(site)
    assert found.credential_store("file") != "file"
    assert found.credential_store("other") == "other"
    sys.modules.pop("c_thief", None)


def test_of_a_distribution_that_is_there_twice_the_first_on_the_path_counts(tmp_path: Path) -> None:
    install(tmp_path / "one", "skycap-twice", GOOD, version="2.0")
    install(tmp_path / "two", "skycap-twice", GOOD, version="1.0")
    assert [one.version for one in find([str(tmp_path / "one"), str(tmp_path / "two")])] == ["2.0"]


def test_folders_that_are_not_there_and_files_that_are_not_text_are_passed_over(tmp_path: Path) -> None:
    install(tmp_path, "skycap-odd", GOOD)
    (tmp_path / "skycap_odd-1.0.dist-info" / "entry_points.txt").write_bytes(b"\xff\xfe[skycap]")
    assert find([str(tmp_path), str(tmp_path / "nope")]) == []


def test_a_zip_on_the_path_is_left_to_the_standard_library(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import zipfile

    archive = tmp_path / "plugins.zip"
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("skycap_zipped.py", GOOD)
        file.writestr("skycap_zipped-3.0.dist-info/METADATA", "Name: skycap-zipped\nVersion: 3.0\n")
        file.writestr("skycap_zipped-3.0.dist-info/entry_points.txt", "[skycap]\nzipped = skycap_zipped\n")
    monkeypatch.syspath_prepend(str(archive))
    assert ("zipped", "3.0") in {(one.name, one.version) for one in find()}


def test_entry_points_are_read_as_written() -> None:
    text = "[other]\na = b\n[skycap]\n# comment\nbox=pkg.mod : attr\nz = pkg.z [extra]\n\n[more]\nc = d\n"
    assert parse_entry_points(text) == {"box": "pkg.mod : attr", "z": "pkg.z"}


def test_core_registers_what_it_has_through_the_same_hooks() -> None:
    found = Plugins([])
    assert list(found.storage_types()) == ["local", "memory", "crypt"]
    assert set(found.commands()) == {offer.name for offer in builtin.register_commands()}
    for offer in [*found.commands().values(), *found.auth_methods().values()]:
        assert offer.load() is not None


def test_credential_stores_are_asked_for_by_name() -> None:
    found = Plugins([])
    store = found.credential_store("file")
    assert store is not None
    assert store.name == "file"
    assert found.credential_store("nobodys") is None


def test_hooks_that_nobody_listens_to_cost_nothing() -> None:
    assert Plugins([]).transfer_strategy() is None
    assert Plugins([]).transfer_event() is None


def test_events_reach_a_plugin_that_listens(site: Path) -> None:
    install(
        site,
        "skycap-ears-f",
        "from skycap.core.hookspecs import hookimpl\nheard = []\n"
        "@hookimpl\ndef transfer_event(event):\n    heard.append(event)\n",
    )
    tell = loaded(site).transfer_event()
    assert tell is not None
    from skycap.core.transfer.events import Event, EventType

    tell(Event(EventType.COPIED, "a"))
    assert [event.path for event in sys.modules["skycap_ears_f"].heard] == ["a"]


def test_a_broken_plugin_leaves_every_command_alive(tmp_path: Path) -> None:
    install(tmp_path, "skycap-dead", "raise RuntimeError('dead')")
    env = os.environ | {
        "PYTHONPATH": str(tmp_path),
        "SKYCAP_CONFIG": os.devnull,
        "SKYCAP_STATE": str(tmp_path),
    }
    for args in (["--help"], ["ls", str(tmp_path)], ["remote", "list"]):
        done = subprocess.run(
            [sys.executable, "-m", "skycap.core", *args], env=env, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        if args != ["ls", str(tmp_path)]:
            warnings = [line for line in done.stderr.splitlines() if "warning" in line]
            assert len(warnings) == 1
            assert "skycap-dead 1.0" in warnings[0]
            assert "SKYCAP_DISABLE_PLUGINS=skycap_dead" in warnings[0]


def test_the_list_of_plugins_tells_which_is_broken_and_why(tmp_path: Path) -> None:
    install(tmp_path, "skycap-dead", "raise RuntimeError('dead')")
    env = os.environ | {
        "PYTHONPATH": str(tmp_path),
        "SKYCAP_CONFIG": os.devnull,
        "SKYCAP_STATE": str(tmp_path),
    }
    done = subprocess.run(
        [sys.executable, "-m", "skycap.core", "plugins"], env=env, capture_output=True, text=True, check=True
    )
    assert "skycap_dead\tskycap-dead\t1.0\tbroken\tRuntimeError: dead" in done.stdout


def test_the_plugins_of_this_process_are_found_once() -> None:
    assert plugins.plugins() is plugins.plugins()
    assert "local" in plugins.storage_types()
