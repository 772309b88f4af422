"""`kill -9` at any moment of a PUT or of a MOVE: old or new, never a part, and nothing is left for ever."""

from __future__ import annotations

import contextlib
import itertools
import os
import random
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from skycap.core.testing.proxy import Request, Trouble, TroublingProxy
from tests.core.webdav.commands.servers import Server
from tests.e2e.killing import KILLER, SEED
from tests.e2e.lab import Lab
from tests.e2e.stores import Store
from tests.e2e.trees import MiB, names
from tests.e2e.webdav.door import SERVERS, Door, status_of

pytestmark = pytest.mark.skipif(os.name == "nt", reason="kills by signals")
OLD, NEW = b"old" * MiB, b"new!" * MiB
LARGE = 18 * MiB
"""Goes to S3 in parts."""
TREE = {f"{folder}f{number}": f"{folder}{number}" for folder in ("", "d/", "d/e/") for number in range(3)}
_CALLS = {
    "PUT": {"open": 2, "replace": 1, "close": 1, "write": 4},
    "MOVE": {"replace": 9, "open": 20, "unlink": 9, "rmdir": 3, "mkdir": 3},
}


@dataclass(frozen=True)
class Moment:
    """When it dies: after a share of the body, or at a call or a request of a number."""

    sent: float | None = None
    call: str = ""
    number: int = 0
    after: bool = False


def _moments(kind: str, method: str) -> Iterator[Moment]:
    source = random.Random(f"{SEED} {kind} {method}")
    for number in itertools.count():
        after = source.random() < 0.5
        if method == "PUT" and number % 3 == 0:
            yield Moment(sent=source.random())
        elif method == "MOVE" and kind == "local" and not _to_another_store(number):
            yield Moment(call="replace", number=1, after=after)
        elif kind == "local":
            call = list(_CALLS[method])[number % len(_CALLS[method])]
            yield Moment(call=call, number=source.randint(1, _CALLS[method][call]), after=after)
        else:
            yield Moment(number=source.randrange(1 << 30), after=after)


def _to_another_store(number: int) -> bool:
    """Whether the tree of this number is moved there; else one call moves it."""
    return number % 3 < 2


class House:
    """A server that dies again and again, in one state folder. `local`, `other` and `s3` are served."""

    def __init__(self, lab: Lab, store: Store, proxy: TroublingProxy) -> None:
        self.lab, self.store, self.proxy = lab, store, proxy
        self.root = lab.folder / "local"
        self.root.mkdir()
        (lab.folder / "other").mkdir()
        self.bucket = store.make_bucket()
        self.number = 0
        self.usual = {"PUT": 0, "MOVE": 0}
        self.running: Server | None = None

    def start(self, moment: Moment, name: str) -> Door:
        """A server that dies at a call of this moment, once it is armed."""
        self.number += 1
        mounts = {"local": str(self.root), "other": str(self.lab.folder / "other"), "s3": f"t:{self.bucket}"}
        args = [word for one in mounts.items() for word in ("--mount", "=".join(one))]
        when = "after" if moment.after else "before"
        env = {
            "SKYCAP_REMOTE_T_ENDPOINT": self.proxy.endpoint,
            "SKYCAP_REMOTE_T_PART_SIZE": "5MiB",
            "SKYCAP_REMOTE_T_RETRIES": "0",
            "PYTHONPATH": str(KILLER),
            "E2E_ARMED": str(self._armed),
        }
        if moment.call:
            env["E2E_DIE"] = f"{moment.call}:{moment.number}:{when}"
        left = [path for path in names(self.root) + names(self.lab.folder / "other") if ".skycap-" in path]
        process = self.lab.start("webdav", "serve", *args, "--anonymous", "--server", name, env=env)
        assert process.stdout is not None
        first = process.stdout.readline().decode()
        self.running = Server(process, first)
        assert first, self.end()
        if left:
            self.running.wait_until_it_says("that interrupted writes left in")
        assert [path for path in names(self.root) if ".skycap-" in path] == []
        return Door(self.running.port, name, process.pid)

    def fill(self, path: str, tree: dict[str, str]) -> None:
        """A tree, without the server: to ask it for each file takes long."""
        for name, text in tree.items():
            share, _, key = f"{path}/{name}".partition("/")
            if share == "s3":
                self.store.client.put_object(Bucket=self.bucket, Key=key, Body=text.encode())
                continue
            target = self.lab.folder / share / key
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text)

    def text(self, path: str) -> str:
        """What is in a file, as the storage has it."""
        share, _, key = path.partition("/")
        if share != "s3":
            return (self.lab.folder / share / key).read_text()
        found: bytes = self.store.client.get_object(Bucket=self.bucket, Key=key)["Body"].read()
        return found.decode()

    @property
    def _armed(self) -> Path:
        return self.lab.folder / f"armed-{self.number}"

    def arm(self, method: str, moment: Moment) -> None:
        """From now on it dies when its moment comes."""
        self._armed.touch()
        if moment.call or moment.sent is not None:
            return
        left = itertools.count(moment.number % self.usual[method], -1)

        def schedule(request: Request) -> Trouble | None:
            if next(left) != 0:
                return None
            return Trouble(wait=self.kill, reset=None if moment.after else "before")

        self.proxy.schedule = schedule

    def kill(self) -> None:
        """Now."""
        assert self.running is not None
        os.killpg(self.running.process.pid, signal.SIGKILL)

    def end(self) -> bytes:
        """Wait for the end, or make it; what it said."""
        assert self.running is not None
        process = self.running.process
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        _, said = process.communicate(timeout=60)
        self.running = None
        self.proxy.heal()
        return bytes(said)

    def died(self) -> bool:
        """Whether it did, by now."""
        assert self.running is not None
        with contextlib.suppress(subprocess.TimeoutExpired):
            # An answer may be out before the last call of its request.
            return self.running.process.wait(0.05) == -signal.SIGKILL
        return False


@pytest.fixture
def house(tmp_path: Path, store: Store) -> Iterator[House]:
    with ExitStack() as stack:
        proxy = stack.enter_context(TroublingProxy(store.endpoint))
        found = House(Lab(tmp_path / "lab", store.environment()), store, proxy)
        yield found
        if found.running is not None:
            found.end()


def _tree_at(house: House, door: Door, path: str) -> dict[str, str]:
    """The files of a tree by their path in it: the server tells their names, the storage what is in them."""
    found = door("PROPFIND", path, Depth="infinity")
    if found.status == 404:
        return {}
    files = [href.removeprefix(f"/{path}/") for href in found.hrefs if not href.endswith("/")]
    return {name: house.text(f"{path}/{name}") for name in files}


def _keep(door: Door) -> str:
    """A lock and a property that have to outlive it all; the token."""
    assert door("PUT", "local/kept", b"kept").status == 201
    assert door.patch("local/kept", '<x:colour xmlns:x="urn:x">blue</x:colour>').status == 207
    reply = door.lock("local/kept", Timeout="Second-3600")
    assert reply.status == 200
    return reply.headers["lock-token"]


def _is_kept(door: Door, token: str) -> None:
    assert door("PUT", "local/kept", b"other").status == 423
    body = '<propfind xmlns="DAV:"><prop><x:colour xmlns:x="urn:x"/></prop></propfind>'
    assert door("PROPFIND", "local/kept", body, Depth="0").found("/local/kept") == {"{urn:x}colour": "blue"}
    assert door("PUT", "local/kept", b"kept", If=f"({token})").status == 204


Act = Callable[[Door, str, Moment], None]


def _killed(house: House, kind: str, method: str, count: int, act: Act, settled: Act, prepare: Act) -> None:
    """Let it die `count` times; each next server is the judge of the death before."""
    print(f"E2E_SEED={SEED}")
    door = house.start(Moment(), SERVERS[0])
    token = _keep(door)
    prepare(door, f"{kind}/usual", Moment())
    before = len(house.proxy.requests)
    act(door, f"{kind}/usual", Moment())
    house.usual[method] = max(1, len(house.proxy.requests) - before)
    house.end()
    unjudged: tuple[str, Moment] | None = None
    done = 0
    for number, moment in enumerate(itertools.islice(_moments(kind, method), count * 8)):
        path = f"{kind}/k{number}"
        door = house.start(moment, SERVERS[number % 2])
        if unjudged is not None:
            settled(door, *unjudged)
            _is_kept(door, token)
        if done == count:
            break
        prepare(door, path, moment)
        house.arm(method, moment)
        with contextlib.suppress(OSError, AssertionError):  # it dies while it is asked
            act(door, path, moment)
        if moment.sent is not None:
            house.kill()
        dead = house.died()
        house.end()
        print(number, door.server, moment, "dead" if dead else "it lived")
        done += dead
        unjudged = path, moment
    assert done == count, "too few deaths"
    if kind == "s3":
        house.lab.run("remote", "cleanup", "--older-than", "0s", f"t:{house.bucket}")
        assert house.store.unfinished(house.bucket) == []


def _kills_of_puts(house: House, kind: str, count: int) -> None:
    size = LARGE if kind == "s3" else len(NEW)

    def prepare(door: Door, path: str, _: Moment) -> None:
        assert door("PUT", path, OLD).status == 201

    def act(door: Door, path: str, moment: Moment) -> None:
        new = NEW * (size // len(NEW)) + NEW[: size % len(NEW)]
        with door.begin_put(path, size, wait=False) as connection:
            connection.sendall(new[: int(size * (1 if moment.sent is None else moment.sent))])
            if moment.sent is None:
                assert status_of(connection) == 204

    def settled(door: Door, path: str, _: Moment) -> None:
        body = door("GET", path).body
        assert body == OLD or (len(body) == size and not set(body) - set(NEW)), "neither old nor new"

    _killed(house, kind, "PUT", count, act, settled, prepare)


def _kills_of_moves(house: House, kind: str, count: int) -> None:
    def prepare(door: Door, path: str, _: Moment) -> None:
        house.fill(path, TREE)

    def target(path: str) -> str:
        """Within the store, or in another one."""
        other = kind == "local" and _to_another_store(int(path.partition("/k")[2] or "0"))
        return (path.replace("local/", "other/") if other else path) + "-moved"

    def act(door: Door, path: str, _: Moment) -> None:
        assert door("MOVE", path, Destination=f"/{target(path)}").status == 201

    def settled(door: Door, path: str, _: Moment) -> None:
        old, new = _tree_at(house, door, path), _tree_at(house, door, target(path))
        assert TREE in (old, new), f"neither of them is whole: {old} {new}"
        assert old.items() <= TREE.items()
        assert new.items() <= TREE.items()

    _killed(house, kind, "MOVE", count, act, settled, prepare)


@pytest.mark.parametrize("kind", ["local", "s3"])
def test_a_server_that_is_killed_in_mid_put_leaves_the_old_file_or_the_new(house: House, kind: str) -> None:
    _kills_of_puts(house, kind, 6)


@pytest.mark.parametrize("kind", ["local", "s3"])
def test_a_server_that_is_killed_in_mid_move_leaves_a_whole_tree(house: House, kind: str) -> None:
    _kills_of_moves(house, kind, 6)


@pytest.mark.long
@pytest.mark.parametrize("kind", ["local", "s3"])
def test_forty_kills_in_mid_put(house: House, kind: str) -> None:
    _kills_of_puts(house, kind, 40)


@pytest.mark.long
@pytest.mark.parametrize("kind", ["local", "s3"])
def test_forty_kills_in_mid_move(house: House, kind: str) -> None:
    _kills_of_moves(house, kind, 40)
