"""`skycap quota`: bytes used and free."""

from __future__ import annotations

from skycap.core.cli.browse import require
from skycap.core.cli.flags import Place
from skycap.core.cli.group import new_app
from skycap.core.cli.session import session
from skycap.core.cli.table import print_table
from skycap.core.storage.capability import Capability
from skycap.core.units import format_size

app = new_app()


@app.command()
def quota(place: Place = ".") -> None:
    """Tell how many bytes are used and free where a place is.

    \b
    Examples:
      skycap quota photos:
      skycap quota --json /srv
    """
    run = session()
    location = run.open(place)
    require(location, Capability.QUOTA)
    found = location.storage.quota()
    values = {"used": found.used, "free": found.free, "total": found.total}
    if run.json:
        run.emit({"type": "quota", **{name: value for name, value in values.items() if value is not None}})
        return
    known = [(name, value) for name, value in values.items() if value is not None]
    print_table(
        run, ("", ""), [(name, format_size(size) if run.pretty else str(size)) for name, size in known]
    )
