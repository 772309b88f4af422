"""`skycap internxt share`: links for people without an account, and what they give away."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from skycap.core.cli.flags import Yes
from skycap.core.cli.group import new_app
from skycap.core.cli.session import session
from skycap.internxt.commands.remotes import Name
from skycap.internxt.commands.words import Item, Items

if TYPE_CHECKING:
    from skycap.core.cli.session import Session as Run
    from skycap.core.storage.extras import Share
    from skycap.internxt.commands.drives import Drive, Found
    from skycap.internxt.storage.shares import PublicLinks

_HELP = """Make, show and take back public links, and give them passwords.

Whoever has a link can read what it leads to. The code at its end never reaches Internxt.

\b
Examples:
  skycap internxt share create drive:2024/a.jpg
  skycap internxt share list
"""
_WHOLE = (
    "A link to a folder hands out the key of the whole bucket: whoever has it can open all that the account "
    "holds, not this folder alone."
)
app = new_app(help=_HELP, no_args_is_help=True)


@app.command()
def create(
    items: Items,
    password: Annotated[bool, typer.Option("--password", help="Ask for a password to put on it.")] = False,
    yes: Yes = False,
) -> int:
    """Make a link to a file, or show the one there is. One to a folder opens the whole account, and asks.

    \b
    Examples:
      skycap internxt share create drive:2024/a.jpg
      skycap internxt share create --password drive:2024/a.jpg
      skycap internxt share create --yes drive:2024/
    """
    from skycap.core.cli.prompt import TerminalPrompt
    from skycap.internxt.commands.drives import Drives
    from skycap.internxt.commands.each import each

    run = session()
    drives = Drives(run)
    secret = TerminalPrompt().ask_secret("Password of the link", twice=True).reveal() if password else None

    def one(word: str) -> None:
        found = drives.find(word)
        path = found.reachable()
        if found.kind == "folder":
            run.warn(f"{found.shown()}: {_WHOLE}")
            run.confirm("Make this link all the same?", yes=yes)
        share = _links(found.drive).create(path, password=secret, whole_bucket=found.kind == "folder")
        _show(run, share)

    return each(run, items, one)


@app.command(name="list")
def list_(name: Name = None) -> None:
    """List all links of the account.

    \b
    Examples:
      skycap internxt share list
      skycap internxt share list --json drive
    """
    from skycap.core.cli.table import print_table
    from skycap.internxt.commands.drives import Drives

    run = session()
    drive = Drives(run).of(name)
    rows = []
    for share in drive.around.shares().list():
        if run.json:
            run.emit(_record(share))
        rows.append((share.url, "password" if share.password else "", drive.shown(share.path)))
    if not run.json:
        print_table(run, ("link", "", "path"), rows)
        if not rows:
            run.note("There are no links.")


@app.command()
def info(items: Items) -> int:
    """Show the link of a file or a folder, and whether it asks for a password.

    \b
    Examples:
      skycap internxt share info drive:2024/a.jpg
      skycap internxt share info --json drive:2024/a.jpg
    """
    from skycap.internxt.commands.drives import Drives
    from skycap.internxt.commands.each import each

    run = session()
    drives = Drives(run)

    def one(word: str) -> None:
        found = drives.find(word)
        share = _share_of(found)
        _show(run, share)
        if not run.json:
            run.note("It asks for a password." if share.password else "It asks for no password.")

    return each(run, items, one)


@app.command()
def remove(items: Items) -> int:
    """Take links back. Who copied a file meanwhile keeps it.

    \b
    Examples:
      skycap internxt share remove drive:2024/a.jpg
    """
    from skycap.internxt.commands.drives import Drives
    from skycap.internxt.commands.each import each

    run = session()
    drives = Drives(run)

    def one(word: str) -> None:
        found = drives.find(word)
        share = _share_of(found)
        found.drive.around.shares().remove(share.id or "")
        if run.json:
            run.emit(_record(share) | {"type": "removed"})
        run.note(f"The link to {found.shown()} works no more.")

    return each(run, items, one)


@app.command()
def password(
    item: Item,
    remove_: Annotated[
        bool, typer.Option("--remove", help="Ask whoever has the link for none any more.")
    ] = False,
) -> None:
    """Give the link of a file or a folder another password, which is asked for; or none.

    \b
    Examples:
      skycap internxt share password drive:2024/a.jpg
      skycap internxt share password --remove drive:2024/a.jpg
    """
    from skycap.core.cli.prompt import TerminalPrompt
    from skycap.core.retry import Operation
    from skycap.internxt.commands.drives import Drives

    run = session()
    found = Drives(run).find(item)
    _share_of(found)
    secret = None if remove_ else TerminalPrompt().ask_secret("New password of the link", twice=True)
    links = _links(found.drive)
    share = found.drive.asked(Operation.UPLOAD, links.set_password, found.reachable(), secret)
    if run.json:
        run.emit(_record(share))
    run.note(f"The link to {found.shown()} asks for {'no' if remove_ else 'the new'} password now.")


def _links(drive: Drive) -> PublicLinks:
    """The links, with what only Internxt has."""
    from skycap.internxt.storage.shares import PublicLinks

    return PublicLinks(drive.storage)


def _share_of(found: Found) -> Share:
    from skycap.core.errors import NotFound
    from skycap.core.retry import Operation
    from skycap.internxt.commands.sharing import share_of

    share = found.drive.asked(Operation.LIST, share_of, found)
    if share is None:
        raise NotFound("there is no link to it", where=found.shown())
    return share


def _show(run: Run, share: Share) -> None:
    if run.json:
        run.emit(_record(share))
    else:
        run.line(share.url)


def _record(share: Share) -> dict[str, Any]:
    """As `skycap link` tells it."""
    return {
        "type": "link",
        "url": share.url,
        "path": share.path,
        "id": share.id,
        "password": share.password,
    }
