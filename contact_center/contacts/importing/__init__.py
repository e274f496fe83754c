"""Contacts from files: reading tables and cards, guessing what the columns mean, settling row by row."""
