"""What a run tells: events while it goes on, one report at its end, one exit status."""
