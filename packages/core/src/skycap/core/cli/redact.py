"""Takes what could be secret out of text on its way to a screen or a log."""

from __future__ import annotations

import re
import sys

_SUSPECT = re.compile(r"(?i)[=@%]|[\"']\s*:|authorization|cookie|bearer|basic|digest|negotiate|x-")
_REDACTOR = "skycap.core.http.redact"


def redact(text: str) -> str:
    """`text` with passwords, tokens and signatures shown as `***`.

    The seam to the HTTP client knows how. It is not imported for text that cannot hold anything: values to
    look for are registered with it, so before it is there, only what has the look of a secret can be one.
    """
    if _REDACTOR not in sys.modules and not _SUSPECT.search(text):
        return text
    from skycap.core.http.redact import redact as cleaned

    return cleaned(text)
