"""HTTP: one readable route table (`routes.py`) with the permission beside each path; handlers beside it, one file a noun."""
