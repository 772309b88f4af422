"""`skycap stat`: all that is known about one file or folder."""

from __future__ import annotations

from skycap.core.cli import entries
from skycap.core.cli.flags import Places
from skycap.core.cli.group import new_app
from skycap.core.cli.session import session
from skycap.core.cli.table import print_table
from skycap.core.units import format_size

app = new_app()


@app.command()
def stat(places: Places) -> None:
    """Tell all that is known about files and folders.

    \b
    Examples:
      skycap stat photos:2024/a.jpg
      skycap stat --json s3://bucket/key
    """
    run = session()
    for place in places:
        location = run.open(place)
        entry = location.storage.stat(location.path)
        record = entries.as_record(entry)
        if run.json:
            run.emit(record | {"place": location.shown()})
            continue
        rows = [("place", location.shown())]
        for name, value in record.items():
            if name in {"type", "mtime_ns", "stored_at_ns"}:
                continue
            if isinstance(value, dict):
                rows += [(f"{name}.{key}", _shown(key, below)) for key, below in value.items()]
            else:
                rows.append((name, _shown(name, value)))
        print_table(run, ("", ""), rows)


def _shown(name: str, value: object) -> str:
    if name == "size" and isinstance(value, int):
        return f"{value} ({format_size(value)})" if value >= 1024 else str(value)
    if name == "mode" and isinstance(value, int):
        return f"{value:04o}"
    return str(value)
