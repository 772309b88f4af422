"""File names as Internxt keeps them: a plain name, and the extension apart from it as the type.

The split is at the last dot. What has no dot but the first one (`.bashrc`) has no type, and neither has what
ends with a dot: its dot would be lost. A missing type is None, "" or absent, all the same; it is never the
text "null", though a file may be called `x.null`.
"""

from __future__ import annotations

Parts = tuple[str, str | None]


def split(name: str) -> Parts:
    """The plain name and the type, under which a file of this name is made."""
    plain, dot, type_ = name.rpartition(".")
    if not dot or not plain or not type_:
        return name, None
    return plain, type_


def join(plain_name: str | None, type_: str | None) -> str:
    """The name of a file again, from what the server tells."""
    plain = plain_name or ""
    return f"{plain}.{type_}" if type_ else plain


def forms(name: str) -> list[Parts]:
    """All the ways in which clients keep a file of this name, ours first.

    Some send the whole name as plain name; some take what follows a first dot for the type.
    """
    found = [split(name), (name, None)]
    if name.startswith(".") and len(name) > 1:
        plain, _, type_ = name.rpartition(".")
        if type_:
            found.append((plain, type_))
    return list(dict.fromkeys(found))
