"""Moving files between two storages: plan, engine, journal, events."""
