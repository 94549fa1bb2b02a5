"""Files to Picture and back, nothing lost. Needs no network."""
