"""`skycap sync`: make the target the same as the source."""

from __future__ import annotations

from skycap.core.cli.flags import Source, Target
from skycap.core.cli.group import new_app
from skycap.core.cli.options import takes
from skycap.core.cli.session import session
from skycap.core.cli.transfer_flags import SyncFlags

app = new_app()


@app.command()
@takes(SyncFlags)
def sync(source: Source, target: Target, *, flags: SyncFlags) -> int:
    """Make the target the same as the source; what only the target has is removed, after a question.

    \b
    Examples:
      skycap sync photos minio:my-bucket/photos
      skycap sync --yes --max-delete 100 docs /media/backup/docs
    """
    from skycap.core.cli.transferring import run_transfer

    return run_transfer(session(), "sync", source, target, flags)
