"""litmus, the suite that most servers were measured by, passes wholly."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.interop.webdav.places import NEAR, Served, both_servers

PROGRAMS = Path("/usr/libexec/litmus")
CHECKS = {"basic": 16, "copymove": 13, "props": 30, "locks": 41, "http": 4}
_SUMMARY = re.compile(
    r"<- summary for `(\w+)': of (\d+) tests run: (\d+) passed, (\d+) failed\. ([\d.]+)%(.*)"
)


@pytest.mark.foreign
@both_servers
@pytest.mark.parametrize("kind", [*NEAR, "s3"])
def test_litmus_passes_wholly(served: Served, tmp_path: Path) -> None:
    (tmp_path / "htdocs").mkdir()
    shutil.copy("/usr/share/litmus/htdocs/foo", tmp_path / "htdocs")
    passed, said = {}, ""
    for suite in CHECKS:
        run = subprocess.run(
            [PROGRAMS / suite, served.url],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )
        said += run.stdout + run.stderr
        for name, ran, good, failed, _, _ in _SUMMARY.findall(run.stdout):
            passed[name] = int(good)
            assert (ran, failed, run.returncode) == (good, "0", 0), run.stdout
    assert passed == CHECKS, said
    assert sum(passed.values()) == 104
    assert "WARNING" not in said
    assert "warning" not in said
