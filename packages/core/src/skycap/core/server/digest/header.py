"""What a client says in `Authorization: Digest …`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import unquote_to_bytes

from skycap.core.server.digest.users import ALGORITHMS, REALM

_PARAMETER = re.compile(r'\s*([A-Za-z0-9*_-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s",]+))\s*(?:,|$)')
_LONGEST = 8192


@dataclass(frozen=True, slots=True)
class Claim:
    """Who somebody says to be, and what is to show it. `count` is the number of use of the nonce."""

    user: str
    algorithm: str
    uri: str
    nonce: str
    count_text: str
    cnonce: str
    response: str

    @property
    def count(self) -> int:
        """The number of use of the nonce."""
        return int(self.count_text, 16)


def parse(header: str) -> Claim | None:
    """The claim in a header; None where it is none, or not of the kind that was offered."""
    kind, _, rest = header.strip().partition(" ")
    if kind.lower() != "digest" or len(rest) > _LONGEST:
        return None
    found: dict[str, str] = {}
    position = 0
    while position < len(rest):
        match = _PARAMETER.match(rest, position)
        if match is None or match[1].lower() in found:
            return None
        found[match[1].lower()] = match[3] if match[2] is None else re.sub(r"\\(.)", r"\1", match[2])
        position = match.end()
    return _claim(found)


def _claim(found: Mapping[str, str]) -> Claim | None:
    user = _user(found)
    algorithm = found.get("algorithm", "MD5").upper()
    wanted = ("uri", "nonce", "nc", "cnonce", "response")
    if user is None or algorithm not in ALGORITHMS or any(not found.get(name) for name in wanted):
        return None
    if found.get("realm") != REALM or found.get("qop", "").lower() != "auth":
        return None
    if found.get("userhash", "false").lower() != "false" or not re.fullmatch("[0-9a-fA-F]{8}", found["nc"]):
        return None
    return Claim(
        user, algorithm, found["uri"], found["nonce"], found["nc"], found["cnonce"], found["response"].lower()
    )


def _user(found: Mapping[str, str]) -> str | None:
    if (name := found.get("username")) is not None:
        return name if "username*" not in found else None
    charset, _, rest = found.get("username*", "").partition("'")
    language_end = rest.partition("'")
    if charset.lower() != "utf-8" or not language_end[1]:
        return None
    try:
        return unquote_to_bytes(language_end[2]).decode("utf-8")
    except UnicodeDecodeError:
        return None
