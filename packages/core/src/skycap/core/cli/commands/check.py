"""`skycap check`: whether two places hold the same."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from skycap.core.cli.flags import Source, Target
from skycap.core.cli.group import new_app
from skycap.core.cli.options import takes
from skycap.core.cli.session import session
from skycap.core.cli.transfer_flags import CompareFlags
from skycap.core.errors import UsageError

app = new_app()


@app.command()
@takes(CompareFlags)
def check(
    first: Source,
    second: Target,
    quick: Annotated[bool, typer.Option("--quick", help="Compare sizes and times, read nothing.")] = False,
    one_way: Annotated[
        bool, typer.Option("--one-way", help="What only the second place has is no difference.")
    ] = False,
    *,
    flags: CompareFlags,
) -> int:
    """Compare two places by content and tell the differences: 0 equal, 3 different, 14 unreadable.

    \b
    Examples:
      skycap check photos minio:my-bucket/photos
      skycap check --quick docs /media/backup/docs
    """
    import threading

    from skycap.core.cli.stopping import status_of, stopping
    from skycap.core.remotes.pairing import name_of, named_file, target_of_file
    from skycap.core.transfer.check import Checked, Finding
    from skycap.core.transfer.check import check as compare
    from skycap.core.transfer.options import TransferOptions

    run = session()
    ours = run.open(first, overrides=flags.overrides(reading=True))
    theirs = run.open(second, overrides=flags.overrides(reading=True))
    single = named_file(ours) is not None
    if single:
        theirs = target_of_file(theirs, name_of(ours))
    if (named_file(theirs) is not None) is not single:
        raise UsageError("a folder and a file cannot be compared", where=theirs.shown())
    lock = threading.Lock()

    def show(found: Checked) -> None:
        if found.finding is Finding.SAME and run.verbosity <= 0:
            return
        with lock:
            if run.json:
                record: dict[str, Any] = {"type": found.finding.value, "path": found.path}
                run.emit(record | ({"reason": found.reason} if found.reason else {}))
            else:
                name = found.path or (name_of(ours) if single else ".")
                run.line(f"{found.finding.value} {name}" + (f" ({found.reason})" if found.reason else ""))

    cancel = threading.Event()
    with stopping(cancel, run.note) as came:
        result = compare(
            ours,
            theirs,
            TransferOptions(**flags.compare_options()),
            on_checked=show,
            content=not (quick or flags.size_only),
            extra=not one_way,
            single=single,
            cancel=cancel,
        )
    counts = {finding.value: number for finding, number in result.counts.items()}
    if run.json:
        run.emit({"type": "summary", "command": "check", **counts, "exit_status": result.exit_status})
    told = [f"{number} {what}" for what, number in counts.items() if number]
    run.note(f"{', '.join(told) or 'Both are empty'}.")
    return status_of(came) or result.exit_status
