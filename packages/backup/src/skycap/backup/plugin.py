"""What this distribution adds to skycap: the commands under `backup`."""

from __future__ import annotations
