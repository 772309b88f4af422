"""Cloud storage types for skycap."""
