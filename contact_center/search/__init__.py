"""Search over everything, no age limit: texts of entries, tickets, contacts.

`words` makes of a text what the index holds, the same for both databases; `query` makes of what somebody typed what is
looked for; `indexer` reads the journal after its own cursor and keeps the index; `finder` asks it and shows where the
words stand. Who may see a hit is decided in SQL at the moment of asking (`store/repositories/search.py`), never in the index.
"""
