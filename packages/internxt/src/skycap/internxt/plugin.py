"""What this distribution adds to skycap: the storage type `internxt`, its login, its commands."""

from __future__ import annotations
