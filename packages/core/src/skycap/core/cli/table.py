"""Columns for people and pipes: padded on a terminal, one tab between them elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from skycap.core.paths import printable

if TYPE_CHECKING:
    from skycap.core.cli.session import Session


def print_table(run: Session, header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Rows of text; a terminal gets a header too."""
    if not run.pretty:
        for row in rows:
            run.line("\t".join(row))
        return
    if not rows:
        return
    shown = [[printable(cell) for cell in row] for row in rows]
    if any(header):
        shown.insert(0, [cell.upper() for cell in header])
    widths = [max(len(row[column]) for row in shown) for column in range(len(shown[0]))]
    for row in shown:
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=True)]
        run.line("  ".join(cells).rstrip())
