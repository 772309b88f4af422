"""Who you are, and where the proof of it is kept."""
