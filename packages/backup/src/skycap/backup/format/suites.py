"""The two ciphers a repository can be sealed with. Keys have 32 bytes, nonces 12, tags 16, in both."""

from __future__ import annotations

import enum
import os
import platform
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305

KEY_SIZE = 32
NONCE_SIZE = 12
TAG_SIZE = 16
_CPUINFO = "/proc/cpuinfo"


class Suite(enum.IntEnum):
    """The number in `config` and in the header of every object."""

    AES_256_GCM = 1
    CHACHA20_POLY1305 = 2

    def cipher(self) -> Callable[[bytes], AESGCM | ChaCha20Poly1305]:
        """What makes a cipher of a key."""
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305

        return AESGCM if self is Suite.AES_256_GCM else ChaCha20Poly1305


def fastest_suite(cpuinfo: str = _CPUINFO) -> Suite:
    """AES where the processor computes it, else ChaCha20: in software AES is slow, or leaks by its timing."""
    return Suite.AES_256_GCM if _has_aes(cpuinfo) else Suite.CHACHA20_POLY1305


def _has_aes(cpuinfo: str) -> bool:
    if sys.platform.startswith("linux") and os.path.exists(cpuinfo):
        with open(cpuinfo, encoding="ascii", errors="replace") as stream:
            lines = (line.partition(":") for line in stream)
            return any("aes" in value.split() for name, _, value in lines if name.strip() in _FLAGS)
    return platform.machine().lower() in {"amd64", "x86_64", "arm64", "aarch64"}


_FLAGS = {"flags", "Features"}  # of x86, of Arm
