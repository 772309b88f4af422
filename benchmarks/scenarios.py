"""What is measured: who moves which corpus from where to where, and the goal of each.

A goal is a ratio: the time of a peer over the time of skycap in the same run, so 2 is twice as fast.
"""

from __future__ import annotations

from dataclasses import dataclass

from benchmarks.contenders import Contender, awscli, cp, rclone, s5cmd, skycap


@dataclass(frozen=True, slots=True)
class Goal:
    """At least `ratio` against the best of these groups of contenders."""

    ratio: float
    groups: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Scenario:
    """Moves of one corpus. With `again`, the first one is not measured, and the later have nothing to do."""

    name: str
    corpus: str
    source: str
    target: str
    contenders: tuple[Contender, ...]
    goals: tuple[Goal, ...]
    again: bool = False

    @property
    def needs_s3(self) -> bool:
        """Whether one end is the S3 server."""
        return "s3" in {self.source, self.target}


def scenarios(endpoint: str) -> list[Scenario]:
    """All of them, in the order of the table."""
    corpora = ("big", "mixed", "small")
    return [
        *(_local_copy(corpus) for corpus in corpora),
        *(_s3_copy(corpus, "local", "s3", endpoint) for corpus in corpora),
        *(_s3_copy(corpus, "s3", "local", endpoint) for corpus in corpora),
        _idle_sync("local"),
        _idle_sync("s3"),
    ]


_RCLONE = (rclone("copy", "--transfers", "4"), rclone("copy", "--transfers", "16"))
_SHOWN = {"local": "local", "s3": "S3"}


def _local_copy(corpus: str) -> Scenario:
    return Scenario(
        f"copy {corpus}, local to local",
        corpus,
        "local",
        "local",
        (skycap("copy"), cp(), *_RCLONE),
        (Goal(2.5, ("rclone",)), Goal(0.9, ("cp -a",))),
    )


def _s3_copy(corpus: str, source: str, target: str, endpoint: str) -> Scenario:
    contenders: tuple[Contender, ...] = (skycap("copy"), *_RCLONE, s5cmd())
    groups: tuple[str, ...] = ("rclone", "s5cmd")
    if corpus != "small":  # it takes minutes, and no goal asks for it
        contenders, groups = (*contenders, awscli(endpoint)), (*groups, "aws (CRT)")
    ratio = 1.5 if (corpus, target) == ("small", "s3") else 1.0
    return Scenario(
        f"copy {corpus}, {_SHOWN[source]} to {_SHOWN[target]}",
        corpus,
        source,
        target,
        contenders,
        (Goal(ratio, groups),),
    )


def _idle_sync(target: str) -> Scenario:
    # --size-only is quicker and misses a changed file of the same size; it is shown, and is no goal.
    size_only = Contender("rclone --size-only", rclone("sync", "--size-only").argv, program="rclone")
    return Scenario(
        f"sync small, nothing to do, local to {_SHOWN[target]}",
        "small",
        "local",
        target,
        (skycap("sync", "--yes"), rclone("sync"), rclone("sync", "--checksum"), size_only),
        (Goal(1.0, ("rclone",)),),
        again=True,
    )
