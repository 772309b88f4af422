"""`skycap copy`: files and folders, from anywhere to anywhere."""

from __future__ import annotations

from skycap.core.cli.flags import Source, Target
from skycap.core.cli.group import new_app
from skycap.core.cli.options import takes
from skycap.core.cli.session import session
from skycap.core.cli.transfer_flags import TransferFlags

app = new_app()


@app.command()
@takes(TransferFlags)
def copy(source: Source, target: Target, *, flags: TransferFlags) -> int:
    """Copy a file, or what is in a folder; nothing is removed, and what is the same already stays.

    \b
    Examples:
      skycap copy photos minio:my-bucket/photos
      pg_dump shop | skycap copy - s3://backups/shop.sql
    """
    run = session()
    if source == "-" or target == "-":
        from skycap.core.cli.piping import copy_piped

        return copy_piped(run, source, target, flags)
    from skycap.core.cli.transferring import run_transfer

    return run_transfer(run, "copy", source, target, flags)
