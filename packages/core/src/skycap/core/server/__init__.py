"""What every server of ours shares: where it listens, who may come in, TLS, locks, the background."""
