"""Which snapshots a policy keeps, and why. Pure: no clock, no storage."""
