"""Everything the product holds in one file, and back: made while the service runs, checked before it is believed.

The file is a gzipped tar. `about.json` comes first; then the tables in parts (`store/portable.py`), the large contents
from the blob folder, the outgoing spool, the secret key if asked for; `manifest.json` comes last and has the SHA-256 of
every other member. With a passphrase the whole of it is encrypted.
"""
