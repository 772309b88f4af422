"""Arguments that several of these commands share, each written once."""

from __future__ import annotations

from typing import Annotated

import typer

from skycap.core.cli.complete import complete_place

_HELP = "NAME:PATH, a path of the account, or an id."

Item = Annotated[str, typer.Argument(metavar="ITEM", help=_HELP, autocompletion=complete_place)]
Items = Annotated[list[str], typer.Argument(metavar="ITEM...", help=_HELP, autocompletion=complete_place)]
