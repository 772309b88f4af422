"""`skycap remote`: the places that have a name."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Annotated, Any

import typer

from skycap.core.cli.asking import answered, new_passphrase, secret_store, shown
from skycap.core.cli.browse import require
from skycap.core.cli.complete import complete_local, complete_remote, complete_type
from skycap.core.cli.entries import iso_time
from skycap.core.cli.flags import DryRun, Place, Yes, a_time
from skycap.core.cli.group import new_app
from skycap.core.cli.prompt import TerminalPrompt, nothing_found
from skycap.core.cli.session import Session, session
from skycap.core.cli.table import print_table
from skycap.core.errors import Error, Partial
from skycap.core.storage.capability import Capability
from skycap.core.units import format_size, parse_duration

_HELP = """Set up and look after remotes: places that have a name.

\b
Examples:
  skycap remote add photos s3 region=eu-central-1 profile=home
  skycap remote list
"""
app = new_app(help=_HELP, no_args_is_help=True)

Name = Annotated[
    str, typer.Argument(metavar="NAME", help="The name of the remote.", autocompletion=complete_remote)
]
Pairs = Annotated[
    list[str] | None,
    typer.Argument(metavar="KEY=VALUE...", help="Options; `skycap remote types` lists them."),
]


@app.command()
def add(
    name: Annotated[str, typer.Argument(metavar="NAME", help="What it shall be called.")],
    type_name: Annotated[
        str, typer.Argument(metavar="TYPE", help="The storage type.", autocompletion=complete_type)
    ],
    options: Pairs = None,
    replace: Annotated[bool, typer.Option("--replace", help="In place of one of the same name.")] = False,
) -> None:
    """Make a remote. Secrets go to the credential store; write KEY=- to be asked for one.

    \b
    Examples:
      skycap remote add photos s3 region=eu-central-1 profile=home
      skycap remote add box s3 endpoint=https://s3.example.org secret_access_key=-
    """
    from skycap.core.remotes import configuring

    run = session()
    name = name.removesuffix(":")
    values = {k: v for k, v in answered(run, type_name, name, options).items() if v is not None}
    made = configuring.add(run.opener, name, type_name, values, replace=replace, store=secret_store())
    if run.json:
        run.emit({"type": "remote", "name": made.name, "storage_type": made.type})
    _tell_paths(run, values, made.values)
    _tell_schemes(run, type_name, values)
    told = f'"skycap ls {made.name}:" shows what is in it.'
    if configuring.needs_login(run.opener, made):
        told = f'"skycap auth login {made.name}" asks for what opens it.'
    run.note(f"Made the remote {made.name}. {told}")


@app.command()
def edit(name: Name, options: Pairs = None) -> None:
    """Change options of a remote; KEY= takes one out, KEY=- asks for it.

    \b
    Examples:
      skycap remote edit photos region=eu-west-1
      skycap remote edit photos retries=10 profile=
    """
    from skycap.core.remotes import configuring

    run = session()
    name = name.removesuffix(":")
    type_name = run.opener.remotes.get(name).type
    values = answered(run, type_name, name, options)
    _tell_paths(run, values, configuring.edit(run.opener, name, values, store=secret_store()))
    _tell_schemes(run, type_name, values)
    run.note(f"Changed the remote {name}." if values else "Nothing was to be changed.")


def _tell_paths(run: Session, given: Mapping[str, str | None], kept: Mapping[str, object]) -> None:
    """Say which paths of this machine were written down in another way than they were given."""
    for option, value in kept.items():
        path = str(value).removeprefix("file:")
        if os.path.isabs(path) and value != given.get(option):
            run.note(f"{option} is kept as {value}, so that it is the same place from every folder.")


def _tell_schemes(run: Session, type_name: str, given: Mapping[str, str | None]) -> None:
    """Say what an address without a scheme is taken as."""
    from skycap.core.remotes.configuring import taken_as

    for option, url in taken_as(run.opener, type_name, given).items():
        plain = f"http://{given[option]}"
        run.note(f"{option} is taken as {url}; write {plain} if it speaks no TLS.")


@app.command(name="list")
def list_() -> None:
    """List all remotes, with their type and where they are set.

    \b
    Examples:
      skycap remote list
      skycap remote list --json
    """
    run = session()
    rows = []
    for name in run.opener.remotes.names():
        record: dict[str, Any] = {"type": "remote", "name": name, "storage_type": None, "origin": None}
        try:
            found = run.opener.remotes.type_of(name)
            record |= {"storage_type": str(found.value), "origin": found.origin}
            run.opener.check_type(found)
        except Error as error:
            run.complain(error)
            record["problem"] = error.message
        if run.json:
            run.emit(record)
        rows.append((f"{name}:", record["storage_type"] or "", record["origin"] or ""))
    if not run.json:
        print_table(run, ("name", "type", "set by"), rows)
        if not rows:
            run.note('There are no remotes yet. "skycap remote add NAME TYPE" makes one.')


@app.command()
def show(name: Name) -> None:
    """Show what is set for a remote and where each value comes from; secrets only as references.

    \b
    Examples:
      skycap remote show photos
      skycap remote show --json photos
    """
    run = session()
    found = run.opener.remotes.get(name.removesuffix(":"))
    secret = {info.name for info in run.opener.describe(found.type) if info.secret}
    rows = [("type", found.type, found.origin)]
    for option, setting in found.settings.items():
        value = shown(setting.value) if option in secret else str(setting.value)
        rows.append((option, value, setting.origin))
    if run.json:
        options = {option: {"value": value, "origin": origin} for option, value, origin in rows[1:]}
        run.emit({"type": "remote", "name": found.name, "storage_type": found.type, "options": options})
    else:
        print_table(run, ("option", "value", "set by"), rows)


@app.command()
def types(
    type_name: Annotated[
        str | None, typer.Argument(metavar="TYPE", help="One type.", autocompletion=complete_type)
    ] = None,
) -> None:
    """List the storage types, or the options of one of them.

    \b
    Examples:
      skycap remote types
      skycap remote types s3
    """
    run = session()
    rows: list[tuple[str, ...]] = []
    if type_name is None:
        for name, offer in run.opener.types.items():
            rows.append((name, offer.summary))
            if run.json:
                run.emit({"type": "storage_type", "name": name, "summary": offer.summary})
        header: tuple[str, ...] = ("type", "")
    else:
        header = ("option", "default", "")
        for info in run.opener.load_options(type_name, type_name):
            default = "required" if info.required else "" if info.default is None else str(info.default)
            rows.append((info.name, "secret" if info.secret else default, info.help))
            if run.json:
                run.emit(
                    {
                        "type": "option",
                        "name": info.name,
                        "help": info.help,
                        "required": info.required,
                        "secret": info.secret,
                        "default": None if info.secret or info.default is None else str(info.default),
                        "variables": list(info.env),
                    }
                )
    if not run.json:
        print_table(run, header, rows)


@app.command()
def remove(name: Name, yes: Yes = False) -> None:
    """Forget a remote. The files in it stay where they are.

    \b
    Examples:
      skycap remote remove photos
      skycap remote remove --yes photos
    """
    from skycap.core.auth.login import forget
    from skycap.core.plugins import plugins
    from skycap.core.remotes import configuring
    from skycap.core.remotes.checking import standing_on

    run = session()
    name = name.removesuffix(":")
    run.opener.remotes.type_of(name)  # there is one, of whatever type
    warning = ""
    if above := standing_on(run.opener, name):
        warning = f"{' and '.join(above)} {'stands' if len(above) == 1 else 'stand'} on {name}. "
        if yes:
            run.warn(f"{warning.rstrip()} Without it nothing there can be read.")
    run.confirm(f"{warning}Forget the remote {name} and its stored secrets?", yes=yes)
    for reference in forget(configuring.remove(run.opener, name), plugins().credential_store):
        run.warn(nothing_found(reference))
    run.note(f"Forgot the remote {name}.")


@app.command()
def passphrase(
    name: Name,
    source: Annotated[
        str | None,
        typer.Option(
            "--new-passphrase-file",
            metavar="FILE",
            autocompletion=complete_local,
            help="Take the new one from the first line of a file; - is standard input.",
        ),
    ] = None,
) -> None:
    """Change the passphrase of an encrypted remote. No file is encrypted anew.

    \b
    Examples:
      skycap remote passphrase vault
      pass show new-vault | skycap remote passphrase --new-passphrase-file - vault
    """
    from skycap.core.remotes.passphrase import change_passphrase

    run = session()
    name, prompt = name.removesuffix(":"), TerminalPrompt()

    stored, advice = change_passphrase(run.opener, name, lambda: new_passphrase(run, name, source), prompt)
    if run.json:
        run.emit({"type": "passphrase", "remote": name, "stored": stored, "left_to_do": advice})
    run.note(f"Changed the passphrase of {name}{', and stored it' if stored else ''}. {advice}")


@app.command()
def check(
    name: Annotated[
        str, typer.Argument(metavar="PLACE", help="A remote or a place.", autocompletion=complete_remote)
    ],
) -> int:
    """Look whether a remote answers, and tell what it can do. Changes nothing.

    \b
    Examples:
      skycap remote check photos
      skycap remote check s3://bucket
    """
    from skycap.core.remotes.checking import check_place

    run = session()
    location = run.open(name if ":" in name or "/" in name or name == "." else f"{name}:")
    rows, failed = [], 0
    for step in check_place(location):
        failed += step.error is not None
        if run.json:
            run.emit(step.as_record())
        else:
            rows.append((step.name, "failed" if step.error else "ok", step.told))
        if step.error is not None:
            run.complain(step.error)
    if not run.json:
        print_table(run, ("step", "", ""), rows)
    return Partial.exit_status if failed else 0


@app.command()
def cleanup(
    place: Place,
    older_than: Annotated[
        str,
        typer.Option("--older-than", metavar="TIME", callback=a_time, help="Only what was begun longer ago."),
    ] = "7d",
    dry_run: DryRun = False,
) -> None:
    """Remove what interrupted writes left behind: unfinished uploads, temporary files.

    \b
    Examples:
      skycap remote cleanup photos:holidays
      skycap remote cleanup --older-than 1h --dry-run s3://bucket
    """
    run = session()
    location = run.open(place, for_writing=True)
    require(location, Capability.CLEANUP)
    count = 0
    for found in location.storage.cleanup(
        location.path, older_than_s=parse_duration(older_than), dry_run=dry_run
    ):
        count += 1
        if run.json:
            record: dict[str, Any] = {
                "type": "leftover",
                "path": found.path,
                "id": found.id,
                "size": found.size,
            }
            if found.started_at_ns is not None:
                record["started_at"] = iso_time(found.started_at_ns)
            run.emit(record | {"removed": not dry_run})
        else:
            size = "" if found.size is None else f" ({format_size(found.size)})"
            run.line(f"{found.path}{size}")
    run.note(
        "Nothing was left behind."
        if not count
        else f"{count} would be removed."
        if dry_run
        else f"{count} removed."
    )
