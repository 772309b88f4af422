"""The plugin is found by its hook, and writes what a transfer tells."""

from __future__ import annotations

from pathlib import Path

import pluggy
import pytest

import skycap_audit
from skycap.core import hookspecs, plugins
from skycap.core.cli.app import run
from skycap.core.transfer.events import Event, EventType


def test_it_writes_down_what_was_copied_and_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SKYCAP_AUDIT", str(tmp_path / "audit.log"))
    manager = pluggy.PluginManager(hookspecs.GROUP)
    manager.add_hookspecs(hookspecs)
    manager.register(skycap_audit)
    for kind in (EventType.COPIED, EventType.UNCHANGED, EventType.REMOVED):
        manager.hook.transfer_event(event=Event(kind, f"{kind}.txt"))
    assert (tmp_path / "audit.log").read_text() == "copied\tcopied.txt\nremoved\tremoved.txt\n"


def test_a_dry_run_is_not_written_down(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log, source = tmp_path / "audit.log", tmp_path / "source"
    source.mkdir()
    (source / "a").write_text("1")
    for name, value in (("AUDIT", log), ("STATE", tmp_path / "state"), ("CONFIG", tmp_path / "config.toml")):
        monkeypatch.setenv(f"SKYCAP_{name}", str(value))
    found = plugins.Plugins([plugins.Found("audit", "skycap_audit", "skycap-audit", "0.1.0")])
    monkeypatch.setattr(plugins, "plugins", lambda: found)
    assert run(["move", "--dry-run", str(source), str(tmp_path / "target")]) == 0
    assert not log.exists()
    assert run(["move", str(source), str(tmp_path / "target")]) == 0
    assert log.read_text() == "copied\ta\nremoved\ta\n"
