"""The edge: one folder a channel. `base.py` is the contract; a connector never reaches the database."""
