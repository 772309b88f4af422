"""What a storage's tests need: the conformance suite, faults, slow worlds, real servers."""
