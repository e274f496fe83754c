"""Handlers, one file a noun. Each is thin: validate, call a verb of the rooms below in one unit, answer."""
