"""A network full of trouble between skycap and the store: nothing lost, nothing wrong, no false success."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from skycap.core.testing.proxy import Request, Schedule, Trouble, TroublingProxy, seeded
from tests.e2e.killing import SEED
from tests.e2e.lab import Lab, equal
from tests.e2e.stores import Store
from tests.e2e.trees import MiB, hashes, times, write_file, write_tree

_OPTIONS = {
    "SKYCAP_REMOTE_T_UPLOAD_FROM": "8MiB",
    "SKYCAP_REMOTE_T_PART_SIZE": "5MiB",
    "SKYCAP_REMOTE_T_RETRIES": "12",
    "SKYCAP_REMOTE_T_RETRY_BASE": "5ms",
    "SKYCAP_REMOTE_T_RETRY_CAP": "40ms",
    "SKYCAP_REMOTE_T_READ_TIMEOUT": "1s",
    "SKYCAP_REMOTE_T_CONNECT_TIMEOUT": "2s",
}
_BROKEN = (Trouble(reset="before"), Trouble(reset="after"), Trouble(status=500))
_THROTTLED = (
    Trouble(status=503),
    Trouble(status=503, retry_after=0),
    Trouble(status=429, retry_after=0),
    Trouble(status=429, retry_after=1),
)
NewLab = Callable[..., Lab]


def cut(request: Request) -> Trouble:
    """A body that ends too early, in a way that this request cannot but notice."""
    length = 100_000 if "large.bin" in request.target else 0
    return Trouble(response_bytes=length) if request.method == "GET" else Trouble(request_bytes=length)


def breaking(seed: int, rate: float) -> Schedule:
    """Resets, truncations and errors of the server, the same for a seed."""
    source = random.Random(seed)

    def schedule(request: Request) -> Trouble | None:
        if source.random() >= rate:
            return None
        return source.choice([*_BROKEN, cut(request)])

    return schedule


class Stalls:
    """Requests that nobody answers until the test ends."""

    def __init__(self) -> None:
        self.over = threading.Event()
        self.trouble = Trouble(wait=self._wait, reset="before")

    def _wait(self) -> None:
        self.over.wait(30)


@pytest.fixture
def stalls() -> Iterator[Stalls]:
    found = Stalls()
    yield found
    found.over.set()


@pytest.fixture
def proxy(store: Store, stalls: Stalls) -> Iterator[TroublingProxy]:
    with TroublingProxy(store.endpoint) as found:
        yield found
        stalls.over.set()


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("source")
    write_tree(root, seed=11, files=400)
    write_file(root / "large.bin", 22 * MiB + 17, seed=12)
    return root


def there_and_back(lab: Lab, source: Path, place: str, proxy: TroublingProxy) -> tuple[int, int]:
    """Copy up, check, copy down, check; faults, and retries that the reports told of."""
    up = lab.reported("copy", source, place)
    met = proxy.troubles()
    equal(lab, source, place)
    checked = proxy.troubles()
    down = lab.reported("copy", place, lab.folder / "back")
    met += proxy.troubles() - checked
    equal(lab, place, lab.folder / "back")
    for outcome in (up, down):
        assert outcome.status == 0, outcome.err
        assert outcome.report["status"] == "ok"
        assert outcome.report["counts"]["failed"] == 0
        assert outcome.report["counts"]["copied"] >= 401
    assert hashes(lab.folder / "back") == hashes(source)
    assert times(lab.folder / "back") == times(source)
    retries = int(up.report["counts"]["retries"]) + int(down.report["counts"]["retries"])
    # Some faults meet a look before the run began, or an answer that nobody needed any more; and a connection
    # that one of them closed may be found dead by another request.
    assert 0.7 * met <= retries <= 1.3 * met + 2
    return proxy.troubles(), retries


def test_five_hundred_faults_lose_nothing(
    source: Path, store: Store, shared_bucket: str, new_lab: NewLab, proxy: TroublingProxy
) -> None:
    print(f"E2E_SEED={SEED}")
    schedules = [
        breaking(SEED, 0.25),
        seeded(SEED, 0.03, _THROTTLED),
        *(breaking(SEED + more, 0.25) for more in range(1, 5)),
    ]
    faults = rounds = 0
    while faults < 500:
        proxy.schedule = schedules[rounds]
        proxy.requests.clear()
        lab = new_lab(f"lab{rounds}", **_OPTIONS, SKYCAP_REMOTE_T_ENDPOINT=proxy.endpoint)
        met, retries = there_and_back(lab, source, f"t:{shared_bucket}/n{rounds}", proxy)
        print(f"{met} faults, {retries} retries told")
        faults += met
        rounds += 1
    proxy.heal()
    for number in range(rounds):
        assert store.hashes(shared_bucket, f"n{number}/") == hashes(source)
    assert store.unfinished(shared_bucket, "n") == []


def test_stalls_end_at_the_timeout_and_are_tried_again(
    source: Path, store: Store, shared_bucket: str, new_lab: NewLab, proxy: TroublingProxy, stalls: Stalls
) -> None:
    lab = new_lab("lab", **_OPTIONS, SKYCAP_REMOTE_T_ENDPOINT=proxy.endpoint)
    proxy.schedule = seeded(SEED, 0.03, [stalls.trouble], most=12)
    outcome = lab.reported("copy", source, f"t:{shared_bucket}/stalls")
    assert outcome.status == 0, outcome.err
    assert outcome.report["counts"]["retries"] >= 1
    assert 5 <= proxy.troubles() <= 12
    assert outcome.report["seconds"] < 30
    proxy.heal()
    assert store.hashes(shared_bucket, "stalls/") == hashes(source)


def test_a_store_that_always_fails_is_no_success(
    source: Path, store: Store, shared_bucket: str, new_lab: NewLab, proxy: TroublingProxy
) -> None:
    options = {**_OPTIONS, "SKYCAP_REMOTE_T_RETRIES": "1", "SKYCAP_REMOTE_T_ENDPOINT": proxy.endpoint}
    lab = new_lab("lab", **options)

    def broken(request: object) -> Trouble | None:
        return Trouble(status=503) if "f00007" in getattr(request, "target", "") else None

    proxy.schedule = broken
    outcome = lab.reported("copy", source, f"t:{shared_bucket}/broken")
    assert outcome.status not in {0, 1}
    assert outcome.report["counts"]["failed"] == 1
    assert [found["path"].rpartition("/")[2] for found in outcome.report["failures"]] == ["f00007.bin"]
    assert lab.run("check", source, f"t:{shared_bucket}/broken").status in {3, 14}
    proxy.heal()
    assert lab.run("copy", source, f"t:{shared_bucket}/broken").status == 0
    equal(lab, source, f"t:{shared_bucket}/broken")
