"""The plugin is found by its hook, and writes what a transfer tells."""

from __future__ import annotations

from pathlib import Path

import pluggy
import pytest

import skycap_audit
from skycap.core import hookspecs
from skycap.core.transfer.events import Event, EventType


def test_it_writes_down_what_was_copied_and_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SKYCAP_AUDIT", str(tmp_path / "audit.log"))
    manager = pluggy.PluginManager(hookspecs.GROUP)
    manager.add_hookspecs(hookspecs)
    manager.register(skycap_audit)
    for kind in (EventType.COPIED, EventType.UNCHANGED, EventType.REMOVED):
        manager.hook.transfer_event(event=Event(kind, f"{kind}.txt"))
    assert (tmp_path / "audit.log").read_text() == "copied\tcopied.txt\nremoved\tremoved.txt\n"
