"""The body of a PROPFIND: what is asked for (RFC 4918, section 14.20)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from skycap.core.webdav.answers import Refusal
from skycap.core.webdav.bodies import parse_xml, read_body
from skycap.core.webdav.request import Request

_NAMES_MAX = 1000


@dataclass(frozen=True, slots=True)
class Asked:
    """`names` are the properties in Clark notation: those asked for, or those to `include` in `allprop`."""

    kind: Literal["allprop", "propname", "prop"]
    names: tuple[str, ...] = ()


def asked(request: Request) -> Asked:
    """What a request asks for; without a body all. `Refusal` 400 for what cannot be understood, 413."""
    body = read_body(request)
    if not body.strip():
        return Asked("allprop")
    root = parse_xml(body, "{DAV:}propfind")
    found = {child.tag: child for child in root}
    kinds = [kind for kind in ("allprop", "propname", "prop") if f"{{DAV:}}{kind}" in found]
    if len(kinds) != 1:
        raise Refusal(400, "a PROPFIND holds one of allprop, propname and prop")
    if kinds[0] == "propname":
        return Asked("propname")
    holder = found.get("{DAV:}prop" if kinds[0] == "prop" else "{DAV:}include", ())
    names = tuple(dict.fromkeys(child.tag for child in holder))
    if len(names) > _NAMES_MAX:
        raise Refusal(413, f"{_NAMES_MAX} properties can be asked for at once")
    return Asked("prop" if kinds[0] == "prop" else "allprop", names)


@dataclass(frozen=True, slots=True)
class Preferences:
    """The headers Prefer (RFC 8144) and Brief (Microsoft's, for the same)."""

    minimal: bool = False
    no_root: bool = False

    @classmethod
    def of(cls, request: Request) -> Preferences:
        """Those of a request."""
        said = {
            word.partition(";")[0].strip().lower().replace('"', "")
            for word in (request.header("PREFER") or "").split(",")
        }
        brief = (request.header("BRIEF") or "").strip().lower() == "t"
        return cls(brief or "return=minimal" in said, "depth-noroot" in said)

    @property
    def headers(self) -> list[tuple[str, str]]:
        """What the answer says about them."""
        applied = ["return=minimal"] * self.minimal + ["depth-noroot"] * self.no_root
        vary = [("Vary", "Brief, Prefer")]
        return [("Preference-Applied", ", ".join(applied)), *vary] if applied else vary
