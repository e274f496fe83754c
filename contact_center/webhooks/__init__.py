"""Webhooks that we send, by the Standard Webhooks specification.

The journal is the source: `planning.py` turns events into stored messages after a cursor per endpoint, `sending.py` leases and
posts them, `signing.py` is what the other side checks. At least once, with an id that never changes; see docs/howto/webhooks.md.
"""
