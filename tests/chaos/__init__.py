"""Faults, each followed by one checker of what must hold. `make chaos` runs all, the suite the kill points."""
