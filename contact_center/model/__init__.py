"""The words of the business: frozen values and enums, no I/O. `docs/glossary.md` explains each."""
