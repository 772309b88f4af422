"""Properties that clients set."""
