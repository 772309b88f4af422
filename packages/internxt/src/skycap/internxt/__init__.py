"""Internxt Drive for skycap. Unofficial, and not affiliated with Internxt."""
