"""Text in the XML and HTML that we write."""

from __future__ import annotations

import re

_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_SPECIAL = re.compile('[&<>"\r]')
_ESCAPES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "\r": "&#13;"}


def text(value: str) -> str:
    """Any text, escaped for an element or an attribute in double quotes.

    XML has no control characters and no bytes that are not UTF-8: a mark stands in their place.
    """
    if not value.isprintable():
        value = _NOT_XML.sub("\N{REPLACEMENT CHARACTER}", value)
    return _SPECIAL.sub(lambda found: _ESCAPES[found[0]], value)


def empty_element(name: str) -> str:
    """An element without content, by its name in Clark notation, that declares its own namespace."""
    space, _, local = name.rpartition("}")
    if not space:
        return f'<{local} xmlns=""/>'
    return f'<x:{local} xmlns:x="{text(space[1:])}"/>'
