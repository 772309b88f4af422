"""Ctrl-C: once in good order, twice at once; the polite signal too. The next run finishes."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from skycap.core.testing.proxy import Request, Trouble, TroublingProxy
from tests.e2e.lab import Lab, equal, outcome_of
from tests.e2e.stores import Store
from tests.e2e.trees import MiB, write_file, write_tree

_PARTS = {"SKYCAP_REMOTE_T_UPLOAD_FROM": "8MiB", "SKYCAP_REMOTE_T_PART_SIZE": "5MiB"}
NewLab = Callable[..., Lab]


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("source")
    write_tree(root, seed=21, files=60)
    write_file(root / "large.bin", 60 * MiB, seed=22)
    return root


class Held:
    """A proxy that holds back parts from the third on, so that a signal comes while they are in flight."""

    def __init__(self, endpoint: str) -> None:
        self.proxy = TroublingProxy(endpoint, self._schedule)
        self.reached = threading.Event()
        self.let_go = threading.Event()
        self._parts = 0

    def _schedule(self, request: Request) -> Trouble | None:
        if "partNumber=" not in request.target:
            return None
        self._parts += 1
        return Trouble(wait=self._wait) if self._parts > 2 else None

    def _wait(self) -> None:
        self.reached.set()
        self.let_go.wait(10)


@pytest.fixture
def held(store: Store) -> Iterator[Held]:
    found = Held(store.endpoint)
    with found.proxy:
        yield found
        found.let_go.set()


def says_it_stops(process: subprocess.Popen[bytes]) -> None:
    """Read standard error until the command has heard the signal."""
    assert process.stderr is not None
    line = process.stderr.readline()
    while line and b"once more stops now" not in line:
        line = process.stderr.readline()
    assert line, "it ended without a word"


def begin(held: Held, new_lab: NewLab, source: Path, place: str) -> tuple[Lab, subprocess.Popen[bytes]]:
    lab = new_lab("lab", **_PARTS, SKYCAP_REMOTE_T_ENDPOINT=held.proxy.endpoint)
    process = lab.start("copy", source, place, "--report", lab.folder / "report.json")
    assert held.reached.wait(60)
    return lab, process


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_stops_in_good_order_and_the_next_run_finishes(
    number: int,
    status: int,
    source: Path,
    store: Store,
    shared_bucket: str,
    new_lab: NewLab,
    held: Held,
) -> None:
    place = f"t:{shared_bucket}/i{status}"
    lab, process = begin(held, new_lab, source, place)
    os.kill(process.pid, number)
    says_it_stops(process)
    held.let_go.set()
    outcome = outcome_of(process)
    assert outcome.status == status, outcome.err
    assert "are done" in outcome.err
    assert "remain" in outcome.err  # and what failed, where something did
    assert "unfinished: large.bin" in outcome.err
    assert "The same command goes on" in outcome.err
    report = json.loads((lab.folder / "report.json").read_text())
    assert (report["status"], report["exit_status"]) == ("interrupted", status)
    assert report["unfinished"] == ["large.bin"]
    held.proxy.heal()
    again = lab.reported("copy", source, place)
    assert again.status == 0, again.err
    # Those in flight were finished: two before, and all that were held back.
    assert again.report["counts"]["bytes_resumed"] >= 3 * 5 * MiB
    equal(lab, source, place)
    assert store.unfinished(shared_bucket, f"i{status}/") == []


@pytest.mark.parametrize("first", [signal.SIGINT, signal.SIGTERM])
def test_a_second_signal_stops_at_once(
    first: int, source: Path, store: Store, shared_bucket: str, new_lab: NewLab, held: Held
) -> None:
    place = f"t:{shared_bucket}/twice{first}"
    lab, process = begin(held, new_lab, source, place)
    os.kill(process.pid, first)
    says_it_stops(process)
    os.kill(process.pid, signal.SIGINT)  # what is in flight is still held back
    outcome = outcome_of(process)
    assert outcome.status in {130, -signal.SIGINT}
    held.let_go.set()
    held.proxy.heal()
    assert lab.run("copy", source, place).status == 0
    equal(lab, source, place)
    assert store.unfinished(shared_bucket, f"twice{first}/") == []


def test_an_interrupted_local_copy_keeps_what_is_whole(lab: Lab, source: Path) -> None:
    target = lab.folder / "target"
    process = lab.start("copy", "--limit-rate", "20MiB", source, target)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(1.0)
    os.killpg(process.pid, signal.SIGINT)
    outcome = outcome_of(process)
    assert outcome.status == 130, outcome.err
    assert not list(target.rglob(".skycap-*.part"))
    assert lab.run("copy", source, target).status == 0
    equal(lab, source, target)
    assert not list(target.rglob(".skycap-*"))
