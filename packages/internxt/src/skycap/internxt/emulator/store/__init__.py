"""What the emulator remembers: one SQLite file, and the statements over it, one module a kind of thing."""
