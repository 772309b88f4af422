"""Folders full of seeded files, and what is in a folder, to be compared."""

from __future__ import annotations

import hashlib
import os
import random
from pathlib import Path

KiB = 1024
MiB = 1024 * 1024
_FIRST_SECOND = 1_500_000_000


def write_tree(root: Path, *, seed: int, files: int, largest: int = 64 * KiB) -> None:
    """`files` files of 1 byte to `largest`, in folders three deep, with times to the nanosecond.

    The same names for every seed, and never the same content, size or time for two seeds.
    """
    source = random.Random(seed)
    for number in range(files):
        folder = root / f"d{number % 7}" / f"e{number % 3}" if number % 5 else root
        folder.mkdir(parents=True, exist_ok=True)
        size = min(int(2 ** source.uniform(0, largest.bit_length())), largest)
        write_file(folder / f"f{number:05d}.bin", size, seed=source.getrandbits(60))


def write_file(path: Path, size: int, *, seed: int) -> None:
    """Incompressible bytes that no other seed has, and a time of the same seed."""
    source = random.Random(seed)
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "wb") as file:
        left = size
        while left:
            piece = source.randbytes(min(left, 4 * MiB))
            file.write(piece)
            left -= len(piece)
    stamp(path, source)


def stamp(path: Path, source: random.Random) -> None:
    """Give it a time in the past."""
    when = (_FIRST_SECOND + source.randrange(200_000_000)) * 10**9 + source.randrange(10**9)
    os.utime(path, ns=(when, when))


def hashes(root: Path) -> dict[str, str]:
    """SHA-256 of each file below a folder, by its path in it."""
    return {path: hashlib.sha256((root / path).read_bytes()).hexdigest() for path in names(root)}


def names(root: Path) -> list[str]:
    """Paths of all files below a folder; hidden ones of skycap's own included."""
    found = []
    for folder, _, files in os.walk(root):
        found += [os.path.relpath(os.path.join(folder, name), root) for name in files]
    return sorted(found)


def times(root: Path) -> dict[str, int]:
    """Time of each file in nanoseconds."""
    return {path: os.lstat(root / path).st_mtime_ns for path in names(root)}
