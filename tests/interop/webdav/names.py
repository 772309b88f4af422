"""Names that clients, URLs and headers have trouble with."""

from __future__ import annotations

import unicodedata

ODD = (
    "a space",
    "100% sure",
    "%20 is not a space",
    "number #1",
    "why?",
    "one+one",
    "this & that",
    "it's",
    '"quoted"',
    "(round) [square] {curly}",
    "semi;colon, comma=equals",
    "tilde~ at@ dollar$ star* bang!",
    "back\\slash | pipe <angle>",
    "colon: time",
    unicodedata.normalize("NFC", "größe"),
    "日本語",
    "🚀🇪🇺",
    ".hidden",
    "trailing.",
)
DECOMPOSED = unicodedata.normalize("NFD", "größe and ångström")
"""As the Finder sends it."""
