"""Short runs of every command that talks to a cloud: none aborts when the interpreter ends."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.e2e.lab import Lab
from tests.e2e.trees import KiB, write_file


def short_runs(lab: Lab, bucket: str, count: int) -> None:
    small = lab.folder / "small.bin"
    write_file(small, 3 * KiB, seed=41)

    def one(number: int) -> None:
        place = f"t:{bucket}/small{number}.bin"
        for args in (
            ("copy", small, place),
            ("ls", f"t:{bucket}"),
            ("cat", place),
            ("stat", place),
            ("copy", place, lab.folder / f"back{number}"),
            ("remove", place),
        ):
            outcome = lab.run(*args)
            assert outcome.status == 0, (number, args, outcome.status, outcome.err)

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(one, range(count)))


def test_no_command_aborts_at_its_end(lab: Lab, bucket: str) -> None:
    short_runs(lab, bucket, 10)


@pytest.mark.long
def test_no_command_aborts_at_its_end_in_forty_runs(lab: Lab, bucket: str) -> None:
    short_runs(lab, bucket, 40)
