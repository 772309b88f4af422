"""What Internxt's clients do with keys: derived from the mnemonic, never sent."""
