"""Calls of a PBX, as its logs and events tell of them: one entry a call, whatever tells of it and in whatever order."""
