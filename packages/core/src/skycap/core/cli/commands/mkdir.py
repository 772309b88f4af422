"""`skycap mkdir`: make folders."""

from __future__ import annotations

from skycap.core.cli.flags import Places
from skycap.core.cli.group import new_app
from skycap.core.cli.session import session
from skycap.core.remotes.pairing import make_folder

app = new_app()


@app.command()
def mkdir(places: Places) -> None:
    """Make folders, and those above them; one that is there already is fine.

    \b
    Examples:
      skycap mkdir photos:2024/summer
      skycap mkdir /srv/a /srv/b
    """
    run = session()
    for place in places:
        location = run.open(place, for_writing=True)
        make_folder(run.opener, place, location)
        if location.path and not location.storage.facts.empty_dirs:
            location.storage.stat("")  # what it is a part of must be there
        if run.json:
            run.emit({"type": "directory", "path": location.path, "place": location.shown()})
        if location.path and not location.storage.facts.empty_dirs:
            run.note(
                f"{location.shown()}: folders are only parts of names here; it shows once a file is in it."
            )
