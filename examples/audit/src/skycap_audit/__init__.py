"""Write down every file that a transfer moved or removed: `SKYCAP_AUDIT=audit.log skycap sync …`."""

from __future__ import annotations

import os

from skycap.core.hookspecs import hookimpl


@hookimpl
def transfer_event(event):
    if event.type in {"copied", "removed"} and (log := os.environ.get("SKYCAP_AUDIT")):
        with open(log, "a", encoding="utf-8", errors="backslashreplace") as stream:
            stream.write(f"{event.type}\t{event.path}\n")
