"""`/drive/fuzzy`: the search. Exact names first, then by how many groups of three letters are the same."""

from __future__ import annotations

import re
import sqlite3
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter
from fastapi.responses import Response

from skycap.internxt.emulator.checking import Fields, time_text
from skycap.internxt.emulator.errors import no_route
from skycap.internxt.emulator.services import Body, Here, Query, SignedIn, answer

router = APIRouter(prefix="/fuzzy")
A_PAGE = 10


@dataclass(frozen=True)
class Wanted:
    """What is looked for, beside the text."""

    offset: int = 0
    types: frozenset[str] = frozenset()
    least: int | None = None
    most: int | None = None
    after: str | None = None
    before: str | None = None

    @property
    def folders(self) -> bool:
        """Whether a folder can be found: a filter of sizes leaves them out."""
        by_type = not self.types or "folder" in self.types
        return by_type and self.least is None and self.most is None


@router.post("/{text:path}")
def search(here: SignedIn, text: str, body: Body) -> Response:
    """Ten results, from `offset`."""
    if here.services.settings.search_by_get:
        raise no_route("POST", f"/fuzzy/{text}")
    fields = Fields(body)
    types = body.get("type")
    types = [types] if isinstance(types, str) else types or []
    if not isinstance(types, list) or not all(isinstance(one, str) for one in types):
        fields.wrong("each value in type must be a string")
        types = []
    wanted = Wanted(
        fields.whole("offset", default=0),
        frozenset(one.lower() for one in types),
        fields.maybe_whole("minSize"),
        fields.maybe_whole("maxSize"),
        fields.date("modifiedAfter"),
        fields.date("modifiedBefore"),
    )
    fields.done()
    return _found(here, text, wanted)


@router.get("/{text:path}")
def old_search(here: SignedIn, text: str, query: Query) -> Response:
    """The same, of older servers: only an offset."""
    if not here.services.settings.search_by_get:
        raise no_route("GET", f"/fuzzy/{text}")
    fields = Fields(query)
    wanted = Wanted(fields.whole("offset", default=0))
    fields.done()
    return _found(here, text, wanted)


def similarity(one: str, other: str) -> float:
    """From 0 to 1: common groups of three letters over all, as PostgreSQL's extension `pg_trgm` counts."""
    first, second = _trigrams(one), _trigrams(other)
    return len(first & second) / len(first | second) if first and second else 0.0


def _trigrams(text: str) -> set[str]:
    return {
        padded[at : at + 3]
        for word in re.findall(r"\w+", text.lower().replace("_", " "))
        for padded in [f"  {word} "]
        for at in range(len(padded) - 2)
    }


def _found(here: Here, text: str, wanted: Wanted) -> Response:
    settings = here.services.settings
    latest = time_text(settings.now() - settings.search_delay_ms / 1000)
    with here.services.database.reading() as db:
        candidates = _files(db, here, wanted)
        if wanted.folders:
            candidates += [(row, "folder") for row in _folders(db, here)]
    results = []
    for row, kind in candidates:
        exact = row["plain_name"].lower() == text.lower()
        alike = similarity(text, row["plain_name"])
        if (exact or alike > 0) and row["updated_at"] <= latest and _in_time(row, wanted):
            results.append((not exact, -alike, row["plain_name"], row["uuid"], kind, row))
    results.sort(key=lambda one: one[:4])
    page = results[wanted.offset : wanted.offset + A_PAGE]
    return answer({"data": [_shown(here, kind, row, -alike) for _, alike, _, _, kind, row in page]})


def _files(db: sqlite3.Connection, here: Here, wanted: Wanted) -> list[tuple[sqlite3.Row, str]]:
    rows = db.execute("SELECT * FROM files WHERE account = ? AND status = 'EXISTS'", (here.account["id"],))
    return [
        (row, "file")
        for row in rows
        if (not wanted.types or (row["type"] or "").lower() in wanted.types)
        and (wanted.least is None or row["size"] >= wanted.least)
        and (wanted.most is None or row["size"] <= wanted.most)
    ]


def _folders(db: sqlite3.Connection, here: Here) -> list[sqlite3.Row]:
    return db.execute(
        "SELECT * FROM folders WHERE account = ? AND parent_uuid IS NOT NULL AND deleted = 0 AND removed = 0",
        (here.account["id"],),
    ).fetchall()


def _in_time(row: sqlite3.Row, wanted: Wanted) -> bool:
    changed = row["updated_at"]
    return (wanted.after is None or changed >= wanted.after) and (
        wanted.before is None or changed <= wanted.before
    )


def _shown(here: Here, kind: str, row: sqlite3.Row, alike: float) -> dict[str, Any]:
    item: dict[str, Any] = {"id": row["id"]}
    if kind == "file":
        item |= {
            "type": row["type"],
            "size": str(row["size"]),
            "bucket": row["bucket"],
            "fileId": row["file_id"],
        }
        item["plainName"] = row["plain_name"]
    return {
        "id": row["uuid"],
        "itemId": row["uuid"],
        "itemType": kind,
        "userId": here.account["uuid"],
        "name": row["plain_name"],
        "rank": None,
        "similarity": round(alike, 6),
        "item": item,
    }
