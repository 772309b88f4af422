"""skycap and its peers: how each is asked to move a folder, and with what environment.

Every one is asked the way its own manual says, with what its users would set for speed.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

Argv = Callable[[str, str], list[str]]
SKYCAP = "skycap"


@dataclass(frozen=True, slots=True)
class Place:
    """The S3 server of a benchmark, and a folder for everybody's configuration and state."""

    home: Path
    endpoint: str = ""
    bucket: str = "bench"
    access_key_id: str = ""
    secret_access_key: str = ""

    def environment(self) -> dict[str, str]:
        """What every contender gets: its programs, a home of its own, the server; nothing of the user's."""
        home = str(self.home)
        own = {
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")]),
            "HOME": home,
            "LANG": "C.UTF-8",
            "SKYCAP_CONFIG": f"{home}/skycap.toml",
            "SKYCAP_STATE": f"{home}/state",
            "RCLONE_CONFIG": f"{home}/rclone.conf",
        }
        if not self.endpoint:
            return own
        aws = self.home / "aws.conf"
        aws.write_text("[default]\nregion = us-east-1\ns3 =\n    preferred_transfer_client = crt\n")
        return own | {
            "AWS_ACCESS_KEY_ID": self.access_key_id,
            "AWS_SECRET_ACCESS_KEY": self.secret_access_key,
            "AWS_REGION": "us-east-1",
            "AWS_CONFIG_FILE": str(aws),
            "AWS_EC2_METADATA_DISABLED": "true",
            "SKYCAP_REMOTE_T_TYPE": "s3",
            "SKYCAP_REMOTE_T_ENDPOINT": self.endpoint,
            "RCLONE_CONFIG_T_TYPE": "s3",
            "RCLONE_CONFIG_T_PROVIDER": "SeaweedFS",
            "RCLONE_CONFIG_T_ENDPOINT": self.endpoint,
            "RCLONE_CONFIG_T_ENV_AUTH": "true",
            "S3_ENDPOINT_URL": self.endpoint,
        }


@dataclass(frozen=True, slots=True)
class Contender:
    """One program with its settings. `group` is the peer it is a variant of: the best of a group counts."""

    name: str
    argv: Argv
    group: str = ""
    program: str = field(default="")

    def __post_init__(self) -> None:
        object.__setattr__(self, "group", self.group or self.name)
        object.__setattr__(self, "program", self.program or self.group)

    @property
    def found(self) -> bool:
        """Whether its program is here."""
        beside = Path(sys.executable).parent
        return shutil.which(self.program, path=os.pathsep.join([str(beside), os.environ["PATH"]])) is not None


def skycap(*command: str) -> Contender:
    """skycap, with nothing set."""
    return Contender(SKYCAP, lambda source, target: ["skycap", *command, _ours(source), _ours(target)])


def rclone(verb: str, *flags: str, label: str = "") -> Contender:
    """rclone, `--transfers 4` when nothing is said."""
    name = f"rclone {label or ' '.join(flags)}".strip()
    return Contender(
        name, lambda source, target: ["rclone", verb, *flags, _ours(source), _ours(target)], group="rclone"
    )


def cp() -> Contender:
    """`cp -a`; the dot copies what is in the folder."""
    return Contender("cp -a", lambda source, target: ["cp", "-a", f"{source}/.", target], program="cp")


def s5cmd() -> Contender:
    """s5cmd, which wants a wildcard to fetch a folder."""

    def argv(source: str, target: str) -> list[str]:
        begin = f"{source}/*" if source.startswith("s3://") else f"{source}/"
        return ["s5cmd", "--log", "error", "cp", begin, f"{target}/"]

    return Contender("s5cmd", argv)


def awscli(endpoint: str) -> Contender:
    """The AWS command line on its native transfer client."""

    def argv(source: str, target: str) -> list[str]:
        flags = ["--endpoint-url", endpoint, "--only-show-errors", "--recursive"]
        return ["aws", "s3", "cp", *flags, source, target]

    return Contender("aws (CRT)", argv, program="aws")


def _ours(place: str) -> str:
    return place.replace("s3://", "t:", 1)
