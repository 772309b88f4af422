"""The folders the benchmarks move: the same bytes for the same seed and scale, on every machine.

- `big`: one file of 1 GiB that no compression makes smaller
- `mixed`: 2,000 files, together 1 GiB, sizes as on a working disk (few large, most small), half of them text
- `small`: 20,000 files of 1 to 16 KiB in a tree of directories

`scale` multiplies the bytes of `big`, and the number of files of the others.
"""

from __future__ import annotations

import json
import os
import random
import shutil
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

KiB = 1024
MiB = 1024 * KiB
GiB = 1024 * MiB
SEED = 20_250_101
_BLOCK = 8 * MiB
# A fixed moment, so that a corpus made again is the same corpus to whoever compares times.
_MTIME_NS = 1_735_689_600_123_456_789


@dataclass(frozen=True, slots=True)
class Corpus:
    """A folder and what is in it."""

    name: str
    path: str
    files: int
    bytes: int


def make(name: str, folder: Path, scale: float = 1.0, seed: int = SEED) -> Corpus:
    """The corpus below `folder`: made, or found as an earlier call left it."""
    root = folder / f"{name}-{scale:g}-{seed}"
    receipt = folder / f"{root.name}.json"  # a scale has a dot: no suffix to replace
    if receipt.exists():
        return Corpus(**json.loads(receipt.read_text()))
    shutil.rmtree(root, ignore_errors=True)
    dice = random.Random(f"{name}/{seed}")
    files = total = 0
    for path, content in _MAKERS[name](dice, scale):
        target = root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        with open(target, "wb") as stream:
            for piece in content:
                total += stream.write(piece)
        _set_time(target, files)
        files += 1
    corpus = Corpus(name, str(root), files, total)
    receipt.write_text(json.dumps(asdict(corpus)))
    return corpus


def _set_time(path: Path, index: int) -> None:
    moment = _MTIME_NS + index * 1_000_000_007
    os.utime(path, ns=(moment, moment))


Files = Iterator[tuple[str, Iterator[bytes]]]


def _big(dice: random.Random, scale: float) -> Files:
    yield "disk.img", _noise(dice, int(GiB * scale))


def _mixed(dice: random.Random, scale: float) -> Files:
    count = max(10, int(2000 * scale))
    weights = [dice.lognormvariate(0, 2.2) for _ in range(count)]
    # No file is so large that the corpus is about that one alone.
    cap = sum(weights) / 20
    weights = [min(weight, cap) for weight in weights]
    unit = GiB * scale / sum(weights)
    for index, weight in enumerate(weights):
        size = max(1, int(weight * unit))
        folder = f"{index % 7:02d}/{index % 31:02d}"
        if index % 2:
            yield f"{folder}/notes {index}.txt", _text(dice, size)
        else:
            yield f"{folder}/photo-{index}.jpg", _noise(dice, size)


def _small(dice: random.Random, scale: float) -> Files:
    for index in range(max(20, int(20_000 * scale))):
        size = dice.randint(1 * KiB, 16 * KiB)
        yield f"{index // 2000:02d}/{index // 100 % 20:02d}/{index:06d}.dat", _noise(dice, size)


_MAKERS: dict[str, Callable[[random.Random, float], Files]] = {"big": _big, "mixed": _mixed, "small": _small}
NAMES = tuple(_MAKERS)


def _noise(dice: random.Random, size: int) -> Iterator[bytes]:
    for begin in range(0, size, _BLOCK):
        yield dice.randbytes(min(_BLOCK, size - begin))


def _text(dice: random.Random, size: int) -> Iterator[bytes]:
    words = [bytes(dice.choices(b"abcdefghijklmnopqrstuvwxyz", k=dice.randint(2, 9))) for _ in range(500)]
    while size > 0:
        piece = b" ".join(dice.choices(words, k=20_000))[:size]
        size -= len(piece)
        yield piece
