"""The inbound line: raw item -> parse -> identify -> thread -> store -> events. Read `pipeline.py` from top to bottom."""
