"""Hostile input for everything that reads what strangers send. The short, seeded part runs with the suite; `make fuzz` goes on."""
