"""The flags of what selects, moves or deletes files."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from skycap.core.cli.complete import complete_local
from skycap.core.cli.flags import a_size, a_time, an_age
from skycap.core.errors import UsageError
from skycap.core.units import parse_age, parse_size

if TYPE_CHECKING:
    from skycap.core.cli.session import Session
    from skycap.core.transfer.options import TransferOptions
    from skycap.core.transfer.walk import Selects


def write_report_to(run: Session, found: dict[str, Any], path: str) -> None:
    """Write a report into a file, or with `-` to standard output."""
    from skycap.core.transfer.report import write_report

    if path == "-":
        run.emit(found)
    else:
        write_report(found, path)


Links = Literal["keep", "follow", "skip"]
ProgressMode = Literal["auto", "plain", "none"]


@dataclass(frozen=True, kw_only=True, repr=False, eq=False)
class SelectFlags:
    """Which files count, on both sides."""

    include: Annotated[
        list[str] | None,
        typer.Option("--include", metavar="PATTERN", help="Only what matches; may be given again."),
    ] = None
    exclude: Annotated[
        list[str] | None,
        typer.Option("--exclude", metavar="PATTERN", help="Not what matches; may be given again."),
    ] = None
    filter_from: Annotated[
        list[str] | None,
        typer.Option(
            "--filter-from",
            metavar="FILE",
            autocompletion=complete_local,
            help="Patterns from a file, as in .gitignore.",
        ),
    ] = None
    min_size: Annotated[
        str | None,
        typer.Option("--min-size", metavar="SIZE", callback=a_size, help="Only files of at least this size."),
    ] = None
    max_size: Annotated[
        str | None,
        typer.Option("--max-size", metavar="SIZE", callback=a_size, help="Only files of at most this size."),
    ] = None
    min_age: Annotated[
        str | None,
        typer.Option(
            "--min-age",
            metavar="TIME",
            callback=an_age,
            help="Only what changed longer ago, or before a date; on S3, what was uploaded.",
        ),
    ] = None
    max_age: Annotated[
        str | None,
        typer.Option(
            "--max-age",
            metavar="TIME",
            callback=an_age,
            help="Only what changed since then, or since a date; on S3, what was uploaded.",
        ),
    ] = None

    def select(self) -> Selects | None:
        """The filter that these flags make; None where all counts."""
        if not any(vars(self)[name] for name in SelectFlags.__dataclass_fields__):
            return None
        from skycap.core.transfer.filter import Filter

        now = time.time()
        min_size, max_size = (
            None if size is None else parse_size(size) for size in (self.min_size, self.max_size)
        )
        min_age_s, max_age_s = (
            None if age is None else parse_age(age, now) for age in (self.min_age, self.max_age)
        )
        if min_size is not None and max_size is not None and min_size > max_size:
            raise UsageError("no file has at least --min-size and at most --max-size")
        if min_age_s is not None and max_age_s is not None and min_age_s > max_age_s:
            raise UsageError("nothing changed longer ago than --min-age and since --max-age")
        return Filter.build(
            include=self.include or (),
            exclude=self.exclude or (),
            files=self.filter_from or (),
            min_size=min_size,
            max_size=max_size,
            min_age_s=min_age_s,
            max_age_s=max_age_s,
            clock=lambda: now,
        )


@dataclass(frozen=True, kw_only=True, repr=False, eq=False)
class CompareFlags(SelectFlags):
    """What counts as the same, and how both places are reached."""

    checksum: Annotated[bool, typer.Option("--checksum", "-c", help="Compare contents, not times.")] = False
    size_only: Annotated[bool, typer.Option("--size-only", help="Compare sizes, nothing else.")] = False
    links: Annotated[Links, typer.Option("--links", help="Symbolic links: keep, follow or skip them.")] = (
        "keep"
    )
    transfers: Annotated[
        int | None,
        typer.Option(
            "--transfers",
            min=1,
            metavar="N",
            help="So many files at once. [default: what both stores bear; 2 between local disks]",
        ),
    ] = None
    limit_rate: Annotated[
        str | None,
        typer.Option("--limit-rate", metavar="SIZE", callback=a_size, help="At most so many bytes a second."),
    ] = None
    retries: Annotated[
        int | None,
        typer.Option(
            "--retries", min=0, metavar="N", help="Try so many times again. [default: 7; none on local disks]"
        ),
    ] = None
    timeout: Annotated[
        str | None,
        typer.Option(
            "--timeout",
            metavar="TIME",
            callback=a_time,
            help="How long one try may take. [default: no limit but that of the store]",
        ),
    ] = None

    def overrides(self, *, reading: bool) -> dict[str, Any]:
        """What these flags say to a storage that is opened."""
        found: dict[str, Any] = {}
        for name in ("limit_rate", "retries", "timeout"):
            if (value := getattr(self, name)) is not None:
                found[name] = value
        if reading and self.links == "follow":
            found["links"] = "follow"
        return found

    def compare_options(self) -> dict[str, Any]:
        """Those of the transfer's options that these flags set."""
        from skycap.core.transfer.compare import Compare

        if self.checksum and self.size_only:
            raise UsageError("--checksum and --size-only exclude each other")
        compare = Compare.CHECKSUM if self.checksum else Compare.SIZE if self.size_only else Compare.MTIME
        return {
            "compare": compare,
            "select": self.select(),
            "links": self.links,
            "transfers": self.transfers,
        }


@dataclass(frozen=True, kw_only=True, repr=False, eq=False)
class TransferFlags(CompareFlags):
    """What copy, sync and move can all be told."""

    dry_run: Annotated[bool, typer.Option("--dry-run", "-n", help="Only show what would be done.")] = False
    interactive: Annotated[
        bool,
        typer.Option(
            "--interactive",
            "-i",
            help="Ask for each file first: y yes, N no, a yes to all the rest, q stop, nothing changed.",
        ),
    ] = False
    overwrite: Annotated[
        Literal["always", "never", "newer", "rename"],
        typer.Option(
            "--overwrite",
            help="Replace what differs: always, never, only what is older; or rename it, to keep both.",
        ),
    ] = "always"
    verify: Annotated[bool, typer.Option("--verify", help="Read every file back.")] = False
    metadata: Annotated[
        bool, typer.Option("--metadata/--no-metadata", help="Keep mode, owner, extended attributes.")
    ] = True
    fsync: Annotated[
        Literal["never", "file"],
        typer.Option("--fsync", help="Force local files to disk: never, or each file."),
    ] = "never"
    progress: Annotated[
        ProgressMode,
        typer.Option("--progress", help="auto: bars on a terminal; plain: a line a minute; none."),
    ] = "auto"
    report: Annotated[
        str | None,
        typer.Option(
            "--report",
            metavar="FILE",
            autocompletion=complete_local,
            help="Write what happened as JSON; - is standard output.",
        ),
    ] = None
    engine: Annotated[
        str | None, typer.Option("--engine", metavar="NAME", help="Who does the work; from a plugin.")
    ] = None

    def overrides(self, *, reading: bool) -> dict[str, Any]:
        """What these flags say to a storage that is opened."""
        found = super().overrides(reading=reading)
        if not reading and self.fsync != "never":
            found["fsync"] = self.fsync
        return found

    def options(self) -> TransferOptions:
        """The transfer's options."""
        from skycap.core.transfer.options import TransferOptions

        return TransferOptions(
            **self.compare_options(),
            overwrite=self.overwrite,
            metadata=self.metadata,
            verify=self.verify,
            dry_run=self.dry_run,
        )


@dataclass(frozen=True, kw_only=True, repr=False, eq=False)
class SyncFlags(TransferFlags):
    """All that sync can be told: it alone removes what only the target has."""

    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask before deleting.")] = False
    max_delete: Annotated[
        int | None,
        typer.Option("--max-delete", min=0, metavar="N", help="Delete nothing if more would have to go."),
    ] = None
    allow_empty_source: Annotated[
        bool, typer.Option("--allow-empty-source", help="Delete files also where the source has none.")
    ] = False

    def options(self) -> TransferOptions:
        """The transfer's options."""
        from dataclasses import replace

        return replace(
            super().options(), max_delete=self.max_delete, allow_empty_source=self.allow_empty_source
        )
