"""A change of a passphrase that is killed at any write leaves a vault that opens; the next run ends it."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from tests.e2e.killing import KILLER
from tests.e2e.lab import Lab

_MOST = 20


@pytest.fixture
def machine(tmp_path: Path) -> Lab:
    lab = Lab(tmp_path / "lab", {"SKYCAP_PASSPHRASE": "of the credential file"})
    (tmp_path / "letter").write_text("Dear reader")
    assert lab.run("remote", "add", "vault", "crypt", f"remote={tmp_path / 'sealed'}").status == 0
    assert lab.run("auth", "login", "vault", stdin=b"words 0\n").status == 0
    assert lab.run("copy", tmp_path / "letter", "vault:").status == 0
    return lab


def opens(lab: Lab, words: str) -> bool:
    found = lab.run("cat", "vault:letter", env={"SKYCAP_REMOTE_VAULT_PASSPHRASE": words})
    assert (found.status, found.out) in {(0, b"Dear reader"), (11, b"")}, found.err
    return found.status == 0


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_change_that_is_killed_at_any_write_is_ended_by_the_next_run(
    when: str, machine: Lab, tmp_path: Path
) -> None:
    moments: list[list[bool]] = []
    for number in range(1, _MOST):
        old, new = f"words {number - 1}", f"words {number}"
        file = tmp_path / "new"
        file.write_text(new)
        file.chmod(0o600)
        command = ["remote", "passphrase", "vault", "--new-passphrase-file", str(file)]
        process = machine.start(
            *command, env={"PYTHONPATH": str(KILLER), "E2E_DIE": f"replace:{number}:{when}"}
        )
        _, err = process.communicate(timeout=120)
        if process.returncode == 0:
            break
        assert process.returncode == -signal.SIGKILL, err
        moments.append([opens(machine, old), opens(machine, new)])
        assert sum(moments[-1]) == 1
        again = machine.run(*command)
        assert again.status == 0, again.err
        assert machine.run("cat", "vault:letter").out == b"Dear reader"
        assert opens(machine, new)
    else:
        raise AssertionError("it was killed each time")
    # Some moments lay before the vault was changed, and some behind.
    assert {tuple(found) for found in moments} == {(True, False), (False, True)}
