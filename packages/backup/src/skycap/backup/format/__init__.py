"""Bytes to objects and back: the format of backup repositories, as docs/backup/format.md has it.

No storage, no clock, no threads: whoever calls brings bytes, times and locks.
"""
