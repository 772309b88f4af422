"""XML in the bodies of requests: small, without entities, and nothing is fetched."""

from __future__ import annotations

from typing import TYPE_CHECKING

from skycap.core.units import KiB, MiB
from skycap.core.webdav.answers import Refusal
from skycap.core.webdav.request import Request

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

BODY_MAX = MiB
DEPTH_MAX = 100
"""Levels of elements: what is in them is written again, one call a level."""
_RESERVED = ("{http://www.w3.org/XML/1998/namespace}", "{http://www.w3.org/2000/xmlns/}")
LANG = "{http://www.w3.org/XML/1998/namespace}lang"


def read_body(request: Request) -> bytes:
    """The body of a request that is not a file; `Refusal` 413 above 1 MiB, 400 if it broke off."""
    length = request.length
    if length is not None and length > BODY_MAX:
        raise Refusal(413, f"a request like this has at most {BODY_MAX} bytes")
    stream, data = request.environ["wsgi.input"], b""
    while len(data) <= BODY_MAX and (length is None or len(data) < length):
        try:
            more = stream.read(min(64 * KiB, BODY_MAX + 1 if length is None else length - len(data)))
        except (OSError, ValueError) as error:
            raise Refusal(400, f"the request broke off ({error})") from None
        if not more:
            break
        data += more
    if len(data) > BODY_MAX:
        raise Refusal(413, f"a request like this has at most {BODY_MAX} bytes")
    if length is not None and len(data) < length:
        raise Refusal(400, "the request broke off")
    return data


def parse_xml(body: bytes, root: str) -> Element:
    """The element that a body is, by its name in Clark notation; `Refusal` 400 for anything else.

    Documents that declare entities are refused, whether they use them or not.
    """
    from xml.etree.ElementTree import ParseError

    from defusedxml import DefusedXmlException
    from defusedxml.ElementTree import fromstring

    try:
        found: Element = fromstring(body, forbid_dtd=True)
    except DefusedXmlException:
        raise Refusal(400, "the XML declares a document type or entities") from None
    except (ParseError, ValueError, LookupError) as error:  # LookupError: of an encoding nobody knows
        raise Refusal(400, f"this is not XML ({error})") from None
    _require_plain(found)
    if found.tag != root:
        raise Refusal(400, f"the body is not <{root.rpartition('}')[2]}>")
    return found


def _require_plain(root: Element) -> None:
    level, depth = [root], 0
    while level:
        depth += 1
        if depth > DEPTH_MAX:
            raise Refusal(400, f"the XML has more than {DEPTH_MAX} levels")
        if any(one.tag.startswith(_RESERVED) for one in level):  # nobody may declare them in an answer
            raise Refusal(400, "an element is in a namespace that is XML's own")
        level = [child for one in level for child in one]


def as_text(element: Element, *parents: Element) -> str:
    """An element by itself as XML, in the language that its parents, the nearest first, say it is in."""
    from copy import copy
    from xml.etree.ElementTree import tostring

    alone = copy(element)
    alone.tail = None
    if LANG not in alone.attrib:
        lang = next((parent.attrib[LANG] for parent in parents if LANG in parent.attrib), None)
        if lang is not None:
            alone.attrib = {**alone.attrib, LANG: lang}
    # A bare carriage return would be read back as a line feed.
    return tostring(alone, encoding="unicode").replace("\r", "&#13;")
