"""`skycap move`: copy, then remove each file at the source."""

from __future__ import annotations

from skycap.core.cli.flags import Source, Target
from skycap.core.cli.group import new_app
from skycap.core.cli.options import takes
from skycap.core.cli.session import session
from skycap.core.cli.transfer_flags import TransferFlags

app = new_app()


@app.command()
@takes(TransferFlags)
def move(source: Source, target: Target, *, flags: TransferFlags) -> int:
    """Move a file, or what is in a folder; each is removed at the source once it is safe at the target.

    \b
    Examples:
      skycap move inbox archive:2024
      skycap move --min-age 30d logs s3://bucket/logs
    """
    from skycap.core.cli.transferring import run_transfer

    return run_transfer(session(), "move", source, target, flags)
