"""`skycap webdav cert`: the CA of this machine, and who trusts it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from skycap.core.cli.flags import Yes
from skycap.core.cli.group import new_app
from skycap.core.cli.session import Session, session
from skycap.core.cli.table import print_table
from skycap.core.errors import NotFound, Unsupported

if TYPE_CHECKING:
    from skycap.core.server.certificates import Certificate
    from skycap.core.server.trust_plan import Plan

_HELP = """Look after the certificates that --tls self-signed makes.

\b
Examples:
  skycap webdav cert show
  skycap webdav cert install
"""
app = new_app(help=_HELP, no_args_is_help=True)


@app.command()
def show() -> None:
    """Show the CA and the certificates it signed: names, fingerprints, how long they last.

    \b
    Examples:
      skycap webdav cert show
      skycap webdav cert show --json
    """
    from skycap.core.server.certificates import Certificates

    run = session()
    found = Certificates().show()
    if found.ca is None:
        run.note("There are none yet. --tls self-signed makes them.")
        return
    rows = [_row(run, "CA", found.ca), *(_row(run, "server", leaf) for leaf in found.leaves)]
    if not run.json:
        print_table(run, ("what", "until", "names", "SHA-256", "file"), rows)
        run.note(f"This system trusts the CA: {_trusted(found.ca)}.")


def _row(run: Session, what: str, one: Certificate) -> tuple[str, ...]:
    if run.json:
        record: dict[str, Any] = {
            "type": "certificate",
            "is_ca": what == "CA",
            "path": one.path,
            "subject": one.subject,
            "names": list(one.names),
            "not_before": one.not_before.isoformat(),
            "not_after": one.not_after.isoformat(),
            "sha256": one.sha256,
        }
        if what == "CA":
            record["trusted"] = _trusted(one) == "yes"
        run.emit(record)
    return what, f"{one.not_after:%Y-%m-%d}", ", ".join(one.names), one.sha256, one.path


def _trusted(ca: Certificate) -> str:
    from skycap.core.server.trust import is_installed

    try:
        return "yes" if is_installed(ca) else "no"
    except Unsupported:
        return "not known"


@app.command()
def regenerate(
    host: Annotated[
        str, typer.Option("--host", metavar="HOST", help="A host that it must be valid for.")
    ] = "localhost",
    ca: Annotated[
        bool, typer.Option("--ca", help="A new CA too, which clients must then trust anew.")
    ] = False,
    yes: Yes = False,
) -> None:
    """Make a new certificate; servers that run take it within five minutes.

    \b
    Examples:
      skycap webdav cert regenerate
      skycap webdav cert regenerate --ca --yes
    """
    from skycap.core.server.certificates import Certificates

    run = session()
    if ca:
        run.confirm("Make a new CA? Clients that trust the old one do not trust it.", yes=yes)
    made = Certificates().regenerate(host, with_ca=ca)
    if run.json:
        _row(run, "server", made.leaf)
    run.note(f"Made {made.leaf.path}, valid until {made.leaf.not_after:%Y-%m-%d}.")
    if made.new_ca:
        run.note(f'Clients must trust {made.ca.path}: "skycap webdav cert install".')


@app.command()
def install() -> None:
    """Have this system trust the CA; says the command where root is needed.

    \b
    Examples:
      skycap webdav cert install
      skycap webdav cert install --json
    """
    from skycap.core.server import trust

    run, ca = session(), _ca()
    _tell(run, ca, trust.install(ca), trusted=True)
    run.note("The CA is trusted.")


@app.command()
def uninstall() -> None:
    """Have this system trust the CA no longer.

    \b
    Examples:
      skycap webdav cert uninstall
      skycap webdav cert uninstall --json
    """
    from skycap.core.server import trust

    run, ca = session(), _ca()
    _tell(run, ca, trust.uninstall(ca), trusted=False)
    run.note("The CA is not trusted any more.")


def _ca() -> Certificate:
    from skycap.core.server.certificates import Certificates

    found = Certificates().show().ca
    if found is None:
        raise NotFound(
            "there is no CA yet", hint='"skycap webdav cert regenerate" or --tls self-signed makes it.'
        )
    return found


def _tell(run: Session, ca: Certificate, done: Plan, *, trusted: bool) -> None:
    if run.json:
        run.emit({"type": "trust", "path": ca.path, "sha256": ca.sha256, "trusted": trusted})
    for note in done.notes:
        run.note(note)
