"""Whether a process is still the one that was meant: its id may have been given to another."""

from __future__ import annotations

import os
import signal
import sys
from typing import Any

_ZOMBIE = b"Z"
_SYSTEM: str = sys.platform


def birth(pid: int) -> str | None:
    """What tells this process from every other that had or will have its id; None if it is not running.

    One that ended and was not yet waited for counts as not running.
    """
    if pid <= 0:
        return None
    if _SYSTEM == "linux":
        return _birth_on_linux(pid)
    return _birth_on_windows(pid) if _SYSTEM == "win32" else _birth_by_ps(pid)


def terminate(pid: int, born: str, *, now: bool = False) -> bool:
    """Ask a process to end, or end it `now`; False if it is not running any more.

    On Windows, where no process without a console can be asked, both end it at once. `PermissionError` if it
    is somebody else's.
    """
    number = signal.SIGTERM if not now or sys.platform == "win32" else signal.SIGKILL
    try:
        if not hasattr(os, "pidfd_open"):
            if birth(pid) != born:
                return False
            os.kill(pid, number)
            return True
        # A descriptor names the process itself: between the look and the signal the id could pass on.
        descriptor = os.pidfd_open(pid)
        try:
            if birth(pid) != born:
                return False
            signal.pidfd_send_signal(descriptor, number)
        finally:
            os.close(descriptor)
    except ProcessLookupError:
        return False
    return True


def _birth_on_linux(pid: int) -> str | None:
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            # The name before may hold spaces and parentheses. Then: state, …, starttime, the 22nd of proc(5).
            fields = file.read().rpartition(b")")[2].split()
        with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
            boot = file.read().strip()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return None if fields[0] == _ZOMBIE else f"{boot}:{fields[19].decode('ascii')}"


def _birth_by_ps(pid: int) -> str | None:
    import subprocess

    done = subprocess.run(
        ["ps", "-o", "stat=,lstart=", "-p", str(pid)],
        env={**os.environ, "LC_ALL": "C", "TZ": "UTC"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
    )
    state, _, started = done.stdout.strip().partition(b" ")
    return None if not started or state.startswith(_ZOMBIE) else started.strip().decode("ascii", "replace")


def _birth_on_windows(pid: int) -> str | None:  # pragma: no cover - another system
    import ctypes
    from ctypes import wintypes

    query, still_active = 0x1000, 259
    library: Any = ctypes
    kernel = library.WinDLL("kernel32", use_last_error=True)
    kernel.OpenProcess.restype = wintypes.HANDLE
    handle = kernel.OpenProcess(query, False, pid)
    if not handle:
        return None
    handle = wintypes.HANDLE(handle)
    try:
        status, times = wintypes.DWORD(), [wintypes.FILETIME() for _ in range(4)]
        kernel.GetExitCodeProcess(handle, ctypes.byref(status))
        if status.value != still_active:
            return None
        kernel.GetProcessTimes(handle, *(ctypes.byref(one) for one in times))
        return f"{times[0].dwHighDateTime}:{times[0].dwLowDateTime}"
    finally:
        kernel.CloseHandle(handle)
