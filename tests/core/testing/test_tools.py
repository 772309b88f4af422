"""The plugin, the servers and the child without rights."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Callable

import pytest

from skycap.core import testing
from skycap.core.errors import AccessDenied
from skycap.core.testing.proxy import TroublingProxy
from skycap.core.testing.servers import free_port, free_ports, wait_for_port
from skycap.core.testing.unprivileged import NOBODY, as_nobody


def test_the_plugin_costs_next_to_nothing() -> None:
    code = (
        "import sys, pytest; before = set(sys.modules); import skycap.core.testing.plugin;"
        "print(*sorted(m for m in set(sys.modules) - before if not m.startswith('skycap.core.testing')))"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert set(answer.stdout.split()) <= {"skycap", "skycap.core"}


def test_free_ports_differ_and_can_be_taken() -> None:
    ports = free_ports(5)
    assert len(set(ports)) == 5
    with socket.create_server(("127.0.0.1", ports[0])) as listener:
        assert listener.getsockname()[1] == ports[0]


def test_waiting_for_a_port_ends_when_somebody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        wait_for_port(listener.getsockname()[1])


def test_waiting_for_a_port_ends_when_nobody_does() -> None:
    with pytest.raises(RuntimeError, match="nobody listens"):
        wait_for_port(free_port(), timeout_s=0.05)


def test_waiting_for_a_port_ends_with_the_process() -> None:
    with subprocess.Popen([sys.executable, "-c", "raise SystemExit(3)"]) as process:
        process.wait()
        with pytest.raises(RuntimeError, match="status 3"):
            wait_for_port(free_port(), process=process)


def test_a_child_without_rights_answers_and_raises() -> None:
    assert as_nobody(lambda a, b: a + b, 1, b=2) == 3
    with pytest.raises(AccessDenied) as caught:
        as_nobody(_refuse)
    assert (caught.value.message, caught.value.where) == ("no", "here")
    if os.geteuid() == 0:
        assert as_nobody(os.geteuid) == NOBODY


def _refuse() -> None:
    raise AccessDenied("no", where="here")


def test_a_proxy_ends_with_its_test(troubling_proxy: Callable[[str], TroublingProxy]) -> None:
    proxy = troubling_proxy("http://127.0.0.1:1")
    assert proxy.endpoint.startswith("http://127.0.0.1:")


def test_a_proxy_wants_to_know_where_to() -> None:
    with pytest.raises(ValueError, match="is not like"):
        TroublingProxy("127.0.0.1:80")


@pytest.mark.parametrize("name", testing.__all__)
def test_every_tool_can_be_had_from_the_top(name: str) -> None:
    assert getattr(testing, name).__name__ == name


def test_what_is_no_tool_is_no_attribute() -> None:
    with pytest.raises(AttributeError, match="absent"):
        _ = testing.absent
