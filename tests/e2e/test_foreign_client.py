"""What skycap wrote, another program finds equal, and the other way round."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.e2e.lab import Lab, equal, rclone
from tests.e2e.stores import Store
from tests.e2e.trees import MiB, hashes, names, times, write_file, write_tree

_MICROSECOND_NS = 1000


@pytest.fixture
def source(lab: Lab) -> Path:
    root = lab.folder / "source"
    write_tree(root, seed=31, files=60)
    write_file(root / "a space ünï%20🚀.bin", 1000, seed=32)
    write_file(root / "large.bin", 12 * MiB, seed=33)
    return root


@pytest.fixture
def env(lab: Lab, store: Store) -> dict[str, str]:
    """The same store as `r:` of the other program; large files in parts on both sides."""
    lab.env |= {"SKYCAP_REMOTE_T_UPLOAD_FROM": "8MiB", "SKYCAP_REMOTE_T_PART_SIZE": "5MiB"}
    return {
        **store.keys,
        "RCLONE_CONFIG_R_TYPE": "s3",
        "RCLONE_CONFIG_R_PROVIDER": "Other",
        "RCLONE_CONFIG_R_ENV_AUTH": "true",
        "RCLONE_CONFIG_R_REGION": "us-east-1",
        "RCLONE_CONFIG_R_ENDPOINT": store.endpoint,
        "RCLONE_S3_UPLOAD_CUTOFF": "8M",
    }


def test_another_program_finds_what_skycap_wrote_equal_with_its_times(
    lab: Lab, source: Path, env: dict[str, str], bucket: str
) -> None:
    assert lab.run("copy", source, f"t:{bucket}/x").status == 0
    for more in ([], ["--download"]):
        found = rclone(["check", source, f"r:{bucket}/x", *more], env, lab.folder)
        assert found.returncode == 0, found.stderr
    listed = rclone(["lsjson", "-R", "--files-only", f"r:{bucket}/x"], env, lab.folder)
    assert listed.returncode == 0, listed.stderr
    there = {item["Path"]: item for item in json.loads(listed.stdout)}
    assert sorted(there) == names(source)
    for path, mtime_ns in times(source).items():
        when = datetime.fromisoformat(there[path]["ModTime"][:26].rstrip("Z")).replace(tzinfo=UTC)
        assert abs(when.timestamp() * 1e9 - mtime_ns) <= 2 * _MICROSECOND_NS, path
    again = rclone(["copy", "-v", "--stats", "0", source, f"r:{bucket}/x"], env, lab.folder)
    assert again.returncode == 0
    assert "Copied" not in again.stderr  # nothing to do, by its own rules


def test_skycap_finds_what_another_program_wrote_equal_with_its_times(
    lab: Lab, source: Path, env: dict[str, str], bucket: str
) -> None:
    done = rclone(["copy", source, f"r:{bucket}/y"], env, lab.folder)
    assert done.returncode == 0, done.stderr
    equal(lab, source, f"t:{bucket}/y")
    assert lab.run("copy", f"t:{bucket}/y", lab.folder / "back").status == 0
    assert hashes(lab.folder / "back") == hashes(source)
    assert times(lab.folder / "back") == times(source)
    again = lab.reported("copy", source, f"t:{bucket}/y")
    assert again.report["counts"]["copied"] == 0
