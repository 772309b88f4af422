"""What holds for every test: nothing of the machine's own settings, and a line about what was left out."""

from __future__ import annotations

import itertools
import os
import signal
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

# Several runs share a machine: how long an example takes says nothing about the code.
settings.register_profile("skycap", deadline=None, print_blob=True)
settings.load_profile("skycap")

_LEFT_OUT = pytest.StashKey[Counter[str]]()
_MARKS = ("foreign", "long", "live")
_numbers = itertools.count()


@pytest.fixture(scope="session")
def _homes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("homes")


@pytest.fixture(autouse=True)
def _own_settings(monkeypatch: pytest.MonkeyPatch, _homes: Path) -> None:
    """Whoever runs the tests may use skycap: their settings are neither read nor written."""
    for name in [name for name in os.environ if name.startswith("SKYCAP_")]:
        monkeypatch.delenv(name)
    home = _homes / str(next(_numbers))
    monkeypatch.setenv("SKYCAP_CONFIG", str(home / "config.toml"))
    monkeypatch.setenv("SKYCAP_STATE", str(home / "state"))


def pytest_configure(config: pytest.Config) -> None:
    """Begin to count. Let Ctrl-C be heard: a job in the background ignores it, and so would its children."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    config.stash[_LEFT_OUT] = Counter()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Count before the marks are looked at."""
    expression = config.getoption("-m")
    if isinstance(expression, str):
        left_out = [mark for mark in _MARKS if f"not {mark}" in expression]
        for item in items:
            for mark in left_out:
                config.stash[_LEFT_OUT][mark] += item.get_closest_marker(mark) is not None


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Under xdist the tests are collected elsewhere: let the counts come along."""
    output: dict[str, Any] | None = getattr(session.config, "workeroutput", None)
    if output is not None:
        output["left_out"] = dict(session.config.stash[_LEFT_OUT])


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Every worker collects everything, so one count is all."""
    node.config.stash[_LEFT_OUT] |= Counter(getattr(node, "workeroutput", {}).get("left_out", {}))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Say what this run did not show."""
    counts = config.stash[_LEFT_OUT]
    told = [f"{counts[mark]} {mark}" for mark in _MARKS if counts[mark]]
    if told:
        terminalreporter.write_line(f"left out: {', '.join(told)} (`make foreign`, `make long`, `make live`)")
