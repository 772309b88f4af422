"""Who has an account at the emulator of these tests, and what a command said."""

from __future__ import annotations

import json
from typing import Any, NamedTuple


class Person(NamedTuple):
    email: str
    password: str
    totp: str = ""


ADA = Person("ada@example.com", "Test-Passw0rd!")
BEA = Person("bea@example.com", "pässwörd-ключ-🔑", "JBSWY3DPEHPK3PXP")
CYR = Person("cyr@example.com", "Test-Passw0rd!")
"""Whose failures do not matter to the others."""
LINES = [":".join(filter(None, person)) for person in (ADA, BEA, CYR)]


class Said(NamedTuple):
    status: int
    out: str
    err: str

    @property
    def records(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.out.splitlines()]
